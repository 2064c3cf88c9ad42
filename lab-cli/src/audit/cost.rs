//! What a leftover costs.
//!
//! List prices of `us-east-1`, third-party figures read in November 2026; other regions differ a little. What has a free
//! allowance is told without it.

/// The cost of something of this kind, as the end of a sentence.
pub(super) fn cost(kind: &str) -> &'static str {
    match kind {
        "configuration recorder" => "$0.003 for every change that it records, while it runs",
        "rule" => "$0.001 for every evaluation",
        "bucket" => "about $0.023 a month for each GB in it, nothing when it is empty",
        "log group" => "about $0.03 a month for each GB in it, nothing when it is empty",
        "schedule" => {
            "about $1 for a million calls; the lab's make a few dozen, then go by themselves"
        }
        "retention of configuration history" => "nothing by itself",
        "stack" => "nothing by itself; what it made may",
        "delivery channel" | "function" | "role" | "topic" => "nothing until it is used",
        // VPCs, subnets, gateways, route tables and security groups.
        _ => "nothing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_bill_has_a_price() {
        for kind in [
            "configuration recorder",
            "rule",
            "bucket",
            "log group",
            "schedule",
        ] {
            assert!(cost(kind).contains('$'), "{kind}");
        }
        for kind in ["vpc", "role", "delivery channel"] {
            assert!(cost(kind).starts_with("nothing"), "{kind}");
        }
    }
}
