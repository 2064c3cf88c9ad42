//! Looking: only reads, as many at once as depend on nothing.

use super::{Named, Names, Observed, ObservedChannel, ObservedStack, Phase, Place, Tagged, phase};
use crate::aws::{
    CallResult, Doing, FunctionDescription, Reader, Recorder, RuleDescription, StackDescription,
    Tags,
};
use crate::error::Result;
use crate::journal::{self, Doubt, Seen};
use crate::spec::RULE_NAME;

/// What the caller wants to know besides what every lab has.
#[derive(Debug, Clone, Copy, Default)]
pub struct Interest<'a> {
    /// The key of the package in the code bucket.
    pub package_key: Option<&'a str>,
    /// Parameters that the stack would get, for when there is none yet.
    pub names: Option<&'a Names>,
}

/// Looks at everything of a lab.
///
/// # Errors
/// The first call that failed.
pub async fn observe(aws: &Reader, place: &Place, interest: Interest<'_>) -> Result<Observed> {
    let code_bucket = place.code_bucket();
    let (stack, recorders, channels, retention, rule, code) = tokio::try_join!(
        stack_and_names(aws, place, interest),
        async {
            recorders(aws)
                .await
                .doing("look at the configuration recorder")
        },
        async {
            channels(aws, place)
                .await
                .doing("look at the delivery channel")
        },
        async {
            aws.retention_days()
                .await
                .doing("look at the retention of AWS Config")
        },
        async {
            rule(aws)
                .await
                .doing(format_args!("look at the rule `{RULE_NAME}`"))
        },
        async {
            code(aws, place, &code_bucket, interest.package_key)
                .await
                .doing(format_args!("look at the code bucket `{code_bucket}`"))
        },
    )?;
    let (stack, (function, named)) = stack;
    let (code_bucket, journal, package_present) = code;
    Ok(Observed {
        place: place.clone(),
        stack,
        recorders,
        channels,
        retention,
        rule,
        code_bucket,
        journal,
        package_present,
        function,
        named,
    })
}

/// The names that the stack uses are known once the stack is.
async fn stack_and_names(
    aws: &Reader,
    place: &Place,
    interest: Interest<'_>,
) -> Result<(
    Option<ObservedStack>,
    (Option<FunctionDescription>, Vec<Named>),
)> {
    let what = format!("look at the stack `{}`", place.stack);
    let description = aws.stack(&place.stack).await.doing(&what)?;
    let names = match (&description, interest.names) {
        (Some(stack), names) if phase(&stack.status) == Phase::Review => {
            names.cloned().unwrap_or_default()
        }
        (Some(stack), _) => Names::from_parameters(&stack.parameters, None),
        (None, names) => names.cloned().unwrap_or_default(),
    };
    let rest = async {
        match description {
            Some(description) => rest_of_stack(aws, description).await.doing(&what).map(Some),
            None => Ok(None),
        }
    };
    tokio::try_join!(rest, async {
        named(aws, place, &names)
            .await
            .doing("look at the names that the stack uses")
    })
}

/// Looks at a stack and its template.
///
/// # Errors
/// The call that failed.
pub async fn observe_stack(aws: &Reader, name: &str) -> Result<Option<ObservedStack>> {
    let what = format!("look at the stack `{name}`");
    let Some(description) = aws.stack(name).await.doing(&what)? else {
        return Ok(None);
    };
    rest_of_stack(aws, description).await.doing(&what).map(Some)
}

/// The template; of a stack that is under review, and so has none yet, the change sets.
async fn rest_of_stack(aws: &Reader, description: StackDescription) -> CallResult<ObservedStack> {
    let mut stack = ObservedStack::default();
    if phase(&description.status) == Phase::Review {
        stack.change_sets = aws.change_sets(&description.id).await?;
    } else {
        stack.template = aws.stack_template(&description.id).await?;
    }
    stack.description = description;
    Ok(stack)
}

async fn recorders(aws: &Reader) -> CallResult<Vec<Tagged<Recorder>>> {
    let mut found = Vec::new();
    // An account has one customer-managed recorder per region at most, so this is one call more at most.
    for it in aws.recorders().await? {
        let tags = tags_of(aws, it.it.arn.as_deref()).await?;
        found.push(Tagged { it, tags });
    }
    Ok(found)
}

async fn rule(aws: &Reader) -> CallResult<Option<Tagged<RuleDescription>>> {
    let Some(it) = aws.rule(RULE_NAME).await? else {
        return Ok(None);
    };
    let tags = tags_of(aws, it.arn.as_deref()).await?;
    Ok(Some(Tagged { it, tags }))
}

