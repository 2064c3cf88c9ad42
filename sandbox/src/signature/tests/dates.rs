//! Dates at the end of the calendar.

use super::*;
use crate::signature::Mechanism;

/// RFC 5322, 3.3 lets a date have an offset. One that leads beyond the calendar in UTC is no date, whoever sends it.
#[test]
fn date_beyond_the_calendar_in_utc_is_malformed() {
    let bench = Bench::new();
    let sent = |date: &str| {
        let mut made = query_call();
        bench.client("sts").sign(&mut made);
        made.headers.remove("x-amz-date");
        set(&mut made, "date", date);
        bench.verify(&made)
    };
    for offset in ["-0100", "-2359"] {
        let date = format!("Fri, 31 Dec 9999 23:59:59 {offset}");
        let expected = Refusal::DateForm {
            mechanism: Mechanism::Header,
            got: date.clone(),
        };
        assert_eq!(sent(&date), Err(expected));
    }
    for offset in ["+0000", "+2359"] {
        let refusal = sent(&format!("Fri, 31 Dec 9999 23:59:59 {offset}"));
        let is_read = matches!(refusal, Err(Refusal::ScopeDate { .. }));
        assert!(is_read, "{offset}: {refusal:?}");
    }
}
