//! How a failure looks on the screen.

use std::error::Error as StdError;
use std::fmt::Write;

use crate::error::Error;

/// The message, the chain of causes and the hints of a failure, as several lines.
pub fn failure(error: &Error) -> String {
    let mut text = format!("error: {error}\n");
    let mut cause = error.source();
    while let Some(now) = cause {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "  caused by: {now}");
        cause = now.source();
    }
    for hint in error.hints() {
        let _ = writeln!(text, "hint: {hint}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn chain_and_hints_stand_on_lines_of_their_own() {
        let root = Error::new(Kind::Failed, "`sts:GetCallerIdentity` was not answered");
        let error = Error::new(Kind::Unreachable, "cannot find out the account")
            .caused_by(root)
            .hint("check `AWS_ENDPOINT_URL`");
        insta::assert_snapshot!(failure(&error), @r"
        error: cannot find out the account
          caused by: `sts:GetCallerIdentity` was not answered
        hint: check `AWS_ENDPOINT_URL`
        ");
    }
}
