//! IAM: the roles, looked at by name, and what policies say.

use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType, Role,
    SummaryKeyType,
};

use super::{CallError, CallResult, Reader, Tags, absent};

/// What IAM says to one action on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// The action.
    pub action: String,
    /// Whether it is allowed.
    pub allowed: bool,
    /// Whether a policy denies it.
    pub denied: bool,
    /// Whether the permissions boundary lets it through; `None` without one.
    pub within_boundary: Option<bool>,
    /// Whether the organization's policies let it through; `None` without an organization.
    pub within_organization: Option<bool>,
}

/// What is to be simulated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Simulation {
    /// Actions.
    pub actions: Vec<String>,
    /// On these.
    pub resources: Vec<String>,
    /// With these condition keys and values.
    pub context: Vec<(String, String)>,
}

/// How much of IAM there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleCount {
    /// Roles.
    pub used: u64,
    /// The account's quota of them.
    pub limit: u64,
}

impl Reader {
    /// The tags of a role; `None` when there is no such role.
    ///
    /// # Errors
    /// The failed call.
    pub async fn role_tags(&self, name: &str) -> CallResult<Option<Tags>> {
        let tags = |role: Role| {
            let tags = role.tags.unwrap_or_default().into_iter();
            tags.map(|tag| (tag.key, tag.value)).collect()
        };
        Ok(self.role(name).await?.map(tags))
    }

    /// The permissions boundary of a role; `None` when it has none, or there is no such role.
    ///
    /// # Errors
    /// The failed call.
    pub(super) async fn role_boundary(&self, name: &str) -> CallResult<Option<String>> {
        let role = self.role(name).await?;
        let boundary = role.and_then(|role| role.permissions_boundary);
        Ok(boundary.and_then(|boundary| boundary.permissions_boundary_arn))
    }

    /// The ARN of a role with its path, which the ARN of a session leaves out; `None` when there is no such role.
    ///
    /// # Errors
    /// The failed call.
    pub async fn role_arn(&self, name: &str) -> CallResult<Option<String>> {
        Ok(self.role(name).await?.map(|role| role.arn))
    }

    async fn role(&self, name: &str) -> CallResult<Option<Role>> {
        match self.iam.get_role().role_name(name).send().await {
            Ok(answer) => Ok(answer.role),
            Err(e) => {
                let error = CallError::from_sdk("iam:GetRole", &e);
                if error.is(&["NoSuchEntity"]) {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }

    /// What the policies of a role or user, its boundary and its organization say.
    ///
    /// # Errors
    /// The failed call.
    pub async fn simulate(
        &self,
        principal: &str,
        simulation: &Simulation,
    ) -> CallResult<Vec<Simulated>> {
        const OPERATION: &str = "iam:SimulatePrincipalPolicy";
        let mut context = Vec::new();
        for (key, value) in &simulation.context {
            let entry = ContextEntry::builder()
                .context_key_name(key)
                .context_key_type(ContextKeyTypeEnum::String)
                .context_key_values(value)
                .build();
            context.push(entry);
        }
        let results: Vec<_> = self
            .iam
            .simulate_principal_policy()
            .policy_source_arn(principal)
            .set_action_names(Some(simulation.actions.clone()))
            .set_resource_arns(Some(simulation.resources.clone()))
            .set_context_entries(Some(context).filter(|entries| !entries.is_empty()))
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(|e| CallError::from_sdk(OPERATION, &e))?;
        Ok(results.into_iter().map(simulated).collect())
    }

    /// The actions that a permissions boundary with this text does not let through, whatever else allows them.
    ///
    /// # Errors
    /// The failed call.
    pub async fn withheld_by(
        &self,
        boundary: &str,
        simulation: &Simulation,
    ) -> CallResult<Vec<String>> {
        const EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let results: Vec<_> = self
            .iam
            .simulate_custom_policy()
            .policy_input_list(EVERYTHING)
            .permissions_boundary_policy_input_list(boundary)
            .set_action_names(Some(simulation.actions.clone()))
            .set_resource_arns(Some(simulation.resources.clone()))
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(|e| CallError::from_sdk("iam:SimulateCustomPolicy", &e))?;
        let results = results.into_iter().map(simulated);
        Ok(results
            .filter(|each| !each.allowed)
            .map(|each| each.action)
            .collect())
    }

    /// The text of a managed policy; `None` when there is no such policy.
    ///
    /// # Errors
    /// The failed call.
    pub async fn policy_document(&self, arn: &str) -> CallResult<Option<String>> {
        let policy = match self.iam.get_policy().policy_arn(arn).send().await {
            Ok(answer) => answer.policy,
            Err(e) => {
                let error = CallError::from_sdk("iam:GetPolicy", &e);
                if error.is(&["NoSuchEntity"]) {
                    return Ok(None);
                }
                return Err(error);
            }
        };
        let version = policy
            .and_then(|policy| policy.default_version_id)
            .ok_or_else(|| absent("iam:GetPolicy", "DefaultVersionId"))?;
        const OPERATION: &str = "iam:GetPolicyVersion";
        let answer = self
            .iam
            .get_policy_version()
            .policy_arn(arn)
            .version_id(version)
            .send()
            .await
            .map_err(|e| CallError::from_sdk(OPERATION, &e))?;
        let document = answer
            .policy_version
            .and_then(|version| version.document)
            .ok_or_else(|| absent(OPERATION, "Document"))?;
        // IAM sends documents percent-encoded.
        percent_decoded(&document)
            .map(Some)
            .ok_or_else(|| CallError::malformed(OPERATION, "the document is not text".to_owned()))
    }

    /// How many roles there are and may be.
    ///
    /// # Errors
    /// The failed call.
    pub async fn role_count(&self) -> CallResult<RoleCount> {
        const OPERATION: &str = "iam:GetAccountSummary";
        let answer = self
            .iam
            .get_account_summary()
            .send()
            .await
            .map_err(|e| CallError::from_sdk(OPERATION, &e))?;
        let summary = answer.summary_map.unwrap_or_default();
        let number = |key: &SummaryKeyType, name: &str| {
            summary
                .get(key)
                .and_then(|number| u64::try_from(*number).ok())
                .ok_or_else(|| absent(OPERATION, name))
        };
        Ok(RoleCount {
            used: number(&SummaryKeyType::Roles, "Roles")?,
            limit: number(&SummaryKeyType::from("RolesQuota"), "RolesQuota")?,
        })
    }
}

fn simulated(result: EvaluationResult) -> Simulated {
    Simulated {
        allowed: result.eval_decision == PolicyEvaluationDecisionType::Allowed,
        denied: result.eval_decision == PolicyEvaluationDecisionType::ExplicitDeny,
        within_boundary: result
            .permissions_boundary_decision_detail
            .map(|detail| detail.allowed_by_permissions_boundary),
        within_organization: result
            .organizations_decision_detail
            .map(|detail| detail.allowed_by_organizations),
        action: result.eval_action_name,
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_come_percent_encoded() {
        assert_eq!(
            percent_decoded("%7B%22a%22%3A%20%22%C3%A4+b%22%7D").as_deref(),
            Some(r#"{"a": "ä+b"}"#)
        );
        assert_eq!(percent_decoded("%7"), None);
        assert_eq!(percent_decoded("%zz"), None);
    }
}
