//! The parameters of the template that say what the function's role may change, and the boundary of both roles.

use std::collections::BTreeMap;

use remediator_core::Scope;

use super::LabScope;

/// Their names, and the values that they have when nobody says otherwise.
pub const REACH: [(&str, &str); 5] = [
    ("RepairScope", "lab-vpc"),
    ("RepairVpcId", ""),
    ("RepairTagKey", ""),
    ("RepairTagValue", ""),
    (BOUNDARY, ""),
];

const BOUNDARY: &str = "PermissionsBoundaryArn";

/// The permissions boundary among the template's parameters.
pub fn boundary_of(parameters: &BTreeMap<String, String>) -> Option<&str> {
    let arn = parameters.get(BOUNDARY).map(String::as_str);
    arn.filter(|arn| !arn.is_empty())
}

/// What differs from the defaults. The role reaches as far as the rule's scope and no further.
pub(super) fn parameters(scope: &LabScope, boundary: Option<&str>) -> BTreeMap<String, String> {
    let mut parameters = match scope {
        LabScope::LabVpc => Vec::new(),
        LabScope::Asked(Scope::Vpc(vpc)) => {
            vec![("RepairScope", "vpc"), ("RepairVpcId", vpc.as_str())]
        }
        LabScope::Asked(Scope::Tag { key, value }) => vec![
            ("RepairScope", "tag"),
            ("RepairTagKey", key),
            ("RepairTagValue", value),
        ],
        LabScope::Asked(Scope::Account | Scope::Unrestricted) => vec![("RepairScope", "account")],
    };
    parameters.extend(boundary.map(|arn| (BOUNDARY, arn)));
    parameters
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::TEMPLATE;

    #[test]
    fn every_scope_has_its_parameters() {
        let check = |scope: &str, expected: &[(&str, &str)]| {
            let scope = scope.parse().map_or(LabScope::LabVpc, LabScope::Asked);
            let expected: BTreeMap<_, _> = expected
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(parameters(&scope, None), expected);
        };
        check("", &[]);
        check("account", &[("RepairScope", "account")]);
        check(
            "vpc:vpc-0a1b",
            &[("RepairScope", "vpc"), ("RepairVpcId", "vpc-0a1b")],
        );
        check(
            "tag:team=red",
            &[
                ("RepairScope", "tag"),
                ("RepairTagKey", "team"),
                ("RepairTagValue", "red"),
            ],
        );
        let with = parameters(&LabScope::LabVpc, Some("arn:aws:iam::1:policy/p"));
        assert_eq!(with["PermissionsBoundaryArn"], "arn:aws:iam::1:policy/p");
    }

    #[test]
    fn the_template_has_these_parameters() {
        for (name, default) in REACH {
            let declared = format!("\n  {name}:\n");
            let rest = TEMPLATE.split_once(&declared).map(|(_, rest)| rest);
            let default = match default {
                "" => "Default: \"\"".to_owned(),
                value => format!("Default: {value}"),
            };
            let its_own = rest.and_then(|rest| rest.split_once(&default));
            assert!(
                its_own.is_some_and(|(before, _)| !before.contains("\n    Type:")
                    || before.matches("    Type:").count() == 1),
                "{name}"
            );
        }
    }
}
