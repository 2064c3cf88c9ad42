//! Which kind of policy denied a call, as AWS says it, and what helps against that kind.
//!
//! Source: IAM User Guide, "Troubleshoot access denied error messages": `with an explicit deny in a TYPE policy` and
//! `because no TYPE policy allows the ACTION action`. Services that do not follow that format name no kind.

/// The kind of policy that denied a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Of the caller's own user, group or role.
    Identity,
    /// Of the organization, about what its accounts may do (SCP).
    ServiceControl,
    /// Of the organization, about what may be done with its accounts' resources (RCP).
    ResourceControl,
    /// The upper limit of the caller's own rights.
    Boundary,
    /// Given when the session was made.
    Session,
    /// Of the network's way to the service.
    VpcEndpoint,
    /// Of the resource itself.
    Resource,
    /// Of the role that was to be assumed.
    Trust,
}

/// A refusal that names its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// The kind of policy.
    pub layer: Layer,
    /// Whether a statement denies it; otherwise none allows it.
    pub explicit: bool,
}

/// How AWS words the kinds, in lower case.
const WORDS: [(&str, Layer); 8] = [
    ("identity-based policy", Layer::Identity),
    ("service control policy", Layer::ServiceControl),
    ("resource control policy", Layer::ResourceControl),
    ("permissions boundary", Layer::Boundary),
    ("session policy", Layer::Session),
    ("vpc endpoint policy", Layer::VpcEndpoint),
    ("resource-based policy", Layer::Resource),
    ("role trust policy", Layer::Trust),
];

impl Denial {
    /// Reads AWS's message; `None` where it names no kind.
    pub fn of(message: &str) -> Option<Self> {
        let said = message.to_ascii_lowercase();
        WORDS.iter().find_map(|(words, layer)| {
            let explicit = ["a", "an"]
                .iter()
                .any(|article| said.contains(&format!("explicit deny in {article} {words}")));
            let implicit = said.contains(&format!("because no {words} allows"));
            (explicit || implicit).then_some(Self {
                layer: *layer,
                explicit,
            })
        })
    }

    /// What helps, as a hint; `None` where the caller's own policy only has to allow more.
    pub fn hint(self, action: &str) -> Option<String> {
        let Self { layer, explicit } = self;
        let (whose, who) = match (layer, explicit) {
            (Layer::Identity, false) => return None,
            (Layer::Identity, true) => (
                "a policy of your own user, group or role",
                "whoever manages your rights",
            ),
            (Layer::ServiceControl, _) => (
                "a service control policy of the organization",
                "whoever manages the organization",
            ),
            (Layer::ResourceControl, _) => (
                "a resource control policy of the organization",
                "whoever manages the organization",
            ),
            (Layer::Boundary, _) => (
                "the permissions boundary of your user or role",
                "whoever manages your boundary",
            ),
            (Layer::Session, _) => (
                "the policy that your session was given when it was made",
                "whoever hands out your sessions",
            ),
            (Layer::VpcEndpoint, _) => (
                "the policy of the VPC endpoint that your network sends this call through",
                "whoever manages the network",
            ),
            (Layer::Resource, _) => ("the resource's own policy", "whoever owns the resource"),
            (Layer::Trust, _) => ("the role's trust policy", "whoever owns the role"),
        };
        let verb = if explicit { "denies" } else { "does not allow" };
        Some(format!(
            "{whose} {verb} `{action}`, so no permission of your own helps: ask {who}, or use another account or region where it is allowed"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reason: &str, expect: Option<(Layer, bool)>, hint: &str) {
        let message = format!(
            "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: config:PutConfigRule on resource: arn {reason}"
        );
        let denial = Denial::of(&message);
        let expect = expect.map(|(layer, explicit)| Denial { layer, explicit });
        assert_eq!(denial, expect, "{reason}");
        let said = super::super::missing("config:PutConfigRule", &message);
        assert!(said.contains(hint), "{reason}: {said}");
        // The program's own policy is no remedy for what another one denies.
        let own = expect.is_none_or(|it| it.layer == Layer::Identity && !it.explicit);
        assert_eq!(said.contains("`driftlab policy`"), own, "{reason}: {said}");
    }

    #[test]
    fn denied_call_names_the_kind_of_policy_and_who_can_change_it() {
        use Layer::{
            Boundary, Identity, Resource, ResourceControl, ServiceControl, Session, Trust,
            VpcEndpoint,
        };
        check("", None, "`driftlab policy`");
        for (words, layer, hint) in [
            (
                "service control policy",
                ServiceControl,
                "manages the organization",
            ),
            (
                "resource control policy",
                ResourceControl,
                "manages the organization",
            ),
            ("permissions boundary", Boundary, "your boundary"),
            ("session policy", Session, "your session"),
            ("VPC endpoint policy", VpcEndpoint, "manages the network"),
            ("resource-based policy", Resource, "owns the resource"),
            ("role trust policy", Trust, "owns the role"),
        ] {
            check(
                &format!("with an explicit deny in a {words}"),
                Some((layer, true)),
                hint,
            );
            check(
                &format!("because no {words} allows the config:PutConfigRule action"),
                Some((layer, false)),
                hint,
            );
        }
        check(
            "because no identity-based policy allows the config:PutConfigRule action",
            Some((Identity, false)),
            "`driftlab policy`",
        );
        check(
            "with an explicit deny in an identity-based policy",
            Some((Identity, true)),
            "manages your rights",
        );
        // As it was worded before, and as it is with the policy's ARN behind it.
        check(
            "due to an explicit deny in a Service Control Policy",
            Some((ServiceControl, true)),
            "manages the organization",
        );
        check(
            "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/service_control_policy/p-1",
            Some((ServiceControl, true)),
            "manages the organization",
        );
    }
}
