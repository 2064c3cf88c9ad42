//! Items that are too large to be sent: the topic and the rules get a summary, the bucket gets the whole.

use serde_json::{Value, json};

use super::delivery::Failure;
use super::files;
use super::item::Item;
use super::notice::{self, Notice};
use super::place::Place;
use crate::s3;
use crate::sandbox::Call;

/// An item as it is sent.
pub(super) struct Sent {
    /// What rules hear.
    pub(super) rules: Notice,
    /// What the topic gets.
    pub(super) topic: String,
}

/// A notice as it can be sent: as it is when it is small enough, else as a summary, the whole being in the
/// bucket. Rules hear of the item also when the bucket refused it *(inferred)*.
pub(super) fn fit(call: &mut Call<'_>, item: &Item, whole: Notice) -> Sent {
    if whole.fits() {
        return Sent {
            topic: whole.body.to_string(),
            rules: whole,
        };
    }
    let place = Place::of(call);
    let delivered = keep(call, &place, item, &whole);
    let (location, failure) = match &delivered {
        Ok(location) => (Some(location), None),
        Err(failure) => (None, Some(failure)),
    };
    let delivery = json!({
        "s3BucketLocation": location,
        "errorCode": failure.map(|failure| &failure.code),
        "errorMessage": failure.map(|failure| &failure.message),
    });
    let now = call.now;
    let rules = notice::summary(&place, item, &whole, &delivery, notice::OVERSIZED, now);
    let topic = match failure {
        None => rules.body.to_string(),
        Some(_) => notice::summary(&place, item, &whole, &delivery, notice::UNDELIVERED, now)
            .body
            .to_string(),
    };
    Sent { rules, topic }
}

/// Where the whole notification is in the bucket, after it has been put there if it was not yet.
fn keep(
    call: &mut Call<'_>,
    place: &Place,
    item: &Item,
    whole: &Notice,
) -> Result<String, Failure> {
    let Some(channel) = call.here().config.channel.clone() else {
        return Err(Failure {
            code: "NoAvailableDeliveryChannelException".to_owned(),
            message: "There is no delivery channel.".to_owned(),
        });
    };
    let key = files::oversized_key(place, channel.prefix.as_deref(), item);
    if s3::object(call, &channel.bucket, &key).is_err() {
        let document: Value = serde_json::from_str(&whole.body).unwrap_or_default();
        files::write(call, &channel.bucket, &key, &document)?;
    }
    Ok(format!("{}/{key}", channel.bucket))
}
