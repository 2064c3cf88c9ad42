//! The rule and its evaluations.

use aws_sdk_configservice::types::{
    ConfigRule, EventSource, MessageType, Owner, Scope, Source, SourceDetail,
};
use time::OffsetDateTime;

use super::{CallError, CallResult, RECORDED_TYPE, Reader, Tags, Writer, sdk_tags};
use crate::aws::moment;

/// A rule as Config describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleDescription {
    /// The name.
    pub name: String,
    /// The ARN, which tags hang on.
    pub arn: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// `ACTIVE`, `DELETING`, `DELETING_RESULTS` or `EVALUATING`.
    pub state: String,
    /// The function, or the name of a managed rule.
    pub source: Option<String>,
    /// The messages that make it run.
    pub triggers: Vec<String>,
    /// The types of resource it judges.
    pub scope: Vec<String>,
    /// The parameters, as the JSON text they are kept as.
    pub parameters: Option<String>,
}

/// What the rule shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRequest {
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The function.
    pub function_arn: String,
    /// The parameters: an object of strings as JSON text.
    pub parameters: String,
}

/// The messages that make our rule run: an item, or the notice that the item is too large to send.
pub const TRIGGERS: [&str; 2] = [
    "ConfigurationItemChangeNotification",
    "OversizedConfigurationItemChangeNotification",
];

/// The last evaluation of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationResult {
    /// The resource.
    pub resource_id: String,
    /// `COMPLIANT`, `NON_COMPLIANT`, …
    pub compliance: String,
    /// What the function said.
    pub annotation: Option<String>,
    /// When Config wrote it down.
    pub recorded_at: Option<OffsetDateTime>,
    /// When Config invoked the function.
    pub invoked_at: Option<OffsetDateTime>,
}

impl Reader {
    /// A rule by name; `None` when there is none.
    ///
    /// # Errors
    /// The failed call.
    pub async fn rule(&self, name: &str) -> CallResult<Option<RuleDescription>> {
        match self
            .config
            .describe_config_rules()
            .config_rule_names(name)
            .send()
            .await
        {
            Ok(answer) => Ok(answer
                .config_rules
                .unwrap_or_default()
                .into_iter()
                .next()
                .map(rule_from_sdk)),
            Err(e) => {
                let error = CallError::from_sdk("config:DescribeConfigRules", &e);
                if error.is(&["NoSuchConfigRuleException"]) {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }

    /// All rules of this region.
    ///
    /// # Errors
    /// The failed call.
    pub async fn rules(&self) -> CallResult<Vec<RuleDescription>> {
        let rules: Vec<_> = self
            .config
            .describe_config_rules()
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(|e| CallError::from_sdk("config:DescribeConfigRules", &e))?;
        Ok(rules.into_iter().map(rule_from_sdk).collect())
    }

    /// The last evaluation of every resource that a rule judged; none when there is no such rule.
    ///
    /// # Errors
    /// The failed call.
    pub async fn evaluations(&self, rule: &str) -> CallResult<Vec<EvaluationResult>> {
        let found: Result<Vec<_>, _> = self
            .config
            .get_compliance_details_by_config_rule()
            .config_rule_name(rule)
            .limit(100)
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await;
        let found = match found {
            Ok(found) => found,
            Err(e) => {
                let error = CallError::from_sdk("config:GetComplianceDetailsByConfigRule", &e);
                return if error.is(&["NoSuchConfigRuleException"]) {
                    Ok(Vec::new())
                } else {
                    Err(error)
                };
            }
        };
        let results = found.into_iter().filter_map(|result| {
            let qualifier = result
                .evaluation_result_identifier?
                .evaluation_result_qualifier?;
            Some(EvaluationResult {
                resource_id: qualifier.resource_id?,
                compliance: result.compliance_type?.as_str().to_owned(),
                annotation: result.annotation,
                recorded_at: result.result_recorded_time.as_ref().and_then(moment),
                invoked_at: result.config_rule_invoked_time.as_ref().and_then(moment),
            })
        });
        Ok(results.collect())
    }
}

impl Writer {
    /// Makes or changes a rule that a function judges whenever a security group changes.
    ///
    /// # Errors
    /// The failed call.
    pub async fn put_rule(&self, request: &RuleRequest, tags: &Tags) -> CallResult<()> {
        const OPERATION: &str = "config:PutConfigRule";
        let mut source = Source::builder()
            .owner(Owner::CustomLambda)
            .source_identifier(&request.function_arn);
        for trigger in TRIGGERS {
            source = source.source_details(
                SourceDetail::builder()
                    .event_source(EventSource::AwsConfig)
                    .message_type(MessageType::from(trigger))
                    .build(),
            );
        }
        let rule = ConfigRule::builder()
            .config_rule_name(&request.name)
            .description(&request.description)
            .input_parameters(&request.parameters)
            .scope(
                Scope::builder()
                    .compliance_resource_types(RECORDED_TYPE)
                    .build(),
            )
            .source(
                source
                    .build()
                    .map_err(|e| CallError::unusable(OPERATION, &e))?,
            )
            .build();
        self.aws
            .config
            .put_config_rule()
            .config_rule(rule)
            .set_tags(Some(sdk_tags(OPERATION, tags)))
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk(OPERATION, &e))
    }

    /// Begins to delete a rule; `false` when there is none.
    ///
    /// # Errors
    /// The failed call.
    pub async fn delete_rule(&self, name: &str) -> CallResult<bool> {
        match self
            .aws
            .config
            .delete_config_rule()
            .config_rule_name(name)
            .send()
            .await
        {
            Ok(_) => Ok(true),
            Err(e) => {
                let error = CallError::from_sdk("config:DeleteConfigRule", &e);
                if error.is(&["NoSuchConfigRuleException"]) {
                    Ok(false)
                } else {
                    Err(error)
                }
            }
        }
    }

    /// Has a rule judge everything in its scope again, as it was last recorded; `false` when Config will not do it now: it
    /// is at it already, or did it less than a minute ago.
    ///
    /// # Errors
    /// The failed call.
    pub async fn reevaluate(&self, rule: &str) -> CallResult<bool> {
        let begun = self
            .aws
            .config
            .start_config_rules_evaluation()
            .config_rule_names(rule)
            .send()
            .await;
        match begun {
            Ok(_) => Ok(true),
            Err(e) => {
                let error = CallError::from_sdk("config:StartConfigRulesEvaluation", &e);
                if error.is(&["LimitExceededException", "ResourceInUseException"]) {
                    Ok(false)
                } else {
                    Err(error)
                }
            }
        }
    }
}

fn rule_from_sdk(rule: ConfigRule) -> RuleDescription {
    RuleDescription {
        name: rule.config_rule_name.unwrap_or_default(),
        arn: rule.config_rule_arn,
        description: rule.description,
        state: rule
            .config_rule_state
            .map(|state| state.as_str().to_owned())
            .unwrap_or_default(),
        triggers: rule
            .source
            .as_ref()
            .and_then(|source| source.source_details.clone())
            .unwrap_or_default()
            .into_iter()
            .filter_map(|detail| detail.message_type)
            .map(|message| message.as_str().to_owned())
            .collect(),
        source: rule.source.and_then(|source| source.source_identifier),
        scope: rule
            .scope
            .and_then(|scope| scope.compliance_resource_types)
            .unwrap_or_default(),
        parameters: rule.input_parameters,
    }
}
