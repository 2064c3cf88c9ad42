//! CloudFormation.

use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{
    Capability, ChangeSetType, OnFailure, Parameter, StackResourceDriftStatus, StackStatus, Tag,
};

use super::call;
use super::input::{Members, enums, structure};
use crate::Reply;

structure!(Parameter {
    "ParameterKey" => set_parameter_key,
    "ParameterValue" => set_parameter_value,
    "UsePreviousValue" => set_use_previous_value,
});
structure!(Tag { "Key" => set_key, "Value" => set_value });
enums!(
    Capability,
    ChangeSetType,
    OnFailure,
    StackResourceDriftStatus,
    StackStatus,
);

pub(super) async fn call(sdk: &SdkConfig, operation: &str, input: &Members<'_>) -> Reply {
    let client = Client::new(sdk);
    match operation {
        "CreateStack" => call!(client.create_stack, input, {
            "StackName" => set_stack_name,
            "TemplateBody" => set_template_body,
            "Parameters" => set_parameters,
            "Capabilities" => set_capabilities,
            "Tags" => set_tags,
            "OnFailure" => set_on_failure,
            "DisableRollback" => set_disable_rollback,
        }),
        "UpdateStack" => call!(client.update_stack, input, {
            "StackName" => set_stack_name,
            "TemplateBody" => set_template_body,
            "UsePreviousTemplate" => set_use_previous_template,
            "Parameters" => set_parameters,
            "Capabilities" => set_capabilities,
        }),
        "DeleteStack" => call!(client.delete_stack, input, {
            "StackName" => set_stack_name, "RetainResources" => set_retain_resources,
        }),
        "DescribeStacks" => call!(client.describe_stacks, input, { "StackName" => set_stack_name }),
        "DescribeStackEvents" => {
            call!(client.describe_stack_events, input, { "StackName" => set_stack_name })
        }
        "DescribeStackResource" => call!(client.describe_stack_resource, input, {
            "StackName" => set_stack_name, "LogicalResourceId" => set_logical_resource_id,
        }),
        "DescribeStackResources" => {
            call!(client.describe_stack_resources, input, { "StackName" => set_stack_name })
        }
        "ListStackResources" => {
            call!(client.list_stack_resources, input, { "StackName" => set_stack_name })
        }
        "ListStacks" => {
            call!(client.list_stacks, input, { "StackStatusFilter" => set_stack_status_filter })
        }
        "ListExports" => call!(client.list_exports, input, {}),
        "ListImports" => call!(client.list_imports, input, { "ExportName" => set_export_name }),
        "GetTemplate" => call!(client.get_template, input, { "StackName" => set_stack_name }),
        "GetTemplateSummary" => call!(client.get_template_summary, input, {
            "StackName" => set_stack_name, "TemplateBody" => set_template_body,
        }),
        "ValidateTemplate" => {
            call!(client.validate_template, input, { "TemplateBody" => set_template_body })
        }
        _ => changes(&client, operation, input).await,
    }
}

/// Change sets, drift, and ways out of a failure.
async fn changes(client: &Client, operation: &str, input: &Members<'_>) -> Reply {
    match operation {
        "CreateChangeSet" => call!(client.create_change_set, input, {
            "StackName" => set_stack_name,
            "ChangeSetName" => set_change_set_name,
            "ChangeSetType" => set_change_set_type,
            "TemplateBody" => set_template_body,
            "Parameters" => set_parameters,
        }),
        "DescribeChangeSet" => call!(client.describe_change_set, input, {
            "StackName" => set_stack_name, "ChangeSetName" => set_change_set_name,
        }),
        "ExecuteChangeSet" => call!(client.execute_change_set, input, {
            "StackName" => set_stack_name, "ChangeSetName" => set_change_set_name,
        }),
        "DeleteChangeSet" => call!(client.delete_change_set, input, {
            "StackName" => set_stack_name, "ChangeSetName" => set_change_set_name,
        }),
        "ListChangeSets" => {
            call!(client.list_change_sets, input, { "StackName" => set_stack_name })
        }
        "DetectStackDrift" => call!(client.detect_stack_drift, input, {
            "StackName" => set_stack_name, "LogicalResourceIds" => set_logical_resource_ids,
        }),
        "DescribeStackDriftDetectionStatus" => {
            call!(client.describe_stack_drift_detection_status, input, {
                "StackDriftDetectionId" => set_stack_drift_detection_id,
            })
        }
        "DescribeStackResourceDrifts" => call!(client.describe_stack_resource_drifts, input, {
            "StackName" => set_stack_name,
            "StackResourceDriftStatusFilters" => set_stack_resource_drift_status_filters,
        }),
        "UpdateTerminationProtection" => call!(client.update_termination_protection, input, {
            "StackName" => set_stack_name,
            "EnableTerminationProtection" => set_enable_termination_protection,
        }),
        other => panic!("the table of CloudFormation has no `{other}`"),
    }
}
