//! IAM.

use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, PolicyScopeType, StatusType, Tag};
use serde_json::json;

use super::input::{Members, enums, structure};
use super::{call, reply};
use crate::Reply;
use crate::debug_form::tree;

structure!(Tag { "Key" => set_key, "Value" => set_value });
structure!(ContextEntry {
    "ContextKeyName" => set_context_key_name,
    "ContextKeyValues" => set_context_key_values,
    "ContextKeyType" => set_context_key_type,
});
enums!(ContextKeyTypeEnum, PolicyScopeType, StatusType);

pub(super) async fn call(sdk: &SdkConfig, operation: &str, input: &Members<'_>) -> Reply {
    let client = Client::new(sdk);
    match operation {
        "CreateRole" => call!(client.create_role, input, {
            "RoleName" => set_role_name,
            "Path" => set_path,
            "AssumeRolePolicyDocument" => set_assume_role_policy_document,
            "Description" => set_description,
            "MaxSessionDuration" => set_max_session_duration,
            "Tags" => set_tags,
        }),
        "GetRole" => call!(client.get_role, input, { "RoleName" => set_role_name }),
        "ListRoles" => call!(client.list_roles, input, {
            "PathPrefix" => set_path_prefix, "MaxItems" => set_max_items, "Marker" => set_marker,
        }),
        "UpdateAssumeRolePolicy" => call!(client.update_assume_role_policy, input, {
            "RoleName" => set_role_name, "PolicyDocument" => set_policy_document,
        }),
        "DeleteRole" => call!(client.delete_role, input, { "RoleName" => set_role_name }),
        "TagRole" => {
            call!(client.tag_role, input, { "RoleName" => set_role_name, "Tags" => set_tags })
        }
        "ListRoleTags" => call!(client.list_role_tags, input, { "RoleName" => set_role_name }),
        "PutRolePolicy" => call!(client.put_role_policy, input, {
            "RoleName" => set_role_name,
            "PolicyName" => set_policy_name,
            "PolicyDocument" => set_policy_document,
        }),
        "GetRolePolicy" => call!(client.get_role_policy, input, {
            "RoleName" => set_role_name, "PolicyName" => set_policy_name,
        }),
        "DeleteRolePolicy" => call!(client.delete_role_policy, input, {
            "RoleName" => set_role_name, "PolicyName" => set_policy_name,
        }),
        "ListRolePolicies" => {
            call!(client.list_role_policies, input, { "RoleName" => set_role_name })
        }
        "AttachRolePolicy" => call!(client.attach_role_policy, input, {
            "RoleName" => set_role_name, "PolicyArn" => set_policy_arn,
        }),
        "DetachRolePolicy" => call!(client.detach_role_policy, input, {
            "RoleName" => set_role_name, "PolicyArn" => set_policy_arn,
        }),
        "ListAttachedRolePolicies" => {
            call!(client.list_attached_role_policies, input, { "RoleName" => set_role_name })
        }
        "CreatePolicy" => call!(client.create_policy, input, {
            "PolicyName" => set_policy_name, "PolicyDocument" => set_policy_document, "Path" => set_path,
        }),
        "GetPolicy" => call!(client.get_policy, input, { "PolicyArn" => set_policy_arn }),
        "GetPolicyVersion" => call!(client.get_policy_version, input, {
            "PolicyArn" => set_policy_arn, "VersionId" => set_version_id,
        }),
        "DeletePolicy" => call!(client.delete_policy, input, { "PolicyArn" => set_policy_arn }),
        "ListPolicies" => call!(client.list_policies, input, { "Scope" => set_scope }),
        "ListEntitiesForPolicy" => {
            call!(client.list_entities_for_policy, input, { "PolicyArn" => set_policy_arn })
        }
        "GetAccountSummary" => call!(client.get_account_summary, input, {}),
        "PutRolePermissionsBoundary" => call!(client.put_role_permissions_boundary, input, {
            "RoleName" => set_role_name, "PermissionsBoundary" => set_permissions_boundary,
        }),
        "DeleteRolePermissionsBoundary" => {
            call!(client.delete_role_permissions_boundary, input, { "RoleName" => set_role_name })
        }
        "SimulateCustomPolicy" => call!(client.simulate_custom_policy, input, {
            "PolicyInputList" => set_policy_input_list,
            "PermissionsBoundaryPolicyInputList" => set_permissions_boundary_policy_input_list,
            "ActionNames" => set_action_names,
            "ResourceArns" => set_resource_arns,
        }),
        "SimulatePrincipalPolicy" => call!(client.simulate_principal_policy, input, {
            "PolicySourceArn" => set_policy_source_arn,
            "ActionNames" => set_action_names,
            "ResourceArns" => set_resource_arns,
            "ContextEntries" => set_context_entries,
        }),
        "CreateUser" => call!(client.create_user, input, { "UserName" => set_user_name }),
        "CreateAccessKey" => create_access_key(&client, input).await,
        "UpdateAccessKey" => call!(client.update_access_key, input, {
            "UserName" => set_user_name,
            "AccessKeyId" => set_access_key_id,
            "Status" => set_status,
        }),
        other => panic!("the table of IAM has no `{other}`"),
    }
}

/// The SDK does not show the secret half, which later steps sign with.
async fn create_access_key(client: &Client, input: &Members<'_>) -> Reply {
    input.only(&["UserName"]);
    let request = client.create_access_key();
    match request.set_user_name(input.get("UserName")).send().await {
        Ok(output) => {
            let mut shown = tree(&output);
            if let Some(issued) = output.access_key() {
                shown["access_key"]["secret_access_key"] = json!(issued.secret_access_key());
            }
            Reply::Output(shown)
        }
        Err(error) => reply::<(), _, _>(Err(error)),
    }
}
