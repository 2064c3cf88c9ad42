//! Lambda.

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::{
    Architecture, DestinationConfig, Environment, FunctionCode, InvocationType, OnFailure, Runtime,
};

use super::call;
use super::input::{Members, enums, structure};
use crate::Reply;

structure!(FunctionCode {
    "ZipFile" => set_zip_file,
    "S3Bucket" => set_s3_bucket,
    "S3Key" => set_s3_key,
});
structure!(DestinationConfig { "OnFailure" => set_on_failure });
structure!(OnFailure { "Destination" => set_destination });
structure!(Environment { "Variables" => set_variables });
enums!(Architecture, InvocationType, Runtime);

pub(super) async fn call(sdk: &SdkConfig, operation: &str, input: &Members<'_>) -> Reply {
    let client = Client::new(sdk);
    match operation {
        "CreateFunction" => call!(client.create_function, input, {
            "FunctionName" => set_function_name,
            "Runtime" => set_runtime,
            "Role" => set_role,
            "Handler" => set_handler,
            "Code" => set_code,
            "Timeout" => set_timeout,
            "MemorySize" => set_memory_size,
            "Architectures" => set_architectures,
            "Environment" => set_environment,
            "Description" => set_description,
            "Tags" => set_tags,
        }),
        "GetFunction" => call!(client.get_function, input, { "FunctionName" => set_function_name }),
        "GetFunctionConfiguration" => {
            call!(client.get_function_configuration, input, { "FunctionName" => set_function_name })
        }
        "ListFunctions" => call!(client.list_functions, input, {}),
        "UpdateFunctionCode" => call!(client.update_function_code, input, {
            "FunctionName" => set_function_name, "ZipFile" => set_zip_file,
            "S3Bucket" => set_s3_bucket, "S3Key" => set_s3_key,
        }),
        "UpdateFunctionConfiguration" => call!(client.update_function_configuration, input, {
            "FunctionName" => set_function_name, "Timeout" => set_timeout,
            "MemorySize" => set_memory_size, "Description" => set_description,
        }),
        "DeleteFunction" => {
            call!(client.delete_function, input, { "FunctionName" => set_function_name })
        }
        "AddPermission" => call!(client.add_permission, input, {
            "FunctionName" => set_function_name,
            "StatementId" => set_statement_id,
            "Action" => set_action,
            "Principal" => set_principal,
            "SourceArn" => set_source_arn,
            "SourceAccount" => set_source_account,
        }),
        "RemovePermission" => call!(client.remove_permission, input, {
            "FunctionName" => set_function_name, "StatementId" => set_statement_id,
        }),
        "GetPolicy" => call!(client.get_policy, input, { "FunctionName" => set_function_name }),
        "Invoke" => call!(client.invoke, input, {
            "FunctionName" => set_function_name,
            "InvocationType" => set_invocation_type,
            "Payload" => set_payload,
        }),
        "PutFunctionEventInvokeConfig" => call!(client.put_function_event_invoke_config, input, {
            "FunctionName" => set_function_name,
            "MaximumRetryAttempts" => set_maximum_retry_attempts,
            "DestinationConfig" => set_destination_config,
        }),
        "PutFunctionConcurrency" => call!(client.put_function_concurrency, input, {
            "FunctionName" => set_function_name,
            "ReservedConcurrentExecutions" => set_reserved_concurrent_executions,
        }),
        "GetFunctionConcurrency" => {
            call!(client.get_function_concurrency, input, { "FunctionName" => set_function_name })
        }
        "DeleteFunctionConcurrency" => {
            call!(client.delete_function_concurrency, input, { "FunctionName" => set_function_name })
        }
        "GetAccountSettings" => call!(client.get_account_settings, input, {}),
        "ListTags" => call!(client.list_tags, input, { "Resource" => set_resource }),
        other => panic!("the table of Lambda has no `{other}`"),
    }
}
