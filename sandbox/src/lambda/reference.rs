//! How requests name a function: by name, by ARN or by a part of the ARN, with or without a qualifier.

use super::function::Function;
use super::{invalid, not_found};
use crate::error::ApiError;
use crate::ids::AccountId;
use crate::sandbox::Call;

/// The unpublished version.
pub(super) const LATEST: &str = "$LATEST";

/// A function as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) name: String,
    /// Region and account, where the request says them.
    region: Option<String>,
    account: Option<String>,
    qualifier: Option<String>,
}

impl Reference {
    /// Reads `name`, `name:qualifier`, `account:function:name` or a whole ARN; `qualifier` is the
    /// request's own member of that name.
    pub(super) fn parse(text: &str, qualifier: Option<&str>) -> Result<Self, ApiError> {
        let mut parts: Vec<&str> = text.split(':').collect();
        let (mut region, mut account) = (None, None);
        match parts.iter().position(|part| *part == "function") {
            Some(at) => {
                match parts[..at] {
                    ["arn", _partition, "lambda", in_region, of_account]
                        if AccountId::parse(of_account).is_some() =>
                    {
                        region = Some(in_region.to_owned());
                        account = Some(of_account.to_owned());
                    }
                    [of_account] if AccountId::parse(of_account).is_some() => {
                        account = Some(of_account.to_owned());
                    }
                    [] => {}
                    _ => return Err(malformed(text)),
                }
                parts.drain(..=at);
            }
            None if parts.len() > 2 => return Err(malformed(text)),
            None => {}
        }
        let (name, from_name) = match parts[..] {
            [name] => (name, None),
            [name, qualifier] => (name, Some(qualifier)),
            _ => return Err(malformed(text)),
        };
        let known = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(known) {
            return Err(malformed(text));
        }
        if let (Some(one), Some(other)) = (from_name, qualifier)
            && one != other
        {
            return Err(invalid(
                "The derived qualifier from the function name does not match the specified qualifier.",
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            region,
            account,
            qualifier: from_name.or(qualifier).map(str::to_owned),
        })
    }

    /// The function's ARN in the called account and region, with the qualifier where there is one.
    pub(super) fn arn(&self, call: &Call<'_>) -> String {
        let bare = call.arn("lambda", &format!("function:{}", self.name));
        match &self.qualifier {
            Some(qualifier) => format!("{bare}:{qualifier}"),
            None => bare,
        }
    }

    /// The version or alias that the request names.
    pub(super) fn qualifier(&self) -> Option<&str> {
        self.qualifier.as_deref()
    }

    /// Refuses a function of another account or region, whatever its name.
    ///
    /// # Errors
    /// As recorded on AWS (LocalStack's `test_function_arns` and `test_get_function_wrong_region`,
    /// 2025-11-25): another account is denied, another region is not found.
    pub(super) fn check_place(&self, call: &Call<'_>) -> Result<(), ApiError> {
        let here = (call.account.id.as_str(), call.region.as_str());
        let account = self.account.as_deref().unwrap_or(here.0);
        let region = self.region.as_deref().unwrap_or(here.1);
        if account != here.0 {
            let arn = format!(
                "arn:{}:lambda:{region}:{account}:function:{}",
                call.region.partition(),
                self.name
            );
            let message = format!(
                "User: {} is not authorized to perform this action on resource: {arn} because no resource-based policy allows it",
                call.caller.arn(&call.account.id, &call.region)
            );
            return Err(ApiError::new(403, "AccessDeniedException", message));
        }
        if region != here.1 {
            return Err(not_found(format!(
                "Functions from '{region}' are not reachable in this region ('{}')",
                here.1
            )));
        }
        Ok(())
    }

    /// The function that is meant, whichever version of it.
    pub(super) fn find<'a>(&self, call: &'a mut Call<'_>) -> Result<&'a mut Function, ApiError> {
        let missing = self.missing(call);
        self.check_place(call)?;
        call.here()
            .lambda
            .functions
            .get_mut(&self.name)
            .ok_or(missing)
    }

    /// The function for an operation that knows no versions.
    pub(super) fn find_whole<'a>(
        &self,
        call: &'a mut Call<'_>,
    ) -> Result<&'a mut Function, ApiError> {
        if self.qualifier.as_deref().is_some_and(|it| it != LATEST) {
            return Err(invalid(
                "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.",
            ));
        }
        self.find(call)
    }

    /// The function, whose version or alias must exist; with the version that is meant.
    pub(super) fn resolve<'a>(
        &self,
        call: &'a mut Call<'_>,
    ) -> Result<(&'a mut Function, String), ApiError> {
        let missing = self.missing(call);
        let function = self.find(call)?;
        let version = function.resolve(self.qualifier()).ok_or(missing)?;
        Ok((function, version))
    }

    /// What is said when there is no such function, version or alias.
    pub(super) fn missing(&self, call: &Call<'_>) -> ApiError {
        not_found(format!("Function not found: {}", self.arn(call)))
    }
}

fn malformed(text: &str) -> ApiError {
    invalid(format!(
        "1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{{2}}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{{1}}:)?(\\d{{12}}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?"
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn names_and_arns_mean_the_same_function() {
        for text in [
            "f",
            "f:$LATEST",
            "123456789012:function:f",
            "arn:aws:lambda:us-east-1:123456789012:function:f",
            "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST",
        ] {
            let reference = Reference::parse(text, None).unwrap();
            assert_eq!(reference.name, "f", "{text}");
            assert!(
                reference.qualifier().is_none_or(|it| it == LATEST),
                "{text}"
            );
        }
        let seventh = Reference::parse("f", Some("7")).unwrap();
        assert_eq!(seventh.qualifier(), Some("7"));
    }

    #[test]
    fn what_is_no_function_is_refused() {
        for text in [
            "",
            "a b",
            "a:b:c",
            "arn:aws:sns:us-east-1:1:function:f",
            "../f",
            &"x".repeat(65),
        ] {
            let error = Reference::parse(text, None).unwrap_err();
            assert_eq!(error.code, "InvalidParameterValueException", "{text}");
        }
        assert!(Reference::parse("f:1", Some("2")).is_err());
    }
}
