//! `GetParameter` in AWS JSON 1.1.

use crate::secrets::NoValue;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

pub(crate) const TARGET: &str = "AmazonSSM.GetParameter";
pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Decryption is asked for in any case: it has no meaning for a parameter that is not secret.
pub(crate) fn request(name: &str) -> Bytes {
    json!({"Name": name, "WithDecryption": true})
        .to_string()
        .into()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    parameter: Parameter,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    value: String,
}

/// The error never quotes the answer, which may be secret.
pub(crate) fn value(body: &[u8]) -> Result<String, NoValue> {
    let response: Response =
        serde_json::from_slice(body).map_err(|_| NoValue("value of a parameter"))?;
    Ok(response.parameter.value)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_parameter_is_read() {
        let body = br#"{"Parameter":{"Name":"/p","Type":"String","Value":"{}","Version":1}}"#;
        assert_eq!(value(body).unwrap(), "{}");
        for body in [
            "",
            "{}",
            r#"{"Parameter":{}}"#,
            r#"{"Parameter":{"Value":7}}"#,
        ] {
            assert!(value(body.as_bytes()).is_err(), "{body}");
        }
        assert_eq!(
            request("/a\"b"),
            r#"{"Name":"/a\"b","WithDecryption":true}"#
        );
    }
}
