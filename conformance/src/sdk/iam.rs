//! IAM.

use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, PolicyScopeType, Tag};

use super::call;
use super::input::{Members, enums, structure};
use crate::Reply;

structure!(Tag { "Key" => set_key, "Value" => set_value });
structure!(ContextEntry {
    "ContextKeyName" => set_context_key_name,
    "ContextKeyValues" => set_context_key_values,
    "ContextKeyType" => set_context_key_type,
});
enums!(ContextKeyTypeEnum, PolicyScopeType);

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
        other => panic!("the table of IAM has no `{other}`"),
    }
}
