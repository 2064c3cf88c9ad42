//! Whether the ports were opened, where EC2 says that they are open already.

use std::collections::BTreeSet;

use remediator_core::Rule;

/// Whether a request that EC2 refused because a rule is there already has met its own work: its answer was lost, and the call
/// was repeated. `ingress` is what the group has by now; when it was looked at before the request, none of `opened` was there.
///
/// EC2 does all of a request or nothing. So all of the rules are there, or none, if the function has been quicker. Anything
/// else is somebody else's doing, which kept the request from doing anything.
pub fn is_own_doing(opened: &BTreeSet<Rule>, ingress: &BTreeSet<Rule>) -> bool {
    opened.is_subset(ingress) || opened.is_disjoint(ingress)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &[&str]) -> BTreeSet<Rule> {
        let rules = text.iter().filter_map(|rule| rule.parse().ok());
        let rules: BTreeSet<_> = rules.collect();
        assert_eq!(rules.len(), text.len());
        rules
    }

    fn check(ingress: &[&str], own: bool) {
        let opened = rules(&["tcp:465:0.0.0.0/0", "tcp:993:0.0.0.0/0"]);
        assert_eq!(is_own_doing(&opened, &rules(ingress)), own, "{ingress:?}");
    }

    #[test]
    fn all_or_nothing_is_our_own() {
        check(&["tcp:465:0.0.0.0/0", "tcp:993:0.0.0.0/0"], true);
        check(
            &["tcp:80:0.0.0.0/0", "tcp:465:0.0.0.0/0", "tcp:993:0.0.0.0/0"],
            true,
        );
        // The function has been quicker.
        check(&["tcp:80:0.0.0.0/0", "tcp:443:0.0.0.0/0"], true);
        check(&[], true);
    }

    #[test]
    fn one_of_two_ports_is_somebody_elses() {
        check(&["tcp:80:0.0.0.0/0", "tcp:465:0.0.0.0/0"], false);
        check(&["tcp:993:0.0.0.0/0"], false);
    }

    #[test]
    fn what_only_looks_alike_is_no_rule_of_ours() {
        check(
            &[
                "tcp:465:10.0.0.0/8",
                "tcp:993:10.0.0.0/8",
                "udp:465:0.0.0.0/0",
            ],
            true,
        );
    }
}
