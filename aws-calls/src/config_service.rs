//! `PutEvaluations` in AWS JSON 1.1.

use bytes::Bytes;
use remediator_core::{Evaluation, ResultToken, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::Number;
use std::fmt;

pub(crate) const TARGET: &str = "StarlingDoveService.PutEvaluations";
pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The most evaluations that one request may carry.
pub const MAX_EVALUATIONS: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    result_token: &'a str,
    evaluations: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    compliance_resource_type: &'a str,
    compliance_resource_id: &'a str,
    compliance_type: String,
    annotation: &'a str,
    ordering_timestamp: Option<Number>,
}

pub(crate) fn request(
    token: &ResultToken,
    evaluations: &[Evaluation],
) -> Result<Bytes, serde_json::Error> {
    let evaluations = evaluations.iter().map(entry).collect();
    serde_json::to_vec(&Request {
        result_token: token.as_str(),
        evaluations,
    })
    .map(Bytes::from)
}

fn entry(evaluation: &Evaluation) -> Entry<'_> {
    let Evaluation {
        resource_type,
        resource_id,
        compliance,
        annotation,
        ordering_timestamp,
    } = evaluation;
    Entry {
        compliance_resource_type: resource_type,
        compliance_resource_id: resource_id,
        compliance_type: compliance.to_string(),
        annotation: annotation.as_str(),
        ordering_timestamp: epoch_seconds(*ordering_timestamp),
    }
}

/// AWS JSON writes times as seconds with a fraction. A double holds milliseconds of this era
/// exactly enough: they come back when rounded to three digits.
fn epoch_seconds(time: Timestamp) -> Option<Number> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "52 bits hold milliseconds for 140,000 years"
    )]
    Number::from_f64(time.as_millis() as f64 / 1000.0)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    #[serde(default)]
    failed_evaluations: Option<Vec<Rejected>>,
}

/// An evaluation that Config did not take.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rejected {
    /// Like `sg-0123456789abcdef0`.
    #[serde(default, rename = "ComplianceResourceId")]
    pub resource_id: String,
    /// Like `COMPLIANT`.
    #[serde(default, rename = "ComplianceType")]
    pub compliance: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.resource_id, self.compliance)
    }
}

/// The evaluations that Config did not take.
pub(crate) fn failed(body: &[u8]) -> Result<Vec<Rejected>, serde_json::Error> {
    let response: Response = serde_json::from_slice(body)?;
    Ok(response.failed_evaluations.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use remediator_core::{Annotation, Compliance};
    use serde_json::{Value, json};

    #[test]
    fn a_report_as_config_reads_it() {
        let evaluation = Evaluation {
            resource_type: "AWS::EC2::SecurityGroup".to_owned(),
            resource_id: "sg-0a".to_owned(),
            compliance: Compliance::NonCompliant,
            annotation: Annotation::modified(1, 0),
            ordering_timestamp: "2026-11-22T08:00:00.123Z".parse().unwrap(),
        };
        let body = request(&ResultToken::new("t\"1"), &[evaluation]).unwrap();
        let expected = json!({
            "ResultToken": "t\"1",
            "Evaluations": [{
                "ComplianceResourceType": "AWS::EC2::SecurityGroup",
                "ComplianceResourceId": "sg-0a",
                "ComplianceType": "NON_COMPLIANT",
                "Annotation": "Permissions were modified. 1 new revocation(s).",
                "OrderingTimestamp": 1_795_334_400.123
            }]
        });
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
    }

    #[test]
    fn every_millisecond_survives() {
        for millis in 1_795_334_400_000..1_795_334_401_000 {
            let number = epoch_seconds(Timestamp::from_millis(millis)).unwrap();
            let back = (number.as_f64().unwrap() * 1000.0).round();
            assert_eq!(back.to_string(), millis.to_string());
        }
    }

    #[test]
    fn what_config_did_not_take_is_found() {
        for body in [
            "{}",
            r#"{"FailedEvaluations":[]}"#,
            r#"{"FailedEvaluations":null}"#,
        ] {
            assert!(failed(body.as_bytes()).unwrap().is_empty(), "{body}");
        }
        let body = r#"{"FailedEvaluations":[{"ComplianceResourceId":"sg-0a","ComplianceType":"COMPLIANT"}]}"#;
        let rejected = failed(body.as_bytes()).unwrap();
        assert_eq!(rejected.len(), 1);
        assert_eq!(rejected[0].to_string(), "sg-0a COMPLIANT");
        assert!(failed(b"<html>").is_err());
    }
}
