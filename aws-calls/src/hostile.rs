//! An answer of which nothing is known. It is here for the tests and for `fuzz/` alone: what reads answers is nobody
//! else's affair.

use crate::transport::Answer;
use crate::wire_error::{WireError, blames_clock, classify};
use crate::{config_service, ec2_request, ec2_response, secrets, ssm};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use remediator_core::{Policy, Rule, SecurityGroup, log, plan};

/// Reads `body` as the answer to each call of the function, and as a refusal, and holds what is understood to what is
/// promised of it.
///
/// # Panics
/// Where a promise is broken: that is what it is for.
pub fn answer(body: &[u8]) {
    if let Ok(page) = ec2_response::describe(body) {
        page.items.iter().for_each(observed);
    }
    if let Ok(page) = ec2_response::describe_page(body) {
        page.groups.iter().for_each(observed);
        for group in page.unreadable {
            assert_eq!(group.reason, log::one_line(&group.reason));
        }
    }
    let _ = ec2_response::write(body);
    let _ = config_service::failed(body);
    let _ = ssm::value(body);
    let _ = secrets::value(body);
    let refusal = WireError::read(&Answer {
        status: StatusCode::BAD_REQUEST,
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body),
    });
    let code = refusal.code.as_deref();
    let _ = (classify(code, 400), blames_clock(code));
}

/// What EC2 tells of a group can be planned on, asked for, and written into the log line by line.
fn observed(group: &SecurityGroup) {
    assert_eq!(
        group.clone().canonical(),
        *group,
        "a reading is in canonical form"
    );
    let planned = plan(group, &Policy::default());
    assert!(planned.revoke.is_subset(&group.ingress));
    for line in log::changes(&group.group_id, &planned) {
        assert_eq!(line, log::one_line(&line));
    }
    for rules in [&group.ingress, &group.egress] {
        rules.iter().for_each(spelled);
        let body = ec2_request::rules("RevokeSecurityGroupIngress", &group.group_id, rules);
        let permissions = form_urlencoded::parse(&body).filter(|(name, _)| {
            name.strip_prefix("IpPermissions.")
                .is_some_and(|rest| rest.ends_with(".IpProtocol"))
        });
        assert_eq!(permissions.count(), rules.len());
    }
}

/// A rule that was read is one that can be written: it names nothing that a rule cannot name.
fn spelled(rule: &Rule) {
    assert_eq!(rule.to_compact().parse().as_ref(), Ok(rule));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use std::path::Path;

    /// Every answer that fuzzing has kept (`docs/proofs.md`), and every one that ever broke something.
    #[test]
    fn no_answer_of_the_corpus_is_fatal() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/answer");
        let mut read = 0;
        for file in std::fs::read_dir(corpus).unwrap() {
            let path = file.unwrap().path();
            let body = std::fs::read(&path).unwrap();
            let told = std::panic::catch_unwind(|| answer(&body));
            assert!(told.is_ok(), "{} broke it", path.display());
            read += 1;
        }
        assert!(read >= 12, "only {read} answers");
    }
}
