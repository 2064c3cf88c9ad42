//! What holds for every rule on its way to EC2 and back.
//!
//! The other side is written here, from the reference of EC2's API, and shares nothing with the code that is held
//! against it but the standard decoder of forms: a mistake that both directions make alike would be seen.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "../../remediator-core/tests/strategies/mod.rs"]
mod strategies;

use crate::{ec2_request, ec2_response};
use proptest::collection::btree_set;
use proptest::prelude::*;
use remediator_core::{GroupId, Matching, Rule, SecurityGroup, plan};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::hash::{Hash, Hasher};
use strategies::{OWN, approved, drifted, group, rule};

/// One permission with one source, in the words of the wire: protocol, ports, the list it stands in, the source.
type Atom = (String, Option<(String, String)>, &'static str, String);

/// The security group as EC2 keeps it.
#[derive(Default)]
struct Ec2 {
    ingress: BTreeSet<Atom>,
    egress: BTreeSet<Atom>,
}

/// The lists of an `IpPermission`: in a request, the member that names the source there, and both in an answer.
const LISTS: [[&str; 4]; 4] = [
    ["Groups", "GroupId", "groups", "groupId"],
    ["IpRanges", "CidrIp", "ipRanges", "cidrIp"],
    ["Ipv6Ranges", "CidrIpv6", "ipv6Ranges", "cidrIpv6"],
    [
        "PrefixListIds",
        "PrefixListId",
        "prefixListIds",
        "prefixListId",
    ],
];

impl Ec2 {
    /// Carries out one of the four writes, all of it or nothing, and answers. EC2 refuses what is there already and
    /// what is not there; in a `lenient` (default) VPC it counts the rules to revoke that it does not know.
    fn write(&mut self, body: &[u8], lenient: bool) -> Result<String, &'static str> {
        let mut form: BTreeMap<String, String> =
            form_urlencoded::parse(body).into_owned().collect();
        assert_eq!(form.remove("Version").as_deref(), Some("2016-11-15"));
        assert_eq!(form.remove("GroupId").as_deref(), Some("sg-0a"));
        let action = form.remove("Action").unwrap();
        let asked = asked(&mut form);
        assert!(form.is_empty(), "EC2 knows no {form:?}");
        let rules = match action.as_str() {
            "AuthorizeSecurityGroupIngress" | "RevokeSecurityGroupIngress" => &mut self.ingress,
            _ => &mut self.egress,
        };
        let mut unknown = 0;
        if action.starts_with("Authorize") {
            if !asked.is_disjoint(rules) {
                return Err("InvalidPermission.Duplicate");
            }
            rules.extend(asked);
        } else {
            unknown = asked.difference(rules).count();
            if unknown > 0 && !lenient {
                return Err("InvalidPermission.NotFound");
            }
            rules.retain(|atom| !asked.contains(atom));
        }
        let unknown = "<item><ipProtocol>tcp</ipProtocol></item>".repeat(unknown);
        Ok(format!(
            "<{action}Response><return>true</return><unknownIpPermissionSet>{unknown}</unknownIpPermissionSet></{action}Response>"
        ))
    }

    /// `DescribeSecurityGroups`: sources of one protocol and range together, as EC2 has them; in which order depends on
    /// `seed`.
    fn describe(&self, seed: u64) -> String {
        let permissions = [&self.ingress, &self.egress].map(|rules| permissions(rules, seed));
        format!(
            "<DescribeSecurityGroupsResponse><securityGroupInfo><item><ownerId>{OWN}</ownerId><groupId>sg-0a</groupId>\
             <ipPermissions>{}</ipPermissions><ipPermissionsEgress>{}</ipPermissionsEgress></item></securityGroupInfo>\
             </DescribeSecurityGroupsResponse>",
            permissions[0], permissions[1]
        )
    }
}

/// Takes `IpPermissions.1`, `.2`, … out of a form. EC2 names its protocols, and leaves out the ports of those without.
fn asked(form: &mut BTreeMap<String, String>) -> BTreeSet<Atom> {
    let mut atoms = BTreeSet::new();
    for n in 1.. {
        let at = format!("IpPermissions.{n}");
        let Some(protocol) = form.remove(&format!("{at}.IpProtocol")) else {
            break;
        };
        let mut port = |name: &str| form.remove(&format!("{at}.{name}"));
        let ports = match (port("FromPort"), port("ToPort")) {
            (None, None) => None,
            (from, to) => Some((from.unwrap(), to.unwrap())),
        };
        let has_ports = ["tcp", "udp", "icmp", "icmpv6"].contains(&protocol.as_str());
        assert_eq!(has_ports, ports.is_some(), "{protocol} {ports:?}");
        let before = atoms.len();
        for [list, member, shown, _] in LISTS {
            let Some(source) = form.remove(&format!("{at}.{list}.1.{member}")) else {
                continue;
            };
            let owner = form.remove(&format!("{at}.{list}.1.UserId"));
            let source = match (list, owner) {
                ("Groups", owner) => format!("{}/{source}", owner.as_deref().unwrap_or(OWN)),
                (_, None) => source,
                (_, Some(_)) => panic!("only groups have an owner"),
            };
            atoms.insert((protocol.clone(), ports.clone(), shown, source));
        }
        assert_eq!(atoms.len(), before + 1, "one source, and no rule twice");
    }
    atoms
}