async fn tags_of(aws: &Reader, arn: Option<&str>) -> CallResult<Tags> {
    match arn {
        Some(arn) => aws.config_tags(arn).await,
        None => Ok(Tags::new()),
    }
}

async fn channels(aws: &Reader, place: &Place) -> CallResult<Vec<ObservedChannel>> {
    let mut found = Vec::new();
    for channel in aws.channels().await? {
        let bucket_tags = match aws.bucket_tags(&channel.bucket, place.account()).await {
            Ok(tags) => tags,
            // A bucket that we may not look into is somebody else's.
            Err(error) if error.is(&["AccessDenied"]) => Some(Tags::new()),
            Err(error) => return Err(error),
        };
        found.push(ObservedChannel {
            channel,
            bucket_tags,
        });
    }
    Ok(found)
}

async fn code(
    aws: &Reader,
    place: &Place,
    bucket: &str,
    key: Option<&str>,
) -> CallResult<(Option<Tags>, Seen, bool)> {
    let look_for_package = async {
        match key {
            Some(key) => aws.object_exists(bucket, place.account(), key).await,
            None => Ok(false),
        }
    };
    let ((tags, journal), package) =
        tokio::try_join!(journal(aws, place, bucket), look_for_package)?;
    Ok((tags, journal, package))
}

/// The code bucket's tags, and the journal in it.
async fn journal(aws: &Reader, place: &Place, bucket: &str) -> CallResult<(Option<Tags>, Seen)> {
    let account = place.account();
    let (tags, document) = tokio::try_join!(
        aws.bucket_tags(bucket, account),
        aws.document(bucket, account, journal::KEY),
    )?;
    let seen = Seen::of(document.as_ref(), tags.as_ref(), &place.stack);
    if seen
        .unverified()
        .is_none_or(|it| it.doubt == Doubt::NoDigest)
    {
        return Ok((tags, seen));
    }
    // One of the two may be older than a write that came between. Whoever writes admits the digest first, so this order
    // sees at least what it reads.
    let document = aws.document(bucket, account, journal::KEY).await?;
    let tags = aws.bucket_tags(bucket, account).await?;
    let seen = Seen::of(document.as_ref(), tags.as_ref(), &place.stack);
    Ok((tags, seen))
}

/// Looks at the code bucket's tags and at the journal once more.
///
/// # Errors
/// The call that failed.
pub async fn observe_journal(aws: &Reader, place: &Place) -> Result<(Option<Tags>, Seen)> {
    let bucket = place.code_bucket();
    journal(aws, place, &bucket)
        .await
        .doing(format_args!("look at the journal in the bucket `{bucket}`"))
}

async fn named(
    aws: &Reader,
    place: &Place,
    names: &Names,
) -> CallResult<(Option<FunctionDescription>, Vec<Named>)> {
    let topic = async {
        match &names.topic {
            Some(topic) => aws.topic_tags(&place.arn("sns", topic)).await,
            None => Ok(None),
        }
    };
    let bucket = async {
        match &names.delivery_bucket {
            Some(bucket) => aws.bucket_tags(bucket, place.account()).await,
            None => Ok(None),
        }
    };
    // Built from the name, so that nothing has to be looked up first.
    let log_group = place.arn("logs", &format!("log-group:{}", names.log_group));
    let (config_role, function_role, function, log_group, topic, bucket) = tokio::try_join!(
        aws.role_tags(&names.config_role),
        aws.role_tags(&names.function_role),
        aws.function(&names.function),
        aws.log_group_tags(&log_group),
        topic,
        bucket,
    )?;
    let candidates = [
        (
            "role",
            Some(&names.config_role),
            "ConfigRoleName",
            config_role,
        ),
        (
            "role",
            Some(&names.function_role),
            "FunctionRoleName",
            function_role,
        ),
        (
            "function",
            Some(&names.function),
            "FunctionName",
            function.as_ref().map(|f| f.tags.clone()),
        ),
        (
            "log group",
            Some(&names.log_group),
            "LogGroupName",
            log_group,
        ),
        ("topic", names.topic.as_ref(), "TopicName", topic),
        (
            "bucket",
            names.delivery_bucket.as_ref(),
            "DeliveryBucketName",
            bucket,
        ),
    ];
    let found = candidates
        .into_iter()
        .filter_map(|(kind, name, parameter, tags)| {
            Some(Named {
                kind,
                name: name?.clone(),
                parameter,
                tags: tags?,
            })
        })
        .collect();
    Ok((function, found))
}
