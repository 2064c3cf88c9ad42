//! The members that each operation reads. Anything else is refused: nobody must believe that it had
//! an effect.

/// The names of the members of `operation`; nothing for an operation that is not known.
pub(super) fn of(operation: &str) -> &'static [&'static str] {
    match operation {
        "CreateLogGroup" => &[
            "deletionProtectionEnabled",
            "kmsKeyId",
            "logGroupClass",
            "logGroupName",
            "tags",
        ],
        "DeleteLogGroup" | "DeleteRetentionPolicy" => &["logGroupName"],
        "DescribeLogGroups" => &[
            "accountIdentifiers",
            "includeLinkedAccounts",
            "limit",
            "logGroupClass",
            "logGroupIdentifiers",
            "logGroupNamePattern",
            "logGroupNamePrefix",
            "nextToken",
        ],
        "PutRetentionPolicy" => &["logGroupName", "retentionInDays"],
        "CreateLogStream" | "DeleteLogStream" => &["logGroupName", "logStreamName"],
        "DescribeLogStreams" => &[
            "descending",
            "limit",
            "logGroupIdentifier",
            "logGroupName",
            "logStreamNamePrefix",
            "nextToken",
            "orderBy",
        ],
        // Sequence tokens are ignored by the service itself.
        "PutLogEvents" => &[
            "logEvents",
            "logGroupName",
            "logStreamName",
            "sequenceToken",
        ],
        // Nothing is masked here, so `unmask` changes nothing.
        "GetLogEvents" => &[
            "endTime",
            "limit",
            "logGroupIdentifier",
            "logGroupName",
            "logStreamName",
            "nextToken",
            "startFromHead",
            "startTime",
            "unmask",
        ],
        // The service always interleaves, whatever `interleaved` says.
        "FilterLogEvents" => &[
            "endTime",
            "filterPattern",
            "interleaved",
            "limit",
            "logGroupIdentifier",
            "logGroupName",
            "logStreamNamePrefix",
            "logStreamNames",
            "nextToken",
            "startTime",
            "unmask",
        ],
        "TagResource" => &["resourceArn", "tags"],
        "UntagResource" => &["resourceArn", "tagKeys"],
        "ListTagsForResource" => &["resourceArn"],
        _ => &[],
    }
}
