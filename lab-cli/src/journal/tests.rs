#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use serde_json::json;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::*;
use crate::aws::{Document, RECORDED_TYPE, Recorder, RecorderDescription, Tags};

const NOON: OffsetDateTime = datetime!(2026-03-04 12:00 UTC);

fn recorder(group: Value, mode: Value, recording: bool) -> Recorder {
    let mut raw = json!({
        "arn": "arn:aws:config:us-east-1:123456789012:configuration-recorder/theirs/1",
        "name": "theirs",
        "roleARN": "arn:aws:iam::123456789012:role/theirs",
        "recordingScope": "PAID",
    });
    if !group.is_null() {
        raw["recordingGroup"] = group;
    }
    if !mode.is_null() {
        raw["recordingMode"] = mode;
    }
    Recorder {
        it: RecorderDescription::from_raw(&raw).unwrap(),
        raw,
        recording,
        trouble: None,
    }
}

/// What AWS Config may have been told to record.
fn groups() -> Vec<Value> {
    let only = |types: &[&str]| {
        json!({"allSupported": false, "includeGlobalResourceTypes": false, "resourceTypes": types,
            "exclusionByResourceTypes": {"resourceTypes": []},
            "recordingStrategy": {"useOnly": "INCLUSION_BY_RESOURCE_TYPES"}})
    };
    let but = |types: &[&str]| {
        json!({"allSupported": false, "includeGlobalResourceTypes": false, "resourceTypes": [],
            "exclusionByResourceTypes": {"resourceTypes": types},
            "recordingStrategy": {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"}})
    };
    let all = |global: bool| {
        json!({"allSupported": true, "includeGlobalResourceTypes": global, "resourceTypes": [],
            "exclusionByResourceTypes": {"resourceTypes": []},
            "recordingStrategy": {"useOnly": "ALL_SUPPORTED_RESOURCE_TYPES"}})
    };
    vec![
        Value::Null,
        all(false),
        all(true),
        only(&["AWS::S3::Bucket"]),
        only(&[RECORDED_TYPE, "AWS::S3::Bucket"]),
        json!({"resourceTypes": ["AWS::S3::Bucket"]}),
        but(&["AWS::S3::Bucket"]),
        but(&["AWS::S3::Bucket", RECORDED_TYPE]),
        but(&[RECORDED_TYPE]),
    ]
}

fn modes() -> Vec<Value> {
    let mode = |base: &str, types: &[&str], other: &str| {
        json!({"recordingFrequency": base, "recordingModeOverrides": [
            {"description": "theirs", "resourceTypes": types, "recordingFrequency": other}]})
    };
    let plain = |base: &str| json!({"recordingFrequency": base, "recordingModeOverrides": []});
    let bucket = "AWS::S3::Bucket";
    vec![
        Value::Null,
        plain("CONTINUOUS"),
        plain("DAILY"),
        json!({"recordingFrequency": "DAILY"}),
        mode("DAILY", &[bucket], "CONTINUOUS"),
        mode("DAILY", &[RECORDED_TYPE], "CONTINUOUS"),
        mode("DAILY", &[bucket], "DAILY"),
        mode("CONTINUOUS", &[bucket], "DAILY"),
        mode("CONTINUOUS", &[RECORDED_TYPE], "DAILY"),
        mode("CONTINUOUS", &[RECORDED_TYPE, bucket], "DAILY"),
    ]
}

fn records(it: &RecorderDescription, kind: &str) -> bool {
    let Some(group) = &it.recording_group else {
        return true;
    };
    let excluded = group
        .exclusion_by_resource_types
        .clone()
        .unwrap_or_default();
    let has = |types: &[String]| types.iter().any(|t| t == kind);
    if group.all_supported {
        return true;
    }
    if excluded.resource_types.is_empty() {
        has(&group.resource_types)
    } else {
        !has(&excluded.resource_types)
    }
}

fn pace(it: &RecorderDescription, kind: &str) -> String {
    let Some(mode) = &it.recording_mode else {
        return "CONTINUOUS".to_owned();
    };
    let exceptions = &mode.recording_mode_overrides;
    let exception = exceptions
        .iter()
        .find(|other| other.resource_types.iter().any(|t| t == kind));
    exception
        .map_or(&mode.recording_frequency, |other| {
            &other.recording_frequency
        })
        .clone()
}

/// As AWS Config would describe a recorder that was put like this.
fn put(before: &Recorder, it: &RecorderDescription, recording: bool) -> Recorder {
    let described = serde_json::to_value(it).unwrap();
    let mut raw = before.raw.clone();
    for member in ["recordingGroup", "recordingMode"] {
        match described.get(member) {
            Some(value) => raw[member] = value.clone(),
            None => {
                raw.as_object_mut().unwrap().remove(member);
            }
        }
    }
    if let Some(group) = raw.get_mut("recordingGroup") {
        let group = group.as_object_mut().unwrap();
        group
            .entry("exclusionByResourceTypes")
            .or_insert(json!({"resourceTypes": []}));
    }
    Recorder {
        it: RecorderDescription::from_raw(&raw).unwrap(),
        raw,
        recording,
        trouble: None,
    }
}

#[test]
fn whatever_a_recorder_does_it_is_widened_no_further_than_needed_and_given_back_to_the_byte() {
    let mut cases = 0;
    for group in groups() {
        for mode in modes() {
            for recording in [false, true] {
                let before = recorder(group.clone(), mode.clone(), recording);
                let wide = widened(&before.it);
                assert!(records(&wide, RECORDED_TYPE), "{group} {mode}");
                assert_eq!(pace(&wide, RECORDED_TYPE), "CONTINUOUS", "{group} {mode}");
                for other in ["AWS::S3::Bucket", "AWS::EC2::VPC", "AWS::IAM::Role"] {
                    assert_eq!(records(&wide, other), records(&before.it, other), "{group}");
                    assert_eq!(pace(&wide, other), pace(&before.it, other), "{mode}");
                }
                let overrides = wide.recording_mode.iter();
                assert!(overrides.flat_map(|m| &m.recording_mode_overrides).count() <= 1);
                // Wide is wide enough: a second time changes nothing.
                assert_eq!(widened(&wide), wide);

                let loan = BorrowedRecorder::of(&before, None);
                let lent = put(&before, &wide, true);
                // Cut off before or after it was widened, or given back already: the same comes of it.
                for now in [&before, &lent] {
                    let back = giving_back(&loan, now);
                    assert_eq!(back.raw, before.raw, "{group} {mode}");
                    assert_eq!(back.recording, recording && now.recording);
                    assert!(back.theirs.is_empty());
                    assert_eq!(
                        back.differs,
                        now.it.recording_group != back.it.recording_group
                            && records(&before.it, RECORDED_TYPE)
                                != records(&now.it, RECORDED_TYPE)
                            || pace(&before.it, RECORDED_TYPE) != pace(&now.it, RECORDED_TYPE)
                    );
                    // Deploying again notes nothing else.
                    let again = BorrowedRecorder::of(now, Some(&loan));
                    assert_eq!(
                        (&again.before, again.recording),
                        (&loan.before, back.recording)
                    );
                    assert_eq!(giving_back(&again, now).raw, before.raw);
                }
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 180);
}

#[test]
fn what_the_owner_changes_meanwhile_stays() {
    let before = recorder(groups()[3].clone(), modes()[2].clone(), true);
    let loan = BorrowedRecorder::of(&before, None);
    let mut theirs = put(&before, &widened(&before.it), true);
    let group = theirs.it.recording_group.as_mut().unwrap();
    group.resource_types.push("AWS::EC2::VPC".to_owned());
    let theirs = put(&theirs, &theirs.it, true);
    let back = giving_back(&loan, &theirs);
    assert_eq!(back.theirs, ["recordingGroup"]);
    assert_eq!(back.raw["recordingGroup"], theirs.raw["recordingGroup"]);
    assert_eq!(back.raw["recordingMode"], before.raw["recordingMode"]);
    // One that its owner stopped is not started again.
    let stopped = Recorder {
        recording: false,
        ..theirs
    };
    assert!(!giving_back(&loan, &stopped).recording);
}

#[test]
fn what_could_not_be_put_back_is_found() {
    let mut strange = recorder(groups()[1].clone(), modes()[4].clone(), true);
    assert_eq!(unknown_fields(&strange.raw), [] as [&str; 0]);
    strange.raw["recordingGroup"]["exceptOnSundays"] = json!(true);
    strange.raw["recordingMode"]["recordingModeOverrides"][0]["jitter"] = json!("1h");
    strange.raw["until"] = json!(7);
    strange.raw["nothing"] = Value::Null;
    assert_eq!(
        unknown_fields(&strange.raw),
        [
            "recordingGroup.exceptOnSundays",
            "recordingMode.recordingModeOverrides.jitter",
            "until"
        ]
    );
}

fn lock() -> Lock {
    Lock {
        by: "arn:aws:iam::123456789012:user/ada".into(),
        host: "here".into(),
        pid: 7,
        run: "first".into(),
        purpose: Purpose::Deploy,
        since: NOON,
        until: NOON + LEASE,
    }
}

fn me() -> Me {
    Me {
        by: lock().by,
        host: lock().host,
        pid: 8,
        run: "second".into(),
    }
}

#[test]
fn a_lock_is_free_when_nobody_can_be_at_work_any_more() {
    let check = |lock: &Lock, me: &Me, now, alive| claim(Some(lock), me, now, |_| alive);
    let (later, much_later) = (NOON + Duration::minutes(1), NOON + Duration::minutes(10));
    assert_eq!(claim(None, &me(), NOON, |_| true), Claim::Free);
    assert_eq!(check(&lock(), &me(), later, true), Claim::Held);
    assert_eq!(check(&lock(), &me(), much_later, true), Claim::Expired);
    assert_eq!(check(&lock(), &me(), later, false), Claim::Abandoned);
    // Of another machine or another caller nobody here knows whether it is at work.
    let elsewhere = Me {
        host: "there".into(),
        ..me()
    };
    assert_eq!(check(&lock(), &elsewhere, later, false), Claim::Held);
    let somebody = Me {
        by: "arn:aws:iam::123456789012:user/bob".into(),
        ..me()
    };
    assert_eq!(check(&lock(), &somebody, later, false), Claim::Held);
    let unknown = (
        Lock {
            host: String::new(),
            ..lock()
        },
        Me {
            host: String::new(),
            ..me()
        },
    );
    assert_eq!(check(&unknown.0, &unknown.1, later, false), Claim::Held);
    let same = Me {
        run: "first".into(),
        ..me()
    };
    assert_eq!(check(&lock(), &same, later, true), Claim::Free);
}

fn document(body: &[u8]) -> Document {
    Document {
        body: body.to_vec(),
        etag: "\"tag\"".into(),
    }
}

/// The tags of a code bucket that vouch for a journal.
fn vouching(journal: &Journal) -> Tags {
    Tags::from([(DIGEST_TAG.to_owned(), journal.digest())])
}

#[test]
fn a_journal_is_read_as_it_was_written_and_keeps_what_it_does_not_know() {
    let before = recorder(groups()[7].clone(), modes()[5].clone(), false);
    let mut journal = Journal {
        lock: Some(lock()),
        borrowed: Some(Borrowed {
            since: NOON,
            by: lock().by,
            recorder: Some(BorrowedRecorder::of(&before, None)),
            channel: Some(json!({"name": "theirs", "s3BucketName": "theirs"})),
            retention: Some(365),
        }),
        retention: None,
        ..Journal::new("lab")
    };
    journal.more.insert("later".into(), json!({"a": [1, 2]}));
    let seen = Seen::of(
        Some(&document(&journal.body())),
        Some(&vouching(&journal)),
        "lab",
    );
    assert_eq!(seen.journal(), Some(&journal));
    assert_eq!(seen.borrowed(), journal.borrowed.as_ref());
    insta::assert_snapshot!(String::from_utf8(journal.body()).unwrap());
}

#[test]
fn a_journal_of_a_newer_version_stops_everything() {
    let check = |body: &[u8], expect: &str| {
        let seen = Seen::of(Some(&document(body)), None, "lab");
        let refused = seen.usable("bucket").unwrap_err();
        assert!(refused.to_string().ends_with(expect), "{refused}");
    };
    check(
        b"{\"version\": 3}",
        "a newer driftlab wrote it (version 3, this one knows 2)",
    );
    assert_eq!(Seen::of(None, None, "lab"), Seen::Absent);
    assert!(Seen::Absent.usable("bucket").is_ok());
}

/// As driftlab wrote it at commit 4461fa2, which kept no digests.
const STORED: &str = include_str!("stored/version-1.json");

fn doubt(body: &[u8], tags: Option<&Tags>, expect: Option<Doubt>) {
    let seen = Seen::of(Some(&document(body)), tags, "lab-environment");
    let text = String::from_utf8_lossy(body);
    assert_eq!(seen.unverified().map(|it| it.doubt), expect, "{text}");
    // Not believed, and no reason to refuse everything.
    assert_eq!(seen.journal().is_none(), expect.is_some(), "{text}");
    assert!(seen.usable("bucket").is_ok(), "{text}");
}

#[test]
fn journal_that_nothing_vouches_for_is_unverified() {
    let genuine = Journal {
        retention: Some(2557),
        ..Journal::new("lab-environment")
    };
    let forged = Journal {
        retention: Some(365),
        ..genuine.clone()
    };
    let tags = vouching(&genuine);
    doubt(&genuine.body(), Some(&tags), None);
    doubt(&forged.body(), Some(&tags), Some(Doubt::OtherDigest));
    doubt(STORED.as_bytes(), Some(&tags), Some(Doubt::OtherDigest));
    // A journal of the old version, of another lab, without claims, or without any sense.
    let older = Journal {
        version: 1,
        ..forged.clone()
    };
    doubt(&older.body(), Some(&tags), Some(Doubt::OtherDigest));
    let others = Journal {
        stack: "other".to_owned(),
        ..genuine.clone()
    };
    doubt(&others.body(), Some(&tags), Some(Doubt::Strange));
    doubt(&others.body(), None, Some(Doubt::Strange));
    let empty = Journal::new("lab-environment");
    doubt(&empty.body(), Some(&tags), Some(Doubt::OtherDigest));
    doubt(b"{}", Some(&tags), Some(Doubt::Strange));
    doubt(b"no json", Some(&tags), Some(Doubt::Strange));
    // While it changes, both are admitted.
    let both = Mark::of(&genuine.digest()).and(&forged.digest());
    let both = Tags::from([(DIGEST_TAG.to_owned(), both.value())]);
    doubt(&genuine.body(), Some(&both), None);
    doubt(&forged.body(), Some(&both), None);
}

#[test]
fn journal_whose_digest_was_stripped_is_unverified() {
    let genuine = Journal {
        retention: Some(2557),
        ..Journal::new("lab-environment")
    };
    for tags in [None, Some(&Tags::new())] {
        doubt(&genuine.body(), tags, Some(Doubt::DigestGone));
    }
}

#[test]
fn journal_of_version_1_is_known_and_not_believed() {
    doubt(STORED.as_bytes(), None, Some(Doubt::NoDigest));
    let seen = Seen::of(Some(&document(STORED.as_bytes())), None, "lab-environment");
    // Enough to go on working with what is borrowed, and to wait for who is at work.
    let borrowed = seen.borrowed().unwrap();
    assert_eq!(borrowed.retention, Some(365));
    assert_eq!(borrowed.recorder.as_ref().unwrap().name(), "theirs");
    let (journal, etag, vouched) = seen.goes_on("lab-environment", true);
    assert_eq!(
        (journal.borrowed.as_ref(), journal.version, vouched),
        (Some(borrowed), 1, false)
    );
    assert_eq!(etag.as_deref(), Some("\"tag\""));
    // One that says nothing of borrowed things need not be believed, and gets its digest with the next write.
    let empty = Journal {
        version: 1,
        ..Journal::new("lab-environment")
    };
    doubt(&empty.body(), None, None);
}

#[test]
fn unverified_journal_is_left_as_it_was_by_a_removal_and_behind_by_a_deployment() {
    let forged = Journal {
        retention: Some(365),
        ..Journal::new("lab")
    };
    let tags = vouching(&Journal::new("lab"));
    let seen = Seen::of(Some(&document(&forged.body())), Some(&tags), "lab");
    assert_eq!(seen.borrowed(), None);
    let (kept, _, vouched) = seen.goes_on("lab", false);
    assert_eq!((kept, vouched), (forged, false));
    let (anew, _, vouched) = seen.goes_on("lab", true);
    assert_eq!((anew, vouched), (Journal::new("lab"), true));
}
