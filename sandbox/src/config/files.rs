//! The files that Config puts into the channel's bucket, under AWS's own keys.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::delivery::{self, Failure};
use super::item::Item;
use super::place::Place;
use crate::clock::Timestamp;
use crate::sandbox::Call;

/// `[prefix/]AWSLogs/<account>/Config/<region>/<year>/<month>/<day>/`: months and days have no leading zero
/// (AWS Config Developer Guide, "Example Configuration Snapshot Delivery Notification").
fn folder(place: &Place, prefix: Option<&str>, at: Timestamp) -> String {
    let prefix = prefix
        .map(|prefix| format!("{prefix}/"))
        .unwrap_or_default();
    format!(
        "{prefix}AWSLogs/{}/Config/{}/{}/{}/{}/",
        place.account,
        place.region,
        at.year(),
        u8::from(at.month()),
        at.day()
    )
}

/// `20160927T183939Z`.
fn moment(at: Timestamp) -> String {
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

pub(super) fn snapshot_key(place: &Place, prefix: Option<&str>, at: Timestamp, id: &str) -> String {
    format!(
        "{}ConfigSnapshot/{}_Config_{}_ConfigSnapshot_{}_{id}.json.gz",
        folder(place, prefix, at),
        place.account,
        place.region,
        moment(at)
    )
}

/// The resource type is written with its colons; the two moments are those of the first and the last item
/// (AWS Config Developer Guide, "Example Configuration History Delivery Notification").
pub(super) fn history_key(
    place: &Place,
    prefix: Option<&str>,
    at: Timestamp,
    resource_type: &str,
    (first, last): (Timestamp, Timestamp),
) -> String {
    format!(
        "{}ConfigHistory/{}_Config_{}_ConfigHistory_{resource_type}_{}_{}_1.json.gz",
        folder(place, prefix, at),
        place.account,
        place.region,
        moment(first),
        moment(last)
    )
}

/// Where the whole notification of an item is that is too large to be sent (AWS Config Developer Guide,
/// "Example Oversized Configuration Item Change Notification").
pub(super) fn oversized_key(place: &Place, prefix: Option<&str>, item: &Item) -> String {
    let (kind, id) = (&item.key.resource_type, &item.key.resource_id);
    format!(
        "{}OversizedChangeNotification/{kind}/{id}/{}_Config_{}_ChangeNotification_{kind}_{id}_{}_{}.json.gz",
        folder(place, prefix, item.captured),
        place.account,
        place.region,
        moment(item.captured),
        item.state_id
    )
}

/// Writes a document, compressed, into the channel's bucket.
pub(super) fn write(
    call: &mut Call<'_>,
    bucket: &str,
    key: &str,
    document: &Value,
) -> Result<(), Failure> {
    let body = gzip(document.to_string().as_bytes()).map_err(|error| Failure {
        code: "InternalError".to_owned(),
        message: format!("The file could not be compressed: {error}."),
    })?;
    delivery::write(call, bucket, key, body)
}

fn gzip(text: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text)?;
    encoder.finish().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::item::Status;
    use crate::config::tests::{item, place};

    #[test]
    fn keys_are_those_of_the_developer_guide() {
        let at = Timestamp::UNIX_EPOCH + time::Duration::days(58) + time::Duration::seconds(3661);
        assert_eq!(
            snapshot_key(&place(), None, at, "16da64e4"),
            "AWSLogs/123456789012/Config/us-east-1/1970/2/28/ConfigSnapshot/\
             123456789012_Config_us-east-1_ConfigSnapshot_19700228T010101Z_16da64e4.json.gz"
        );
        let end = at + time::Duration::hours(1);
        assert_eq!(
            history_key(
                &place(),
                Some("a/b"),
                end,
                "AWS::EC2::SecurityGroup",
                (at, end)
            ),
            "a/b/AWSLogs/123456789012/Config/us-east-1/1970/2/28/ConfigHistory/\
             123456789012_Config_us-east-1_ConfigHistory_AWS::EC2::SecurityGroup_19700228T010101Z_19700228T020101Z_1.json.gz"
        );
        let item = item(Status::Ok, Value::Null);
        assert_eq!(
            oversized_key(&place(), None, &item),
            "AWSLogs/123456789012/Config/us-east-1/1970/1/1/OversizedChangeNotification/\
             AWS::EC2::SecurityGroup/sg-0123456789abcdef0/123456789012_Config_us-east-1_ChangeNotification_\
             AWS::EC2::SecurityGroup_sg-0123456789abcdef0_19700101T000000Z_0.json.gz"
        );
    }
}
