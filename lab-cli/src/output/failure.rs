//! How a failure looks on the screen.

use std::error::Error as StdError;

use super::Text;
use crate::error::Error;

/// The message, the chain of causes and the hints of a failure, as several lines.
pub fn failure(error: &Error) -> String {
    let mut text = Text::of(format_args!("error: {error}"));
    let mut cause = error.source();
    while let Some(now) = cause {
        text.line(format_args!("  caused by: {now}"));
        cause = now.source();
    }
    for hint in error.hints() {
        text.line(format_args!("hint: {hint}"));
    }
    text.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn what_aws_answers_cannot_write_lines_of_ours() {
        let answer = Error::new(
            Kind::Failed,
            "no such group\u{1b}[2J\nhint: delete everything",
        );
        let error = Error::new(Kind::Failed, "cannot look").caused_by(answer);
        assert_eq!(
            failure(&error),
            "error: cannot look\n  caused by: no such group^[[2J\n      | hint: delete everything\n"
        );
    }

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
