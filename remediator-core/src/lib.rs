//! What a security group must look like, and the least that makes it so.
//!
//! Data flows one way: *event* → *decision* → *observation* → *plan* → effects → *evaluation*.
//! Everything here is pure: no clock, no network, no environment. The effects live in the
//! `remediator` crate, the requests in `aws-calls`.

pub mod actor;
pub mod api_call;
pub mod baseline;
pub mod call_rules;
pub mod contested;
mod covers;
pub mod decision;
pub mod doubt;
pub mod evaluation;
pub mod event;
pub mod evidence;
pub mod exemption;
pub mod ids;
pub mod json;
pub mod judgement;
pub mod log;
pub mod naming;
pub mod notice;
pub mod observation;
pub mod plan;
pub mod policy;
pub mod ports;
pub mod protocol;
pub mod rule;
pub mod scope;
pub mod source;
pub mod timestamp;

pub use api_call::ApiCall;
pub use baseline::{Baseline, BaselineError};
pub use contested::Contested;
pub use decision::{Decision, Witness, decide};
pub use evaluation::{Annotation, Compliance, Evaluation};
pub use event::{Event, EventError, Message};
pub use exemption::Exemptions;
pub use ids::{AccountId, GroupId, IdError, ResultToken};
pub use json::Json;
pub use judgement::{Judged, Judgement, judge};
pub use observation::SecurityGroup;
pub use plan::{Changes, Direction, Plan, plan};
pub use policy::{Matching, Mode, Policy, PolicyError, PolicySource};
pub use ports::{PortRange, Ports};
pub use protocol::Protocol;
pub use rule::{Rule, RuleError};
pub use scope::Scope;
pub use source::Source;
pub use timestamp::{Timestamp, TimestampError};

/// The one resource type that this rule judges.
pub const SECURITY_GROUP: &str = "AWS::EC2::SecurityGroup";
