//! Policy documents: from JSON text to statements, with the checks that IAM makes when one is stored.

use serde_json::{Map, Value};

use super::condition::{Condition, Operator};
use super::formats;

/// Which rules a document has to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Attached to a role: no principals, resources required.
    Identity,
    /// Attached to a bucket, a topic or a function: principals and resources required.
    Resource,
    /// A role's trust policy: principals required, no resources.
    Trust,
}

/// A document that has been understood in full.
#[derive(Debug, Clone, Default)]
pub(crate) struct Document {
    pub(super) statements: Vec<Statement>,
    /// `${…}` is replaced only in documents of version 2012-10-17.
    pub(super) variables: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    /// `None` in identity policies: the principal is whoever the policy is attached to.
    pub(super) principals: Option<Matched<Principal>>,
    pub(super) actions: Matched<String>,
    /// `None` in trust policies: the resource is the role.
    pub(super) resources: Option<Matched<String>>,
    pub(super) conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// An element or its `Not…` form.
#[derive(Debug, Clone)]
pub(super) enum Matched<T> {
    In(Vec<T>),
    NotIn(Vec<T>),
}

impl<T> Matched<T> {
    fn all(&self) -> &[T] {
        match self {
            Matched::In(all) | Matched::NotIn(all) => all,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Principal {
    Anyone,
    Service(String),
    /// An ARN, or an account by id or root ARN.
    Aws(String),
    /// Canonical users and identity providers: nobody in the sandbox is one.
    Foreign,
}

impl Document {
    /// Reads and checks a document. The error is a sentence for people, in the style of IAM's messages.
    pub(crate) fn parse(text: &str, kind: Kind) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| match kind {
            Kind::Trust => format!("This policy contains invalid Json ({error})"),
            Kind::Identity | Kind::Resource => {
                format!("Syntax errors in policy: it is no valid JSON ({error}).")
            }
        })?;
        Self::read(&value, kind)
    }

    /// Like [`Document::parse`], for a document that is JSON already.
    pub(crate) fn read(value: &Value, kind: Kind) -> Result<Self, String> {
        let members = value
            .as_object()
            .ok_or("Syntax errors in policy: the document must be a JSON object.")?;
        only_known(members, &["Version", "Id", "Statement"], "policy")?;
        if members.get("Id").is_some_and(|id| !id.is_string()) {
            return Err("Syntax errors in policy: Id must be text.".to_owned());
        }
        let variables = match members.get("Version") {
            None => false,
            Some(Value::String(version)) if version == "2008-10-17" => false,
            Some(Value::String(version)) if version == "2012-10-17" => true,
            Some(other) => return Err(format!("The policy's version {other} is not valid.")),
        };
        let statements = match members.get("Statement") {
            Some(Value::Array(statements)) if !statements.is_empty() => statements
                .iter()
                .map(|each| Statement::read(each, kind))
                .collect::<Result<_, _>>()?,
            Some(one @ Value::Object(_)) => vec![Statement::read(one, kind)?],
            _ => {
                return Err(
                    "Syntax errors in policy: it must contain at least one Statement.".to_owned(),
                );
            }
        };
        if kind == Kind::Identity {
            formats::check_sids(members.get("Statement"))?;
        }
        Ok(Self {
            statements,
            variables,
        })
    }
}

impl Statement {
    fn read(value: &Value, kind: Kind) -> Result<Self, String> {
        let members = value
            .as_object()
            .ok_or("Syntax errors in policy: a statement must be a JSON object.")?;
        only_known(members, STATEMENT_ELEMENTS, "statement")?;
        if members.get("Sid").is_some_and(|sid| !sid.is_string()) {
            return Err("Syntax errors in policy: Sid must be text.".to_owned());
        }
        let effect = match members.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => {
                return Err(
                    "Syntax errors in policy: Effect must be \"Allow\" or \"Deny\".".to_owned(),
                );
            }
        };
        let actions = either(members, "Action", "NotAction", |value| {
            texts(value, "Action")
        })?
        .ok_or("Policy statement must contain actions.")?;
        let principals = either(members, "Principal", "NotPrincipal", principals)?;
        let resources = either(members, "Resource", "NotResource", |value| {
            texts(value, "Resource")
        })?;
        match kind {
            Kind::Identity if principals.is_some() => {
                return Err("Policy document should not specify a principal.".to_owned());
            }
            Kind::Trust if resources.is_some() => {
                return Err("Has prohibited field Resource".to_owned());
            }
            Kind::Identity | Kind::Resource if resources.is_none() => {
                return Err("Policy statement must contain resources.".to_owned());
            }
            Kind::Resource | Kind::Trust if principals.is_none() => {
                return Err("Missing required field Principal".to_owned());
            }
            Kind::Identity | Kind::Resource | Kind::Trust => {}
        }
        if let (Kind::Identity, Some(resources)) = (kind, &resources) {
            formats::check_resources(resources.all())?;
        }
        actions
            .all()
            .iter()
            .try_for_each(|action| formats::check_action(action))?;
        if let (Kind::Trust, Matched::In(actions)) = (kind, &actions) {
            formats::check_trust_actions(actions)?;
        }
        Ok(Self {
            effect,
            principals,
            actions,
            resources,
            conditions: conditions(members.get("Condition"))?,
        })
    }
}

const STATEMENT_ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

fn only_known(members: &Map<String, Value>, known: &[&str], what: &str) -> Result<(), String> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!(
            "Syntax errors in policy: {name} is no element of a {what}."
        )),
        None => Ok(()),
    }
}

