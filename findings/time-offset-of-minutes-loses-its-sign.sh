#!/usr/bin/env bash
# time 0.3.55 (Rust), the dates of RFC 2822.
#
# Input: "Fri, 31 Dec 1999 23:59:59 -0001", a valid date-time of RFC 2822 (section 3.3: the zone is a sign and hours and minutes).
# Seen: the offset is read as +00:01, so that the moment is two minutes too early (23:58:59 UTC, not 00:00:59). "-0101" and
#   RFC 3339's "-00:01" are read with their sign.
# Expected: -00:01. The sign belongs to the whole offset.
#
# Exits with 1 when the behaviour is another one. Needs cargo.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cargo init --quiet --vcs none --name finding
cat >> Cargo.toml <<'T'
time = { version = "=0.3.55", features = ["parsing"] }
T
cat > src/main.rs <<'R'
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

fn main() {
    let minutes = |text: &str| {
        let read = OffsetDateTime::parse(text, &Rfc2822).expect("it is valid");
        println!("{text}: {} minutes, {} since 1970", read.offset().whole_minutes(), read.unix_timestamp());
        read.offset().whole_minutes()
    };
    let seen = [
        minutes("Fri, 31 Dec 1999 23:59:59 -0001"),
        minutes("Fri, 31 Dec 1999 23:59:59 -0101"),
        minutes("Fri, 31 Dec 1999 23:59:59 +0001"),
    ];
    let other = OffsetDateTime::parse("1999-12-31T23:59:59-00:01", &Rfc3339).expect("it is valid");
    println!("RFC 3339, -00:01: {} minutes", other.offset().whole_minutes());
    let as_seen = seen == [1, -61, 1] && other.offset().whole_minutes() == -1;
    std::process::exit(i32::from(!as_seen));
}
R
cargo run --quiet
