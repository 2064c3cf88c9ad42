//! A failed call, with all that support would ask for.

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::{Error, Kind};
use crate::permissions;

/// What came of a call.
pub type CallResult<T> = Result<T, CallError>;

/// Where a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The service answered with an error code.
    Refused,
    /// The request could not even be built from what it was given.
    Unusable,
    /// No answer in time.
    TimedOut,
    /// The endpoint could not be reached.
    Unreachable,
    /// No credentials were found, or they could not be loaded.
    NoCredentials,
    /// The answer was not understood.
    Malformed,
}

/// A call to AWS that failed.
#[derive(Debug)]
pub struct CallError {
    pub(super) operation: &'static str,
    pub(super) class: Class,
    pub(super) code: Option<String>,
    pub(super) message: String,
    pub(super) status: Option<u16>,
    pub(super) request_id: Option<String>,
}

impl CallError {
    /// Where it failed.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The error code of AWS, such as `AccessDenied`.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The message of AWS, for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether AWS answered with one of these codes.
    pub fn is(&self, codes: &[&str]) -> bool {
        self.code().is_some_and(|code| codes.contains(&code))
    }

    /// The HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    pub(super) fn malformed(operation: &'static str, message: String) -> Self {
        Self {
            operation,
            class: Class::Malformed,
            code: None,
            message,
            status: None,
            request_id: None,
        }
    }

    /// The answer began and did not end.
    pub(super) fn cut_off(operation: &'static str, why: &dyn StdError) -> Self {
        Self {
            class: Class::Unreachable,
            ..Self::malformed(operation, deepest(why))
        }
    }

    pub(super) fn unusable(operation: &'static str, why: &dyn StdError) -> Self {
        Self {
            class: Class::Unusable,
            ..Self::malformed(operation, deepest(why))
        }
    }

    pub(super) fn from_sdk<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: StdError + ProvideErrorMetadata + 'static,
    {
        let class = match error {
            _ if is_credentials(error) => Class::NoCredentials,
            SdkError::ServiceError(_) => Class::Refused,
            SdkError::ConstructionFailure(_) => Class::Unusable,
            SdkError::TimeoutError(_) => Class::TimedOut,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Class::TimedOut,
            SdkError::DispatchFailure(_) => Class::Unreachable,
            SdkError::ResponseError(_) => Class::Malformed,
            // The SDK may add variants; whatever they are, no error code came with them.
            _ => Class::Malformed,
        };
        let response = error.raw_response();
        let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
        Self {
            operation,
            class,
            code: metadata.and_then(|m| m.code()).map(str::to_owned),
            message: match metadata {
                Some(metadata) => metadata.message().unwrap_or(NO_WORDS).to_owned(),
                None => deepest(error),
            },
            status: response.map(|r| r.status().as_u16()),
            request_id: metadata
                .and_then(|m| m.extra("aws_request_id"))
                .or_else(|| response.and_then(request_id))
                .map(str::to_owned),
        }
    }
}

/// Answers to HEAD have no body that could hold a code or a message.
const NO_WORDS: &str = "the answer has no words";

fn request_id(response: &HttpResponse) -> Option<&str> {
    let names = ["x-amzn-requestid", "x-amz-request-id"];
    names
        .into_iter()
        .find_map(|name| response.headers().get(name))
}

fn is_credentials(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(now) = cause {
        if now.is::<CredentialsError>() {
            return true;
        }
        cause = now.source();
    }
    false
}

/// The innermost cause says most; the wrappers of an HTTP stack only say that something failed.
pub(super) fn deepest(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(now) = cause {
        text = now.to_string();
        cause = now.source();
    }
    text
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operation,
            class,
            code,
            message,
            status,
            request_id,
        } = self;
        match class {
            Class::Refused => write!(f, "`{operation}` answered ")?,
            Class::Unusable => write!(f, "`{operation}` cannot be asked: ")?,
            Class::TimedOut => write!(f, "`{operation}` was not answered in time: ")?,
            // Whether it took effect cannot be known: the connection may have ended before it or after it.
            Class::Unreachable => write!(f, "`{operation}` got no answer from the endpoint: ")?,
            Class::NoCredentials => write!(f, "`{operation}` has no credentials: ")?,
            Class::Malformed => write!(f, "the answer to `{operation}` is not understood: ")?,
        }
        match (code, status) {
            (Some(code), _) => write!(f, "{code}: ")?,
            (None, Some(status)) => write!(f, "status {status}: ")?,
            (None, None) => {}
        }
        // Some messages of the SDK have several lines; a cause is one.
        let message = message
            .split('\n')
            .map(str::trim)
            .collect::<Vec<_>>()
            .join("; ");
        f.write_str(message.trim_end_matches('.'))?;
        match request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl StdError for CallError {}

/// Says what a failed call was for.
pub trait Doing<T> {
    /// Turns a failed call into a failure of the command: "cannot {what}".
    ///
    /// # Errors
    /// The failed call, as the cause.
    fn doing(self, what: impl fmt::Display) -> Result<T, Error>;
}

