//! The policies as IAM takes them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::calls::{CALLS, Call, Feature};
use super::resource::Names;
use super::stack;
use super::statement::{CALLED_VIA, CLOUDFORMATION, Condition, Sid};

/// The most characters that a managed policy may have, white space not counted.
pub const LONGEST: usize = 6144;

/// Which of the policies. They are apart because together they are too long for one, and because a company may want
/// CloudFormation to have its part as a role of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// What the operator calls.
    Operator,
    /// What CloudFormation does in the operator's name, and the operator only through CloudFormation. What the operator's
    /// own policy allows already is not in it.
    OperatorStack,
    /// The same for a service role that is given to CloudFormation.
    CfnRole,
    /// What `doctor` looks at besides. It goes without, and says what it could not see.
    Doctor,
    /// What `deploy --plan` calls: it looks, and makes and deletes a change set. It holds no right to carry one out, to pass a
    /// role, or to delete a stack, for which IAM has no condition that spares the living one.
    Plan,
}

/// What a plan calls besides what it looks at.
const PLANS: [&str; 2] = [
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
];

/// What `deploy` looks at before it asks for consent.
const PLAN_LOOKS: [&str; 18] = [
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplate",
    "cloudformation:DescribeChangeSet",
    "cloudformation:ListChangeSets",
    "config:DescribeConfigRules",
    "config:DescribeConfigurationRecorders",
    "config:DescribeConfigurationRecorderStatus",
    "config:DescribeDeliveryChannels",
    "config:DescribeRetentionConfigurations",
    "config:ListTagsForResource",
    "iam:GetRole",
    "lambda:GetFunction",
    "logs:ListTagsForResource",
    "s3:GetBucketTagging",
    "s3:GetObject",
    "s3:HeadObject",
    "scheduler:ListSchedules",
    "sns:ListTagsForResource",
];

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    version: &'static str,
    statement: Vec<Statement>,
}

/// One statement of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: String,
    effect: &'static str,
    action: Vec<&'static str>,
    resource: Vec<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    condition: Map<String, Value>,
}

/// The statement of the operator's own policy that allows an action of the stack's already.
pub(super) fn covering(action: &str, stack: Sid) -> Option<Sid> {
    CALLS
        .iter()
        .filter(|call| call.features != [Feature::Doctor])
        .flat_map(Call::permissions)
        .find(|(own, sid)| *own == action && sid.covers(stack))
        .map(|(_, sid)| sid)
}

impl Part {
    /// The published file.
    pub fn file(self) -> &'static str {
        match self {
            Self::Operator => "operator-policy.json",
            Self::OperatorStack => "operator-stack-policy.json",
            Self::CfnRole => "cfn-role-policy.json",
            Self::Doctor => "doctor-policy.json",
            Self::Plan => "plan-policy.json",
        }
    }

    /// Every part.
    pub const ALL: &[Self] = &[
        Self::Operator,
        Self::OperatorStack,
        Self::CfnRole,
        Self::Doctor,
        Self::Plan,
    ];

    /// What is allowed, by statement.
    pub fn permissions(self) -> BTreeMap<Sid, BTreeSet<&'static str>> {
        let mut statements: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        let mut allow = |(action, sid)| {
            statements.entry(sid).or_default().insert(action);
        };
        match self {
            Self::Operator | Self::Doctor => CALLS
                .iter()
                .filter(|call| {
                    let only_looks_ahead = call.features == [Feature::Doctor];
                    only_looks_ahead == (self == Self::Doctor)
                })
                .flat_map(Call::permissions)
                .for_each(&mut allow),
            Self::Plan => CALLS
                .iter()
                .filter(|call| {
                    PLANS.contains(&call.operation) || PLAN_LOOKS.contains(&call.operation)
                })
                .flat_map(Call::permissions)
                // A plan names its stack; who looks for all of them needs it.
                .filter(|(action, _)| *action != "cloudformation:ListStacks")
                .for_each(&mut allow),
            Self::CfnRole => stack::permissions().for_each(&mut allow),
            Self::OperatorStack => stack::permissions()
                .filter(|(action, sid)| covering(action, *sid).is_none())
                .for_each(&mut allow),
        }
        statements
    }

    /// The document for some names.
    pub fn document(self, names: &Names) -> Document {
        let statement = self
            .permissions()
            .into_iter()
            .flat_map(|(sid, actions)| self.statements(sid, actions, names))
            .collect();
        Document {
            version: "2012-10-17",
            statement,
        }
    }

    /// One statement, or two where a limit holds for some of its actions only.
    fn statements(
        self,
        sid: Sid,
        actions: BTreeSet<&'static str>,
        names: &Names,
    ) -> impl Iterator<Item = Statement> {
        let (limited, free): (BTreeSet<_>, _) = actions
            .into_iter()
            .partition(|action| sid.limit(action, names).is_some());
        let limit = limited.first().and_then(|action| sid.limit(action, names));
        let statement = move |ending, actions: BTreeSet<_>, limit| Statement {
            sid: format!("{sid:?}{ending}"),
            effect: "Allow",
            action: actions.into_iter().collect(),
            resource: sid.resources(names),
            condition: self.conditions(sid, limit, names),
        };
        [
            statement("", free, None),
            statement("WithBoundary", limited, limit),
        ]
        .into_iter()
        .filter(|statement| !statement.action.is_empty())
    }

    fn conditions(self, sid: Sid, limit: Option<Condition>, names: &Names) -> Map<String, Value> {
        let mut conditions: Map<String, Value> = sid
            .conditions(names)
            .into_iter()
            .chain(limit)
            .map(|each| (each.operator.to_owned(), json!({ each.key: each.value })))
            .collect();
        match self {
            // A role of CloudFormation's own acts for itself, so nothing is called via anybody.
            Self::Operator | Self::CfnRole | Self::Doctor | Self::Plan => {}
            Self::OperatorStack => {
                conditions.insert(
                    "ForAnyValue:StringEquals".to_owned(),
                    json!({ CALLED_VIA: CLOUDFORMATION }),
                );
            }
        }
        conditions
    }
}

impl Document {
    /// As it is published: readable, with a line break at the end.
    pub fn text(&self) -> String {
        // Strings, lists and maps with string keys always become JSON.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// How IAM counts its length.
    pub fn length(&self) -> usize {
        let text = serde_json::to_string(self).unwrap_or_default();
        text.chars().filter(|c| !c.is_whitespace()).count()
    }

    /// The same without one action, wherever it stands: what the proof that each is needed takes away.
    #[must_use]
    pub fn without(&self, action: &str) -> Self {
        let statement = self
            .statement
            .iter()
            .cloned()
            .map(|mut statement| {
                statement.action.retain(|each| *each != action);
                statement
            })
            .filter(|statement| !statement.action.is_empty())
            .collect();
        Self {
            version: self.version,
            statement,
        }
    }

    /// Every action that it allows.
    pub fn actions(&self) -> BTreeSet<&'static str> {
        self.statement
            .iter()
            .flat_map(|statement| statement.action.iter().copied())
            .collect()
    }
}