fn either<T>(
    members: &Map<String, Value>,
    name: &str,
    not_name: &str,
    read: impl Fn(&Value) -> Result<Vec<T>, String>,
) -> Result<Option<Matched<T>>, String> {
    match (members.get(name), members.get(not_name)) {
        (Some(_), Some(_)) => Err(format!(
            "Syntax errors in policy: {name} and {not_name} exclude each other."
        )),
        (Some(value), None) => Ok(Some(Matched::In(read(value)?))),
        (None, Some(value)) => Ok(Some(Matched::NotIn(read(value)?))),
        (None, None) => Ok(None),
    }
}

/// A string or a list of strings.
fn texts(value: &Value, what: &str) -> Result<Vec<String>, String> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(format!(
            "Syntax errors in policy: {what} must be text, not {other}."
        )),
    };
    match value {
        Value::Array(items) if items.is_empty() => Err(format!(
            "Syntax errors in policy: {what} must not be empty."
        )),
        Value::Array(items) => items.iter().map(one).collect(),
        single => Ok(vec![one(single)?]),
    }
}

fn principals(value: &Value) -> Result<Vec<Principal>, String> {
    match value {
        Value::String(star) if star == "*" => Ok(vec![Principal::Anyone]),
        Value::Object(members) if !members.is_empty() => {
            let mut found = Vec::new();
            for (kind, names) in members {
                for name in texts(names, "Principal")? {
                    found.push(principal(kind, name)?);
                }
            }
            Ok(found)
        }
        other => Err(format!("Invalid principal in policy: {other}")),
    }
}

fn principal(kind: &str, name: String) -> Result<Principal, String> {
    let invalid = || format!("Invalid principal in policy: \"{kind}\":\"{name}\"");
    match kind {
        "AWS" if name == "*" => Ok(Principal::Anyone),
        "AWS" => {
            let is_account = name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit());
            // Ids of principals (AROA…) are accepted by AWS as well; nobody here is named by one.
            let is_id = name.len() >= 16
                && name
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
            if is_account || is_id || (name.starts_with("arn:") && !name.contains('*')) {
                Ok(Principal::Aws(name))
            } else {
                Err(invalid())
            }
        }
        // A service is named by a domain; the sandbox knows no list of all of them.
        "Service" if name.contains(".amazonaws.com") || name.ends_with(".aws.internal") => {
            Ok(Principal::Service(name))
        }
        "Federated" | "CanonicalUser" => Ok(Principal::Foreign),
        _ => Err(invalid()),
    }
}

fn conditions(value: Option<&Value>) -> Result<Vec<Condition>, String> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let block = value
        .as_object()
        .ok_or("Syntax errors in policy: Condition must be a JSON object.")?;
    let mut found = Vec::new();
    for (name, keys) in block {
        let operator =
            Operator::parse(name).ok_or_else(|| format!("Invalid Condition type : {name}."))?;
        let keys = keys.as_object().ok_or_else(|| {
            format!("Syntax errors in policy: the condition {name} must name its keys.")
        })?;
        for (key, values) in keys {
            if !key.contains(':') {
                return Err(
                    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
                        .to_owned(),
                );
            }
            found.push(Condition {
                operator,
                key: key.to_ascii_lowercase(),
                values: condition_values(values)?,
            });
        }
    }
    Ok(found)
}

/// Numbers and booleans may stand without quotes.
fn condition_values(value: &Value) -> Result<Vec<String>, String> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(format!(
            "Syntax errors in policy: {value} is no value of a condition."
        )),
    };
    match value {
        Value::Array(items) => items.iter().map(one).collect(),
        single => Ok(vec![one(single)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str, kind: Kind) -> String {
        Document::parse(text, kind).expect_err("the document is wrong")
    }

    #[test]
    fn what_iam_refuses_to_store() {
        let identity = |statement: &str| {
            error(
                &format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#),
                Kind::Identity,
            )
        };
        assert!(error("{", Kind::Identity).contains("valid JSON"));
        assert!(error("{", Kind::Trust).starts_with("This policy contains invalid Json"));
        assert!(error(r#"{"Version":"2012-10-17"}"#, Kind::Identity).contains("Statement"));
        assert!(
            error(
                r#"{"Version":"2020-01-01","Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}}"#,
                Kind::Identity
            )
            .contains("version")
        );
        assert!(identity(r#"{"Effect":"allow","Action":"a:b","Resource":"*"}"#).contains("Effect"));
        assert!(identity(r#"{"Effect":"Allow","Resource":"*"}"#).contains("actions"));
        assert!(identity(r#"{"Effect":"Allow","Action":"a:b"}"#).contains("resources"));
        assert!(identity(r#"{"Effect":"Allow","Action":"b","Resource":"*"}"#).contains("vendor"));
        assert!(
            identity(r#"{"Effect":"Allow","Principal":"*","Action":"a:b","Resource":"*"}"#)
                .contains("principal")
        );
        assert!(
            identity(r#"{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"StringSortOf":{"a:b":"c"}}}"#)
                .contains("Invalid Condition type")
        );
        assert!(
            identity(r#"{"Effect":"Allow","Action":"a:b","Resource":"*","Conditions":{}}"#)
                .contains("Conditions")
        );
        let trust =
            |statement: &str| error(&format!(r#"{{"Statement":{statement}}}"#), Kind::Trust);
        assert!(
            trust(r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}"#)
                .contains("Resource")
        );
        assert!(
            trust(
                r#"{"Effect":"Allow","Principal":{"Service":"lambda"},"Action":"sts:AssumeRole"}"#
            )
            .contains("Invalid principal")
        );
        assert!(trust(r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#).contains("Principal"));
    }
}
