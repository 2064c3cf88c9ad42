//! AWS Config.

use aws_config::SdkConfig;
use aws_sdk_configservice::Client;
use aws_sdk_configservice::types::{ChronologicalOrder, Tag};
use aws_sdk_configservice::types::{
    ComplianceType, ConfigRule, ConfigSnapshotDeliveryProperties, ConfigurationRecorder,
    DeliveryChannel, Evaluation, EventSource, MaximumExecutionFrequency, MessageType, Owner,
    RecordingFrequency, RecordingGroup, RecordingMode, RecordingStrategy, RecordingStrategyType,
    ResourceKey, ResourceType, Scope, Source, SourceDetail,
};

use super::call;
use super::input::{Members, enums, structure};
use crate::Reply;

structure!(ConfigurationRecorder {
    "name" => set_name,
    "roleARN" => set_role_arn,
    "recordingGroup" => set_recording_group,
    "recordingMode" => set_recording_mode,
});
structure!(RecordingGroup {
    "allSupported" => set_all_supported,
    "includeGlobalResourceTypes" => set_include_global_resource_types,
    "resourceTypes" => set_resource_types,
    "recordingStrategy" => set_recording_strategy,
});
structure!(RecordingStrategy { "useOnly" => set_use_only });
structure!(RecordingMode { "recordingFrequency" => set_recording_frequency });
structure!(DeliveryChannel {
    "name" => set_name,
    "s3BucketName" => set_s3_bucket_name,
    "s3KeyPrefix" => set_s3_key_prefix,
    "snsTopicARN" => set_sns_topic_arn,
    "configSnapshotDeliveryProperties" => set_config_snapshot_delivery_properties,
});
structure!(ConfigSnapshotDeliveryProperties { "deliveryFrequency" => set_delivery_frequency });
structure!(ConfigRule {
    "ConfigRuleName" => set_config_rule_name,
    "Description" => set_description,
    "Scope" => set_scope,
    "Source" => set_source,
    "InputParameters" => set_input_parameters,
    "MaximumExecutionFrequency" => set_maximum_execution_frequency,
});
structure!(Scope {
    "ComplianceResourceTypes" => set_compliance_resource_types,
    "ComplianceResourceId" => set_compliance_resource_id,
    "TagKey" => set_tag_key,
    "TagValue" => set_tag_value,
});
structure!(Source {
    "Owner" => set_owner,
    "SourceIdentifier" => set_source_identifier,
    "SourceDetails" => set_source_details,
});
structure!(SourceDetail {
    "EventSource" => set_event_source,
    "MessageType" => set_message_type,
    "MaximumExecutionFrequency" => set_maximum_execution_frequency,
});
structure!(Evaluation {
    "ComplianceResourceType" => set_compliance_resource_type,
    "ComplianceResourceId" => set_compliance_resource_id,
    "ComplianceType" => set_compliance_type,
    "Annotation" => set_annotation,
    "OrderingTimestamp" => set_ordering_timestamp,
});
structure!(ResourceKey { "resourceType" => set_resource_type, "resourceId" => set_resource_id });
structure!(Tag { "Key" => set_key, "Value" => set_value });
enums!(
    ChronologicalOrder,
    ComplianceType,
    EventSource,
    MaximumExecutionFrequency,
    MessageType,
    Owner,
    RecordingFrequency,
    RecordingStrategyType,
    ResourceType,
);

pub(super) async fn call(sdk: &SdkConfig, operation: &str, input: &Members<'_>) -> Reply {
    let client = Client::new(sdk);
    match operation {
        "PutConfigurationRecorder" => call!(client.put_configuration_recorder, input, {
            "ConfigurationRecorder" => set_configuration_recorder,
        }),
        "DescribeConfigurationRecorders" => call!(client.describe_configuration_recorders, input, {
            "ConfigurationRecorderNames" => set_configuration_recorder_names,
        }),
        "DescribeConfigurationRecorderStatus" => {
            call!(client.describe_configuration_recorder_status, input, {
                "ConfigurationRecorderNames" => set_configuration_recorder_names,
            })
        }
        "StartConfigurationRecorder" => call!(client.start_configuration_recorder, input, {
            "ConfigurationRecorderName" => set_configuration_recorder_name,
        }),
        "StopConfigurationRecorder" => call!(client.stop_configuration_recorder, input, {
            "ConfigurationRecorderName" => set_configuration_recorder_name,
        }),
        "DeleteConfigurationRecorder" => call!(client.delete_configuration_recorder, input, {
            "ConfigurationRecorderName" => set_configuration_recorder_name,
        }),
        "PutDeliveryChannel" => {
            call!(client.put_delivery_channel, input, { "DeliveryChannel" => set_delivery_channel })
        }
        "DescribeDeliveryChannels" => call!(client.describe_delivery_channels, input, {
            "DeliveryChannelNames" => set_delivery_channel_names,
        }),
        "DescribeDeliveryChannelStatus" => call!(client.describe_delivery_channel_status, input, {
            "DeliveryChannelNames" => set_delivery_channel_names,
        }),
        "DeleteDeliveryChannel" => call!(client.delete_delivery_channel, input, {
            "DeliveryChannelName" => set_delivery_channel_name,
        }),
        "PutRetentionConfiguration" => call!(client.put_retention_configuration, input, {
            "RetentionPeriodInDays" => set_retention_period_in_days,
        }),
        "DescribeRetentionConfigurations" => {
            call!(client.describe_retention_configurations, input, {})
        }
        "DeleteRetentionConfiguration" => call!(client.delete_retention_configuration, input, {
            "RetentionConfigurationName" => set_retention_configuration_name,
        }),
        _ => rules(&client, operation, input).await,
    }
}

