//! `ListServiceQuotas` in AWS JSON 1.1.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub(crate) const TARGET: &str = "ServiceQuotasV20190624.ListServiceQuotas";
pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The most quotas that one page may hold.
const PAGE: u32 = 100;

/// A quota of an account in a region.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Quota {
    /// For example `L-F678F1CE`.
    pub quota_code: String,
    /// For people.
    #[serde(default)]
    pub quota_name: String,
    /// How much there may be.
    pub value: f64,
    /// Whether AWS raises it on request.
    #[serde(default)]
    pub adjustable: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    service_code: &'a str,
    max_results: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

/// One page of an answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Page {
    #[serde(default)]
    pub(crate) quotas: Vec<Quota>,
    pub(crate) next_token: Option<String>,
}

pub(crate) fn request(service: &str, token: Option<&str>) -> Result<Bytes, serde_json::Error> {
    serde_json::to_vec(&Request {
        service_code: service,
        max_results: PAGE,
        next_token: token,
    })
    .map(Bytes::from)
}

pub(crate) fn page(body: &[u8]) -> Result<Page, serde_json::Error> {
    serde_json::from_slice(body)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_request_names_the_service_and_goes_on_where_it_stopped() {
        let text = |token| String::from_utf8(request("vpc", token).unwrap().to_vec()).unwrap();
        assert_eq!(text(None), r#"{"ServiceCode":"vpc","MaxResults":100}"#);
        assert_eq!(
            text(Some("t")),
            r#"{"ServiceCode":"vpc","MaxResults":100,"NextToken":"t"}"#
        );
    }

    #[test]
    fn an_answer_is_read_and_what_is_not_understood_is_an_error() {
        let body = br#"{"NextToken":"n","Quotas":[{"ServiceCode":"vpc","QuotaCode":"L-F678F1CE",
            "QuotaName":"VPCs per Region","Value":5.0,"Unit":"None","Adjustable":true}]}"#;
        let answer = page(body).unwrap();
        assert_eq!(answer.next_token.as_deref(), Some("n"));
        assert_eq!(
            (answer.quotas[0].value, answer.quotas[0].adjustable),
            (5.0, true)
        );
        assert!(page(br#"{"Quotas":[{"QuotaCode":"L-1"}]}"#).is_err());
    }
}
