//! Lambda's REST paths. Each operation keeps the date of the API version that brought it.

use http::Method;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::protocol::{HttpRequest, Operation, json};

/// Reads the operation out of a REST request.
pub(crate) fn decode(request: &HttpRequest) -> Result<Operation, ApiError> {
    let parts = request.path_parts()?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let unknown =
        || ApiError::not_implemented("lambda", &format!("{} {}", request.method, request.path));
    let (date, parts) = parts.split_first().ok_or_else(unknown)?;
    let (name, uri) = route(&request.method, date, parts).ok_or_else(unknown)?;
    let mut operation = Operation::new(name, json!({}));
    if name == "Invoke" {
        operation.body = request.body.clone();
        let headers = [
            ("x-amz-invocation-type", "InvocationType"),
            ("x-amz-log-type", "LogType"),
            ("x-amz-client-context", "ClientContext"),
            ("x-amz-durable-execution-name", "DurableExecutionName"),
            ("x-amz-tenant-id", "TenantId"),
        ];
        for (header, member) in headers {
            if let Some(value) = request.header(header) {
                operation.input[member] = json!(value);
            }
        }
    } else {
        operation.input = json::decode(&request.body)?;
    }
    for (name, value) in request.query_pairs() {
        if name == "tagKeys" {
            operation.push("TagKeys", value);
        } else {
            operation.input[name] = json!(value);
        }
    }
    for (member, value) in uri {
        operation.input[member] = Value::from(value);
    }
    Ok(operation)
}

type Routed<'a> = (&'static str, Vec<(&'static str, &'a str)>);

fn route<'a>(method: &Method, date: &str, parts: &[&'a str]) -> Option<Routed<'a>> {
    let method = method.as_str();
    let function = |name: &'a str| vec![("FunctionName", name)];
    let routed = match (date, method, parts) {
        ("2015-03-31", "POST", ["functions"]) => ("CreateFunction", vec![]),
        ("2015-03-31", "GET", ["functions"]) => ("ListFunctions", vec![]),
        ("2015-03-31", "GET", ["functions", name]) => ("GetFunction", function(name)),
        ("2015-03-31", "DELETE", ["functions", name]) => ("DeleteFunction", function(name)),
        ("2015-03-31", "GET", ["functions", name, "configuration"]) => {
            ("GetFunctionConfiguration", function(name))
        }
        ("2015-03-31", "PUT", ["functions", name, "configuration"]) => {
            ("UpdateFunctionConfiguration", function(name))
        }
        ("2015-03-31", "PUT", ["functions", name, "code"]) => {
            ("UpdateFunctionCode", function(name))
        }
        ("2015-03-31", "POST", ["functions", name, "policy"]) => ("AddPermission", function(name)),
        ("2015-03-31", "GET", ["functions", name, "policy"]) => ("GetPolicy", function(name)),
        ("2015-03-31", "DELETE", ["functions", name, "policy", id]) => (
            "RemovePermission",
            vec![("FunctionName", *name), ("StatementId", *id)],
        ),
        ("2015-03-31", "POST", ["functions", name, "invocations"]) => ("Invoke", function(name)),
        ("2015-03-31", "POST", ["functions", name, "versions"]) => {
            ("PublishVersion", function(name))
        }
        ("2015-03-31", "GET", ["functions", name, "versions"]) => {
            ("ListVersionsByFunction", function(name))
        }
        ("2015-03-31", "GET", ["functions", name, "aliases"]) => ("ListAliases", function(name)),
        ("2015-03-31", "POST", ["functions", name, "aliases"]) => ("CreateAlias", function(name)),
        ("2015-03-31", "GET", ["functions", name, "aliases", alias]) => {
            ("GetAlias", vec![("FunctionName", *name), ("Name", *alias)])
        }
        ("2015-03-31", "PUT", ["functions", name, "aliases", alias]) => (
            "UpdateAlias",
            vec![("FunctionName", *name), ("Name", *alias)],
        ),
        ("2015-03-31", "DELETE", ["functions", name, "aliases", alias]) => (
            "DeleteAlias",
            vec![("FunctionName", *name), ("Name", *alias)],
        ),
        ("2019-09-25", "PUT", ["functions", name, "event-invoke-config"]) => {
            ("PutFunctionEventInvokeConfig", function(name))
        }
        ("2019-09-25", "POST", ["functions", name, "event-invoke-config"]) => {
            ("UpdateFunctionEventInvokeConfig", function(name))
        }
        ("2019-09-25", "GET", ["functions", name, "event-invoke-config"]) => {
            ("GetFunctionEventInvokeConfig", function(name))
        }
        ("2019-09-25", "DELETE", ["functions", name, "event-invoke-config"]) => {
            ("DeleteFunctionEventInvokeConfig", function(name))
        }
        ("2019-09-25", "GET", ["functions", name, "event-invoke-config", "list"]) => {
            ("ListFunctionEventInvokeConfigs", function(name))
        }
        ("2017-10-31", "PUT", ["functions", name, "concurrency"]) => {
            ("PutFunctionConcurrency", function(name))
        }
        ("2017-10-31", "DELETE", ["functions", name, "concurrency"]) => {
            ("DeleteFunctionConcurrency", function(name))
        }
        ("2019-09-30", "GET", ["functions", name, "concurrency"]) => {
            ("GetFunctionConcurrency", function(name))
        }
        ("2017-03-31", "GET", ["tags", arn]) => ("ListTags", vec![("Resource", *arn)]),
        ("2017-03-31", "POST", ["tags", arn]) => ("TagResource", vec![("Resource", *arn)]),
        ("2017-03-31", "DELETE", ["tags", arn]) => ("UntagResource", vec![("Resource", *arn)]),
        ("2016-08-19", "GET", ["account-settings"]) => ("GetAccountSettings", vec![]),
        _ => return None,
    };
    Some(routed)
}

/// The HTTP status with which an operation succeeds.
pub(crate) fn success(operation: &str) -> u16 {
    match operation {
        "AddPermission" | "CreateAlias" | "CreateFunction" | "PublishVersion" => 201,
        "DeleteAlias"
        | "DeleteFunction"
        | "DeleteFunctionEventInvokeConfig"
        | "RemovePermission"
        | "DeleteFunctionConcurrency"
        | "TagResource"
        | "UntagResource" => 204,
        _ => 200,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn delete(path: &str) -> Result<Operation, ApiError> {
        decode(&HttpRequest {
            method: Method::DELETE,
            path: path.to_owned(),
            query: "tagKeys=a&tagKeys=b%20c".to_owned(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
        })
    }

    #[test]
    fn a_path_is_decoded_part_by_part_and_a_repeated_parameter_is_a_list() {
        let operation = delete("/2017-03-31/tags/arn%3Aaws%3Alambda%2Ff").unwrap();
        assert_eq!(operation.name, "UntagResource");
        let expected = json!({"Resource": "arn:aws:lambda/f", "TagKeys": ["a", "b c"]});
        assert_eq!(operation.input, expected);
        let refused = delete("/2017-03-31/tags/%ff").unwrap_err();
        assert_eq!(refused.code, "SerializationException");
    }
}
