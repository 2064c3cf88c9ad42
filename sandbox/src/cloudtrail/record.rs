//! One call as CloudTrail records it.
//!
//! Members and forms are those of the User Guide's "CloudTrail record contents" and of its examples for
//! each service.

use serde_json::{Value, json};

use super::parameters;
use crate::caller::Caller;
use crate::clock::{Timestamp, iso8601};
use crate::iam;
use crate::ids::{AccountId, Region, global_arn};
use crate::journal::{Ended, Entry, Origin};
use crate::sandbox::Call;
use crate::service::Service;

/// The version of the record's form.
const VERSION: &str = "1.11";

/// The record; `None` for calls that are no management events of AWS's: what works on the content of
/// buckets, topics, streams and functions, and what only the sandbox refuses.
pub(crate) fn record(entry: &Entry) -> Option<Value> {
    let service = Service::from_signing_name(&entry.service)?;
    let account = entry.account.as_ref()?;
    let caller = entry.caller.as_ref()?;
    if !is_event(entry) {
        return None;
    }
    let (source_ip, user_agent) = match (&entry.origin, caller) {
        (Origin::Client { user_agent, .. }, _) => ("127.0.0.1", user_agent.as_str()),
        (Origin::OnBehalf(principal), _) | (Origin::Service, Caller::Service(principal)) => {
            (*principal, *principal)
        }
        (
            Origin::Service,
            Caller::Operator | Caller::Root | Caller::User { .. } | Caller::Role { .. },
        ) => ("127.0.0.1", "sandbox"),
    };
    let mut record = json!({
        "eventVersion": VERSION,
        "userIdentity": entry.identity.value(),
        "eventTime": whole_second(entry.at),
        "eventSource": event_source(entry),
        "eventName": event_name(entry),
        "awsRegion": entry.region,
        "sourceIPAddress": source_ip,
        "userAgent": user_agent,
        "requestParameters": parameters::request(service, entry),
        "responseElements": parameters::response(service, entry),
        "requestID": entry.request_id,
        "eventID": entry.event_id,
        "readOnly": entry.read_only(),
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": account.as_str(),
        "eventCategory": "Management",
    });
    match &entry.ended {
        Ended::Done | Ended::Dropped => {}
        Ended::Refused(error) => {
            // EC2 alone says whose fault it was.
            let whose = match (service == Service::Ec2, error.status < 500) {
                (true, true) => "Client.",
                (true, false) => "Server.",
                (false, _) => "",
            };
            record["errorCode"] = json!(format!("{whose}{}", error.code));
            record["errorMessage"] = json!(error.message);
        }
    }
    Some(record)
}

pub(super) fn event_source(entry: &Entry) -> String {
    format!("{}.amazonaws.com", entry.service)
}

pub(super) fn event_name(entry: &Entry) -> String {
    match Service::from_signing_name(&entry.service) {
        Some(service) => parameters::event_name(service, &entry.operation),
        None => entry.operation.clone(),
    }
}

/// Whether CloudTrail tells of the call at all.
pub(super) fn is_event(entry: &Entry) -> bool {
    let Some(service) = Service::from_signing_name(&entry.service) else {
        return false;
    };
    let told = match &entry.ended {
        Ended::Done => true,
        Ended::Refused(error) => error.code != "NotImplemented",
        // It never came as far as the service.
        Ended::Dropped => false,
    };
    told && !entry.operation.is_empty() && !is_data(service, &entry.operation)
}

/// Operations on content: data events, which no event history has.
fn is_data(service: Service, operation: &str) -> bool {
    match service {
        Service::S3 => {
            operation.contains("Object") && !operation.contains("Configuration")
                || operation == "HeadBucket"
        }
        Service::Lambda => operation == "Invoke",
        Service::Sns => operation.starts_with("Publish"),
        Service::Logs => matches!(
            operation,
            "PutLogEvents" | "GetLogEvents" | "FilterLogEvents"
        ),
        Service::CloudFormation
        | Service::CloudTrail
        | Service::Config
        | Service::Ec2
        | Service::Events
        | Service::Iam
        | Service::Quotas
        | Service::Scheduler
        | Service::SecretsManager
        | Service::Ssm
        | Service::Sts => false,
    }
}

/// CloudTrail's times have no fraction.
fn whole_second(at: Timestamp) -> String {
    let text = iso8601(at);
    text.split('.').next().unwrap_or_default().to_owned() + "Z"
}

/// The caller as `userIdentity` shows it. Taken when the call happens: a role may be gone later.
pub(crate) fn identity(call: &Call<'_>, caller: &Caller, origin: &Origin) -> Value {
    let (account, region) = (&call.account.id, &call.region);
    let arn = caller.arn(account, region);
    let mut identity = match caller {
        Caller::Operator => json!({
            "type": "IAMUser",
            "principalId": format!("AIDAOPERA{account}"),
            "arn": arn,
            "accountId": account.as_str(),
            "userName": "operator",
        }),
        // Its id is the account's, and it has a name only where the account has an alias.
        Caller::Root => json!({
            "type": "Root",
            "principalId": account.as_str(),
            "arn": arn,
            "accountId": account.as_str(),
        }),
        Caller::User { name } => json!({
            "type": "IAMUser",
            "principalId": iam::user_id(call.account, name),
            "arn": arn,
            "accountId": account.as_str(),
            "userName": name,
        }),
        Caller::Role { role, session } => {
            role_identity(call, (role, session), &arn, account, region)
        }
        Caller::Service(principal) => json!({"type": "AWSService", "invokedBy": principal}),
    };
    match origin {
        Origin::Client { access_key, .. } => identity["accessKeyId"] = json!(access_key),
        Origin::OnBehalf(acting) => identity["invokedBy"] = json!(acting),
        Origin::Service => {}
    }
    identity
}

fn role_identity(
    call: &Call<'_>,
    (role, session): (&str, &str),
    arn: &str,
    account: &AccountId,
    region: &Region,
) -> Value {
    let id = iam::role_id(call.account, role).unwrap_or_default();
    let role_arn = global_arn(region.partition(), account, "iam", &format!("role/{role}"));
    json!({
        "type": "AssumedRole",
        "principalId": format!("{id}:{session}"),
        "arn": arn,
        "accountId": account.as_str(),
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": id,
                "arn": role_arn,
                "accountId": account.as_str(),
                "userName": role,
            },
            "attributes": {"mfaAuthenticated": "false"},
        },
    })
}

/// The name under which `LookupEvents` finds the caller's events; services have none.
pub(super) fn user_name(entry: &Entry) -> Option<String> {
    match entry.caller.as_ref()? {
        Caller::Operator => Some("operator".to_owned()),
        Caller::Root => Some("root".to_owned()),
        Caller::User { name } => Some(name.clone()),
        Caller::Role { session, .. } => Some(session.clone()),
        Caller::Service(_) => None,
    }
}
