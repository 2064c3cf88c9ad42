//! Labs by their traces, whatever their names.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use super::moment::Spoken;
use super::{KEPT_TAG, OWNER_TAG, expiry, role_name};
use crate::aws::{Doing, Identity, Reader, Tags};
use crate::error::Result;
use crate::spec::TAG;
use crate::state::Place;

/// A lab that is there, wholly or in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// The name of its stack.
    pub stack: String,
    /// Who made it.
    pub owner: Option<String>,
    /// The oldest moment that is known of it.
    #[serde(with = "crate::output::moments::option")]
    pub created: Option<OffsetDateTime>,
    /// When it should remove itself, or should have.
    #[serde(with = "crate::output::moments::option")]
    pub expires: Option<OffsetDateTime>,
}

impl Lost {
    /// Whether it is at least this old. Of unknown age is what only a role tells of, and that is old: roles stay last.
    pub fn is_older(&self, age: Duration, now: OffsetDateTime) -> bool {
        self.created.is_none_or(|created| now - created >= age)
    }

    /// Its age in words.
    pub fn age(&self, now: OffsetDateTime) -> String {
        self.created
            .map_or_else(|| "unknown".to_owned(), |at| Spoken(now - at).to_string())
    }

    fn know(&mut self, tags: &Tags, created: Option<OffsetDateTime>) {
        self.owner = self.owner.take().or_else(|| tags.get(OWNER_TAG).cloned());
        self.expires = self.expires.or(expiry(tags));
        self.created = match (self.created, created) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// Every lab of a region: by the tag of stacks, of code buckets, and of the roles of self-destructs. A delivery bucket that
/// was kept on purpose is not a lab.
///
/// # Errors
/// The call that failed.
pub async fn lost_in(aws: &Reader, identity: &Identity) -> Result<Vec<Lost>> {
    let (stacks, buckets, roles) = tokio::try_join!(
        async { aws.stacks_with_tag(TAG).await.doing("look for stacks") },
        async { aws.buckets_with_dates().await.doing("look for buckets") },
        async { aws.own_roles().await.doing("look for roles") },
    )?;
    let mut labs: BTreeMap<String, Lost> = BTreeMap::new();
    let mut know = |tags: &Tags, created| {
        let Some(stack) = tags.get(TAG) else { return };
        let lab = labs.entry(stack.clone()).or_insert_with(|| Lost {
            stack: stack.clone(),
            owner: None,
            created: None,
            expires: None,
        });
        lab.know(tags, created);
    };
    for stack in stacks {
        know(&stack.tags, stack.created);
    }
    // Only buckets that a lab can have are asked for their tags: an account may have a thousand others.
    let (code, made) = (
        format!("driftlab-code-{}-{}-", identity.account, aws.region()),
        "-deliverybucket-",
    );
    for (bucket, created) in buckets {
        if !bucket.starts_with(&code) && !bucket.contains(made) {
            continue;
        }
        let tags = aws.bucket_tags(&bucket, &identity.account).await;
        let tags = tags.doing(format_args!("look at the bucket `{bucket}`"))?;
        if let Some(tags) = tags.filter(|tags| !tags.contains_key(KEPT_TAG)) {
            know(&tags, created);
        }
    }
    for role in roles {
        let tags = aws.role_tags(&role).await;
        let tags = tags.doing(format_args!("look at the role `{role}`"))?;
        let here = |tags: &Tags| {
            tags.get(TAG).is_some_and(|stack| {
                let place = Place {
                    identity: identity.clone(),
                    region: aws.region().to_owned(),
                    stack: stack.clone(),
                };
                role_name(&place) == role
            })
        };
        if let Some(tags) = tags.filter(here) {
            know(&tags, None);
        }
    }
    Ok(labs.into_values().collect())
}
