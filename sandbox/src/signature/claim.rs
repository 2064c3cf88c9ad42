//! The parts of a signature of version 4, read from where they stand.

use std::fmt::Write as _;

use time::format_description::well_known::Rfc2822;
use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

use super::refusal::Refusal;
use super::scope::{Mechanism, Scope};
use super::sent::Sent;
use crate::clock::{self, Timestamp};
use crate::protocol::HttpRequest;

/// The longest that a presigned request may be good for: seven days, in seconds.
const LONGEST: i64 = 604_800;

/// What a request says of its own signature.
#[derive(Debug)]
pub(super) struct Claim {
    /// Names in order, with semicolons between them.
    pub(super) signed_headers: String,
    pub(super) signature: [u8; 32],
    /// `20261122T080000Z`.
    pub(super) moment_text: String,
    pub(super) moment: Timestamp,
    /// How many seconds a presigned request is good for; `None` in a header.
    pub(super) expires: Option<i64>,
    pub(super) token: Option<String>,
}

impl Claim {
    pub(super) fn read(
        scope: &Scope,
        request: &HttpRequest,
        sent: &Sent<'_>,
    ) -> Result<Self, Refusal> {
        match scope.mechanism {
            Mechanism::Query => Self::in_query(request),
            Mechanism::Header | Mechanism::LegacyQuery => Self::in_header(scope, sent),
        }
    }

    fn in_header(scope: &Scope, sent: &Sent<'_>) -> Result<Self, Refusal> {
        let (Some(signature), Some(signed)) = (&scope.signature, &scope.signed_headers) else {
            let missing = [
                ("Signature", &scope.signature),
                ("SignedHeaders", &scope.signed_headers),
            ];
            let missing = missing.iter().filter(|(_, value)| value.is_none());
            return Err(Refusal::Incomplete(
                missing.map(|(name, _)| *name).collect(),
            ));
        };
        let (moment_text, moment) = moment_of_headers(sent)?;
        Ok(Self {
            signed_headers: in_order(signed),
            signature: from_hex(signature).ok_or(Refusal::Mismatch)?,
            moment_text,
            moment,
            expires: None,
            token: sent.text("x-amz-security-token").map(str::to_owned),
        })
    }

    fn in_query(request: &HttpRequest) -> Result<Self, Refusal> {
        let pairs = request.query_pairs();
        let find = |wanted: &str| {
            let found = pairs.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        let get = |wanted: &str| find(wanted).ok_or(Refusal::QueryIncomplete);
        get("X-Amz-Algorithm")?;
        // Of all parameters the signature alone is not signed, so a second one could say anything.
        if names_twice(&pairs, "X-Amz-Signature") {
            return Err(Refusal::Mismatch);
        }
        let (signature, signed) = (get("X-Amz-Signature")?, get("X-Amz-SignedHeaders")?);
        let (moment_text, expires) = (get("X-Amz-Date")?, get("X-Amz-Expires")?);
        let moment = basic(moment_text).ok_or_else(|| Refusal::DateForm {
            mechanism: Mechanism::Query,
            got: moment_text.to_owned(),
        })?;
        let expires: i64 = expires.parse().map_err(|_| Refusal::ExpiresNumber)?;
        if expires < 0 {
            return Err(Refusal::ExpiresNegative);
        }
        if expires > LONGEST {
            return Err(Refusal::ExpiresTooLong);
        }
        Ok(Self {
            signed_headers: in_order(signed),
            signature: from_hex(signature).ok_or(Refusal::Mismatch)?,
            moment_text: moment_text.to_owned(),
            moment,
            expires: Some(expires),
            token: find("X-Amz-Security-Token").map(str::to_owned),
        })
    }

    pub(super) fn signs(&self, name: &str) -> bool {
        self.signed_headers.split(';').any(|signed| signed == name)
    }
}

/// Whether a parameter comes more than once.
pub(super) fn names_twice(pairs: &[(String, String)], wanted: &str) -> bool {
    pairs.iter().filter(|(name, _)| name == wanted).count() > 1
}

/// As the canonical request has them, whatever the client's order.
fn in_order(signed: &str) -> String {
    if signed.split(';').is_sorted() {
        return signed.to_owned();
    }
    let mut names: Vec<&str> = signed.split(';').collect();
    names.sort_unstable();
    names.join(";")
}

/// `X-Amz-Date`, or `Date` where that is absent.
fn moment_of_headers(sent: &Sent<'_>) -> Result<(String, Timestamp), Refusal> {
    let malformed = |got: &str| Refusal::DateForm {
        mechanism: Mechanism::Header,
        got: got.to_owned(),
    };
    if let Some(text) = sent.text("x-amz-date") {
        let moment = basic(text).ok_or_else(|| malformed(text))?;
        return Ok((text.to_owned(), moment));
    }
    let text = sent.text("date").ok_or(Refusal::NoDate)?;
    let moment = basic(text)
        .or_else(|| clock::parse(text, &Rfc2822))
        .ok_or_else(|| malformed(text))?;
    Ok((to_basic(moment), moment))
}

/// Reads `20261122T080000Z`.
pub(super) fn basic(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to].iter().try_fold(0_u16, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + u16::from(byte - b'0'))
        })
    };
    let small = |from: usize| number(from, from + 2).and_then(|n| u8::try_from(n).ok());
    let month = Month::try_from(small(4)?).ok()?;
    let date = Date::from_calendar_date(i32::from(number(0, 4)?), month, small(6)?).ok()?;
    let time = Time::from_hms(small(9)?, small(11)?, small(13)?).ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_utc())
}

/// Writes `20261122T080000Z`.
pub(super) fn to_basic(at: Timestamp) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// 64 lower-case hexadecimal digits.
pub(super) fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = value(digits[2 * at])? << 4 | value(digits[2 * at + 1])?;
    }
    Some(bytes)
}

/// Appends the 64 lower-case hexadecimal digits of a hash; by the standard library's formatter, which is optimised in a
/// development build, too.
pub(super) fn push_hex(text: &mut String, hash: &[u8]) {
    for half in hash.chunks(16) {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(half);
        // Writing into a string cannot fail.
        let _ = write!(text, "{:032x}", u128::from_be_bytes(bytes));
    }
}