async fn rules(client: &Client, operation: &str, input: &Members<'_>) -> Reply {
    match operation {
        "PutConfigRule" => call!(client.put_config_rule, input, {
            "ConfigRule" => set_config_rule, "Tags" => set_tags,
        }),
        "DescribeConfigRules" => {
            call!(client.describe_config_rules, input, { "ConfigRuleNames" => set_config_rule_names })
        }
        "DescribeConfigRuleEvaluationStatus" => {
            call!(client.describe_config_rule_evaluation_status, input, {
                "ConfigRuleNames" => set_config_rule_names,
            })
        }
        "DeleteConfigRule" => {
            call!(client.delete_config_rule, input, { "ConfigRuleName" => set_config_rule_name })
        }
        "StartConfigRulesEvaluation" => call!(client.start_config_rules_evaluation, input, {
            "ConfigRuleNames" => set_config_rule_names,
        }),
        "DeleteEvaluationResults" => {
            call!(client.delete_evaluation_results, input, { "ConfigRuleName" => set_config_rule_name })
        }
        "PutEvaluations" => call!(client.put_evaluations, input, {
            "ResultToken" => set_result_token, "Evaluations" => set_evaluations, "TestMode" => set_test_mode,
        }),
        "GetComplianceDetailsByConfigRule" => {
            call!(client.get_compliance_details_by_config_rule, input, {
                "ConfigRuleName" => set_config_rule_name,
                "ComplianceTypes" => set_compliance_types,
                "Limit" => set_limit,
            })
        }
        "GetComplianceDetailsByResource" => {
            call!(client.get_compliance_details_by_resource, input, {
                "ResourceType" => set_resource_type, "ResourceId" => set_resource_id,
            })
        }
        "DescribeComplianceByConfigRule" => {
            call!(client.describe_compliance_by_config_rule, input, {
                "ConfigRuleNames" => set_config_rule_names,
            })
        }
        "DescribeComplianceByResource" => call!(client.describe_compliance_by_resource, input, {
            "ResourceType" => set_resource_type, "ResourceId" => set_resource_id,
        }),
        _ => items(client, operation, input).await,
    }
}

async fn items(client: &Client, operation: &str, input: &Members<'_>) -> Reply {
    match operation {
        "GetResourceConfigHistory" => call!(client.get_resource_config_history, input, {
            "resourceType" => set_resource_type,
            "resourceId" => set_resource_id,
            "chronologicalOrder" => set_chronological_order,
            "limit" => set_limit,
            "nextToken" => set_next_token,
            "earlierTime" => set_earlier_time,
            "laterTime" => set_later_time,
        }),
        "ListDiscoveredResources" => call!(client.list_discovered_resources, input, {
            "resourceType" => set_resource_type,
            "resourceIds" => set_resource_ids,
            "includeDeletedResources" => set_include_deleted_resources,
        }),
        "BatchGetResourceConfig" => {
            call!(client.batch_get_resource_config, input, { "resourceKeys" => set_resource_keys })
        }
        "DeliverConfigSnapshot" => {
            call!(client.deliver_config_snapshot, input, { "deliveryChannelName" => set_delivery_channel_name })
        }
        "GetComplianceSummaryByResourceType" => {
            call!(client.get_compliance_summary_by_resource_type, input, { "ResourceTypes" => set_resource_types })
        }
        "TagResource" => call!(client.tag_resource, input, {
            "ResourceArn" => set_resource_arn, "Tags" => set_tags,
        }),
        "UntagResource" => call!(client.untag_resource, input, {
            "ResourceArn" => set_resource_arn, "TagKeys" => set_tag_keys,
        }),
        "DescribeRemediationConfigurations" => {
            call!(client.describe_remediation_configurations, input, { "ConfigRuleNames" => set_config_rule_names })
        }
        "PutServiceLinkedConfigurationRecorder" => {
            call!(client.put_service_linked_configuration_recorder, input, {
                "ServicePrincipal" => set_service_principal,
            })
        }
        "GetDiscoveredResourceCounts" => call!(client.get_discovered_resource_counts, input, {}),
        "GetComplianceSummaryByConfigRule" => {
            call!(client.get_compliance_summary_by_config_rule, input, {})
        }
        "SelectResourceConfig" => {
            call!(client.select_resource_config, input, { "Expression" => set_expression })
        }
        "ListTagsForResource" => {
            call!(client.list_tags_for_resource, input, { "ResourceArn" => set_resource_arn })
        }
        other => panic!("the table of Config has no `{other}`"),
    }
}
