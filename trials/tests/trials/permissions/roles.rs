//! What the two roles of the stack may do, right by right.
//!
//! It is read from the roles that a deployed stack has, so whatever the template adds is tried as well.

use sandbox::service::Service;
use serde_json::{Value, json};
use trials::World;

pub(super) const FUNCTION_ROLE: &str = "AwsConfigLambdaSGRole";
pub(super) const CONFIG_ROLE: &str = "AwsConfigRole";

/// One action of one inline policy.
#[derive(Debug, Clone)]
pub(super) struct Right {
    pub(super) policy: String,
    pub(super) document: Value,
    pub(super) statement: usize,
    pub(super) action: String,
}

impl Right {
    /// Which it is, whatever the ids in it are.
    pub(super) fn name(&self) -> (String, String, String) {
        let sid = self.document["Statement"][self.statement]["Sid"].to_string();
        (self.policy.clone(), sid, self.action.clone())
    }

    /// The policy without it.
    pub(super) fn taken(&self) -> Value {
        let mut document = self.document.clone();
        let statements = document["Statement"].as_array_mut().unwrap();
        let left = actions(&statements[self.statement])
            .into_iter()
            .filter(|action| *action != self.action)
            .collect::<Vec<_>>();
        if left.is_empty() {
            // A policy has a statement: this one allows what everybody may.
            statements[self.statement] =
                json!({"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"});
        } else {
            statements[self.statement]["Action"] = json!(left);
        }
        document
    }
}

fn actions(statement: &Value) -> Vec<String> {
    match &statement["Action"] {
        Value::Array(several) => several
            .iter()
            .map(|action| action.as_str().unwrap().to_owned())
            .collect(),
        one => vec![one.as_str().unwrap().to_owned()],
    }
}

/// Everything that the inline policies of a role allow.
pub(super) async fn rights(world: &World, role: &str) -> Vec<Right> {
    let input = json!({"RoleName": role});
    let named = world.call(Service::Iam, "ListRolePolicies", input).await;
    let mut rights = Vec::new();
    for policy in named["PolicyNames"].as_array().unwrap() {
        let policy = policy.as_str().unwrap();
        let input = json!({"RoleName": role, "PolicyName": policy});
        let shown = world.call(Service::Iam, "GetRolePolicy", input).await;
        let text = shown["PolicyDocument"].as_str().unwrap();
        let document: Value = serde_json::from_str(&decoded(text)).unwrap();
        for (statement, it) in document["Statement"].as_array().unwrap().iter().enumerate() {
            rights.extend(actions(it).into_iter().map(|action| Right {
                policy: policy.to_owned(),
                document: document.clone(),
                statement,
                action,
            }));
        }
    }
    rights
}

/// IAM shows documents percent-encoded.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits: Vec<u8> = rest.by_ref().take(2).collect();
        let digits = String::from_utf8(digits).unwrap();
        bytes.push(u8::from_str_radix(&digits, 16).unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

pub(super) async fn set(world: &World, role: &str, policy: &str, document: &Value) {
    let input = json!({"RoleName": role, "PolicyName": policy,
        "PolicyDocument": document.to_string()});
    world.call(Service::Iam, "PutRolePolicy", input).await;
}