impl<T> Doing<T> for CallResult<T> {
    fn doing(self, what: impl fmt::Display) -> Result<T, Error> {
        self.map_err(|call| {
            let hint = match call.class {
                Class::Refused => refused_hint(&call),
                Class::TimedOut | Class::Unreachable => Some(
                    "check the network, `AWS_ENDPOINT_URL` and `--endpoint-url`, then run the same command again".to_owned(),
                ),
                Class::NoCredentials => Some(
                    "give credentials with `AWS_PROFILE`, `--profile` or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; where the profile logs in, run `aws sso login` again".to_owned(),
                ),
                Class::Unusable | Class::Malformed => None,
            };
            let kind = match call.code() {
                Some(code) if BAD_CREDENTIALS.contains(&code) => Kind::Unreachable,
                // AWS itself has no endpoint that could say so; what stands in for it may.
                Some("InvalidRegion") => Kind::Input,
                Some(_) | None => call.class.into(),
            };
            let error = Error::new(kind, format!("cannot {what}")).caused_by(call);
            match hint {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })
    }
}

/// Codes that mean that the endpoint does not know who is asking.
const BAD_CREDENTIALS: [&str; 11] = [
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Codes that mean that the caller may not do this.
const DENIED: [&str; 5] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "Forbidden",
    "UnauthorizedOperation",
];

impl CallError {
    /// Whether AWS knows who is asking and does not allow it. The answer to a HEAD request has no body, so no code.
    pub fn is_denied(&self) -> bool {
        match self.code() {
            Some(code) => DENIED.contains(&code),
            None => self.class == Class::Refused && self.status == Some(403),
        }
    }
}

/// Codes that mean that credentials were right once. Sessions end; that is no reason to look for a mistake.
const EXPIRED: [&str; 3] = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"];

fn refused_hint(call: &CallError) -> Option<String> {
    if call.is(&EXPIRED) {
        return Some(
            "the credentials have expired: log in again (`aws sso login`) or get a new session, then run the same command again"
                .to_owned(),
        );
    }
    if call
        .code()
        .is_some_and(|code| BAD_CREDENTIALS.contains(&code))
    {
        return Some(
            "check the credentials: `aws sts get-caller-identity` has to work with them".to_owned(),
        );
    }
    // S3's names are everybody's: whoever has the name `driftlab-code-…` in another account decides who may look.
    if call.is(&["BucketAlreadyExists"]) {
        return Some(
            "a bucket of this name is in another account, and S3 has each name once: choose another lab name with `--stack`"
                .to_owned(),
        );
    }
    if !call.is_denied() {
        return None;
    }
    let missing = permissions::missing(call.operation, &call.message);
    // To a caller of the bucket's own account S3 says who may not do what; to others only that it is denied.
    if call.operation.starts_with("s3:") && !call.message.contains("not authorized") {
        return Some(format!(
            "{missing}; or the bucket belongs to another account, and then no permission helps: where `aws s3api list-buckets` does not list it, choose another lab name with `--stack`"
        ));
    }
    Some(missing)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn refused(code: &str) -> CallError {
        CallError {
            operation: "cloudformation:CreateStack",
            class: Class::Refused,
            code: Some(code.into()),
            message: "Stack [lab] already exists.".into(),
            status: Some(400),
            request_id: Some("0f-1e".into()),
        }
    }

    #[test]
    fn says_code_message_and_request_id_once() {
        assert_eq!(
            refused("AlreadyExistsException").to_string(),
            "`cloudformation:CreateStack` answered AlreadyExistsException: Stack [lab] already exists \
             (request id 0f-1e)"
        );
    }

    #[test]
    fn a_denied_call_names_the_action_that_is_missing() {
        let hint = |operation, code: &str, message: &str| {
            let call = CallError {
                operation,
                message: message.into(),
                ..refused(code)
            };
            let result: CallResult<()> = Err(call);
            result.doing("go on").unwrap_err().hints().join("; ")
        };
        let said =
            "User: arn:aws:iam::1:user/u is not authorized to perform: iam:PassRole on resource: r";
        let passed = hint("config:PutConfigurationRecorder", "AccessDenied", said);
        assert!(passed.contains("needs `iam:PassRole`"), "{passed}");
        let silent = hint("s3:HeadObject", "Forbidden", "");
        assert!(
            silent.contains("needs `s3:GetObject`, `s3:ListBucket`"),
            "{silent}"
        );
        assert_eq!(hint("s3:HeadObject", "NoSuchBucket", ""), "");
        // A name that another account has is not helped by a permission.
        let taken = hint("s3:CreateBucket", "BucketAlreadyExists", "");
        assert!(
            taken.contains("another account") && taken.contains("`--stack`"),
            "{taken}"
        );
        assert!(!taken.contains("driftlab policy"), "{taken}");
        let foreign = hint("s3:GetBucketTagging", "AccessDenied", "Access Denied");
        assert!(foreign.contains("belongs to another account"), "{foreign}");
        let own = "User: u is not authorized to perform: s3:GetBucketTagging on resource: b because no identity-based policy allows the s3:GetBucketTagging action";
        let own = hint("s3:GetBucketTagging", "AccessDenied", own);
        assert!(!own.contains("another account"), "{own}");
    }

    #[test]
    fn expired_credentials_are_told_as_such() {
        for code in EXPIRED {
            let result: CallResult<()> = Err(refused(code));
            let error = result.doing("create the stack").unwrap_err();
            assert_eq!(error.kind(), Kind::Unreachable, "{code}");
            assert!(error.hints()[0].contains("expired"), "{code}");
        }
    }

    #[test]
    fn bad_credentials_are_told_apart_from_other_refusals() {
        let kind = |code| {
            let result: CallResult<()> = Err(refused(code));
            result.doing("create the stack").unwrap_err().kind()
        };
        assert_eq!(kind("AlreadyExistsException"), Kind::Failed);
        assert_eq!(kind("InvalidClientTokenId"), Kind::Unreachable);
        // A wrong secret, as services with JSON bodies say it; a clock that is off, as S3 says it.
        assert_eq!(kind("InvalidSignatureException"), Kind::Unreachable);
        assert_eq!(kind("RequestTimeTooSkewed"), Kind::Unreachable);
    }
}
