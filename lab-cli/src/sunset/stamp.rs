//! Writing owner and expiry on what no stack tags.

use crate::aws::{Doing, Reader, Tags, Writer};
use crate::error::Result;
use crate::spec::RULE_NAME;
use crate::state::Place;

/// Adds tags to the lab's recorder, rule and code bucket, where they differ. What is not the lab's is left alone.
///
/// # Errors
/// The call that failed.
pub async fn stamp(aws: &Reader, writer: &Writer, place: &Place, tags: &Tags) -> Result<()> {
    let mut arns = Vec::new();
    for recorder in aws
        .recorders()
        .await
        .doing("look at the configuration recorder")?
    {
        arns.extend(recorder.it.arn);
    }
    let rule = aws.rule(RULE_NAME).await;
    let rule = rule.doing(format_args!("look at the rule `{RULE_NAME}`"))?;
    arns.extend(rule.and_then(|rule| rule.arn));
    for arn in arns {
        let what = format!("tag `{arn}`");
        let there = aws.config_tags(&arn).await.doing(&what)?;
        if place.owns(&there) && lacks(&there, tags) {
            writer.tag_config(&arn, tags).await.doing(&what)?;
        }
    }
    let (bucket, account) = (place.code_bucket(), place.account());
    let what = format!("tag the code bucket `{bucket}`");
    let there = aws.bucket_tags(&bucket, account).await.doing(&what)?;
    if let Some(mut all) = there.filter(|there| place.owns(there) && lacks(there, tags)) {
        all.extend(tags.clone());
        writer
            .tag_bucket(&bucket, account, &all)
            .await
            .doing(&what)?;
    }
    Ok(())
}

fn lacks(there: &Tags, wanted: &Tags) -> bool {
    wanted
        .iter()
        .any(|(key, value)| there.get(key) != Some(value))
}
