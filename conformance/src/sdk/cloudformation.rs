//! CloudFormation.

use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{Capability, OnFailure, Parameter, StackStatus, Tag};

use super::call;
use super::input::{Members, enums, structure};
use crate::Reply;

structure!(Parameter {
    "ParameterKey" => set_parameter_key,
    "ParameterValue" => set_parameter_value,
    "UsePreviousValue" => set_use_previous_value,
});
structure!(Tag { "Key" => set_key, "Value" => set_value });
enums!(Capability, OnFailure, StackStatus);

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
        other => panic!("the table of CloudFormation has no `{other}`"),
    }
}
