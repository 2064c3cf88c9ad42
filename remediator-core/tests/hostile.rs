//! Events that somebody has tampered with: whatever arrives is understood or refused, and nothing panics.
//!
//! Reproducible mutations of real shapes, not guided by coverage. `DRIFTLAB_HOSTILE_INPUTS` sets how many, 20,000 unless
//! set, and `DRIFTLAB_HOSTILE_SEED` which.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use remediator_core::api_call::Heard;
use remediator_core::json::payload;
use remediator_core::{Event, PolicySource};
use serde_json::{Value, json};

/// A small generator (xorshift), so that a seed means the same inputs everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap();
        usize::try_from(self.next() % limit).unwrap()
    }
}

fn seeds() -> Vec<String> {
    let permissions = json!([{"ipProtocol": "tcp", "fromPort": 465, "toPort": 465,
        "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}], "ipv6Ranges": [{"cidrIpv6": "::/0"}],
        "prefixListIds": [{"prefixListId": "pl-0a"}], "userIdGroupPairs": [{"groupId": "sg-0b", "userId": "123456789012"}]}]);
    let item = json!({"configurationItemCaptureTime": "2026-11-22T08:00:00.123Z", "configurationItemStatus": "OK",
        "resourceType": "AWS::EC2::SecurityGroup", "resourceId": "sg-0123456789abcdef0",
        "configuration": {"groupId": "sg-0123456789abcdef0", "ipPermissions": permissions}});
    let change =
        json!({"messageType": "ConfigurationItemChangeNotification", "configurationItem": item});
    let large = json!({"messageType": "OversizedConfigurationItemChangeNotification", "configurationItemSummary": item});
    let clock = json!({"messageType": "ScheduledNotification", "awsAccountId": "123456789012",
        "notificationCreationTime": "2026-11-22T08:00:01.000Z"});
    let parameters = json!({"debug": "true", "baseline": "tcp:443:0.0.0.0/0,icmp:8/0:10.0.0.0/8,all:all:sg-0a",
        "mode": "enforce", "scope": "tag:Key=Value"});
    let event = |invoking: &Value| {
        json!({"invokingEvent": invoking.to_string(), "ruleParameters": parameters.to_string(), "resultToken": "token",
            "eventLeftScope": false, "accountId": "123456789012", "configRuleName": "r"})
        .to_string()
    };
    let call = json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.ec2", "account": "123456789012",
        "detail": {"eventSource": "ec2.amazonaws.com", "eventName": "AuthorizeSecurityGroupIngress",
            "eventTime": "2026-11-22T08:00:05Z", "eventID": "e", "userIdentity": {"arn": "arn"},
            "requestParameters": {"groupId": "sg-0a", "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 1,
                "toPort": 2, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}}}});
    vec![
        event(&change),
        event(&large),
        event(&clock),
        call.to_string(),
        parameters.to_string(),
    ]
}

/// Pieces that parsers trip over.
const ODD: [&str; 18] = [
    "null",
    "-1",
    "65536",
    "1e999",
    "\"\"",
    "[]",
    "{}",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "/",
    ":",
    ",",
    "::/129",
    "0.0.0.0/33",
    "9999-99-99T99:99:60Z",
    "\u{1f600}",
    "99999999999999999999",
];

fn mutated(dice: &mut Dice, seeds: &[String]) -> String {
    let mut text: Vec<char> = seeds[dice.below(seeds.len())].chars().collect();
    for _ in 0..=dice.below(6) {
        let at = dice.below(text.len());
        let until = (at + dice.below(12)).min(text.len());
        match dice.below(5) {
            0 => drop(text.drain(at..until)),
            1 => text.truncate(at),
            2 => drop(text.splice(at..until, ODD[dice.below(ODD.len())].chars())),
            3 => {
                let copied: Vec<char> = text[at..until].to_vec();
                drop(text.splice(at..at, copied));
            }
            _ => {
                if let Some(c) = text.get_mut(at) {
                    *c = char::from_u32(u32::try_from(dice.below(0x300)).unwrap()).unwrap();
                }
            }
        }
        if text.is_empty() {
            break;
        }
    }
    text.into_iter().collect()
}

#[test]
fn nothing_panics() {
    let number =
        |name: &str, usual: u64| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let count = number("DRIFTLAB_HOSTILE_INPUTS", 20_000);
    let mut dice = Dice(number("DRIFTLAB_HOSTILE_SEED", 7).max(1));
    let seeds = seeds();
    for seed in &seeds[..3] {
        Event::from_json(seed).unwrap();
    }
    let (mut understood, mut refused) = (0_u64, 0_u64);
    for _ in 0..count {
        let text = mutated(&mut dice, &seeds);
        let event = Event::from_json(&text).is_ok();
        let call = payload(&text).is_ok_and(|value| Heard::from_value(&value).is_ok());
        let policy = PolicySource::from_parameters(&text).is_ok();
        if event || call || policy {
            understood += 1;
        } else {
            refused += 1;
        }
    }
    // Both kinds are met, or the mutations would test nothing.
    assert!(
        understood > count / 100 && refused > count / 100,
        "{understood} {refused}"
    );
}