fn permissions(rules: &BTreeSet<Atom>, seed: u64) -> String {
    let shuffled = |atom: &&Atom| {
        let mut hasher = DefaultHasher::new();
        (seed, atom).hash(&mut hasher);
        hasher.finish()
    };
    let mut atoms: Vec<&Atom> = rules.iter().collect();
    atoms.sort_by_key(shuffled);
    let mut grouped: Vec<(&Atom, Vec<&Atom>)> = Vec::new();
    for atom in atoms {
        let alike =
            |(first, _): &&mut (&Atom, Vec<&Atom>)| (&first.0, &first.1) == (&atom.0, &atom.1);
        match grouped.iter_mut().find(alike) {
            Some((_, members)) => members.push(atom),
            None => grouped.push((atom, vec![atom])),
        }
    }
    let mut xml = String::new();
    // Writing into a string cannot fail.
    for ((protocol, ports, _, _), members) in grouped {
        let _ = write!(xml, "<item><ipProtocol>{protocol}</ipProtocol>");
        if let Some((from, to)) = ports {
            let _ = write!(xml, "<fromPort>{from}</fromPort><toPort>{to}</toPort>");
        }
        for [_, _, list, member] in LISTS {
            let _ = write!(xml, "<{list}>");
            for (.., source) in members.iter().filter(|atom| atom.2 == list) {
                let _ = match source.split_once('/').filter(|_| list == "groups") {
                    Some((owner, id)) => write!(
                        xml,
                        "<item><userId>{owner}</userId><{member}>{id}</{member}></item>"
                    ),
                    None => write!(
                        xml,
                        "<item><{member}>{source}</{member}><description>a &amp; b</description></item>"
                    ),
                };
            }
            let _ = write!(xml, "</{list}>");
        }
        let _ = write!(xml, "</item>");
    }
    xml
}

fn sent(
    ec2: &mut Ec2,
    action: &str,
    rules: &BTreeSet<Rule>,
    lenient: bool,
) -> Result<usize, String> {
    let group: GroupId = "sg-0a".parse().unwrap();
    let body = ec2_request::rules(action, &group, rules);
    let answer = ec2.write(&body, lenient)?;
    ec2_response::write(answer.as_bytes()).map_err(|error| error.to_string())
}

fn read(ec2: &Ec2, seed: u64) -> SecurityGroup {
    let page = ec2_response::describe(ec2.describe(seed).as_bytes()).unwrap();
    let [group] = <[SecurityGroup; 1]>::try_from(page.items).unwrap();
    group
}

const AUTHORIZE: [&str; 2] = [
    "AuthorizeSecurityGroupIngress",
    "AuthorizeSecurityGroupEgress",
];
const REVOKE: [&str; 2] = ["RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress"];

proptest! {
    // As many cases as `PROPTEST_CASES` says, 256 without it; `docs/proofs.md` has the long run.

    /// C3, C4: rules that were written are the rules that are read, in whatever order EC2 tells them.
    #[test]
    fn a_rule_comes_back_from_ec2(inbound in btree_set(rule(), 0..12), outbound in btree_set(rule(), 0..12), seed: u64) {
        let wanted = group(inbound, outbound);
        let mut ec2 = Ec2::default();
        prop_assert_eq!(sent(&mut ec2, AUTHORIZE[0], &wanted.ingress, false), Ok(0));
        prop_assert_eq!(sent(&mut ec2, AUTHORIZE[1], &wanted.egress, false), Ok(0));
        let seen = read(&ec2, seed);
        prop_assert_eq!(&seen.ingress, &wanted.ingress);
        prop_assert_eq!(&seen.egress, &wanted.egress);
        // What EC2 knows it takes away; what it does not know any more it counts.
        prop_assert_eq!(sent(&mut ec2, REVOKE[0], &wanted.ingress, true), Ok(0));
        prop_assert_eq!(sent(&mut ec2, REVOKE[0], &wanted.ingress, true), Ok(wanted.ingress.len()));
        prop_assert!(read(&ec2, seed).ingress.is_empty());
    }

    /// C1, C2: what is planned on a reading is what EC2 can do: no rule is there already, none is missing, and
    /// then nothing is left to plan.
    #[test]
    fn a_plan_is_carried_out_by_ec2((live, policy) in drifted(), seed: u64) {
        let mut ec2 = Ec2::default();
        for (action, rules) in AUTHORIZE.into_iter().zip([&live.ingress, &live.egress]) {
            prop_assert_eq!(sent(&mut ec2, action, rules, false), Ok(0));
        }
        let planned = plan(&read(&ec2, seed), &policy);
        let writes = [
            (REVOKE[0], &planned.revoke),
            (AUTHORIZE[0], &planned.authorize),
            (REVOKE[1], &planned.egress.revoke),
            (AUTHORIZE[1], &planned.egress.authorize),
        ];
        for (action, rules) in writes {
            prop_assert_eq!(sent(&mut ec2, action, rules, false), Ok(0), "{}", action);
        }
        let healed = read(&ec2, seed.wrapping_add(1));
        prop_assert!(plan(&healed, &policy).is_empty());
        if policy.matching == Matching::Exact {
            prop_assert_eq!(&healed.ingress, &approved(&policy.baseline));
        }
    }
}
