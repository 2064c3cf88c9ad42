//! `GetSecretValue` in AWS JSON 1.1.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

pub(crate) const TARGET: &str = "secretsmanager.GetSecretValue";

pub(crate) fn request(id: &str) -> Bytes {
    json!({"SecretId": id}).to_string().into()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    secret_string: String,
}

/// An answer that does not hold what was asked for. It never quotes the answer, which may be secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer holds no {0}")]
pub(crate) struct NoValue(pub(crate) &'static str);

pub(crate) fn value(body: &[u8]) -> Result<String, NoValue> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| NoValue("text of a secret"))?;
    Ok(answer.secret_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssm;

    #[test]
    fn values_are_found_and_never_quoted() {
        let body =
            br#"{"ARN":"arn","Name":"a","SecretString":"hunter2","VersionStages":["AWSCURRENT"]}"#;
        assert_eq!(value(body), Ok("hunter2".to_owned()));
        for body in [
            &br#"{"SecretBinary":"aHVudGVyMg=="}"#[..],
            br#"{"SecretString":["hunter2"],"Parameter":{"Value":["hunter2"]}}"#,
            br#"{"Parameter":"hunter2"}"#,
            br#""hunter2""#,
        ] {
            for told in [value(body), ssm::value(body)] {
                let told = told.map_err(|error| error.to_string());
                assert!(told.is_err_and(|told| !told.contains("hunter2")));
            }
        }
    }
}
