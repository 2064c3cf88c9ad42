//! Policies in roles and users, and managed policies attached to them: the same operations under two names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::document::Kind;
use super::params::{accept, page, require, require_name};
use super::policies::policy_arn;
use super::sizes;
use super::state::{Policy, State, no_entity};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::protocol::Operation;
use crate::sandbox::Call;

/// How many managed policies a role may have: AWS's default quota.
pub(crate) const MAX_ATTACHED: usize = 10;

/// Who holds policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Role,
    User,
}

/// What one holder holds.
struct Held<'s> {
    name: &'s str,
    inline: &'s mut BTreeMap<String, Policy>,
    /// ARNs.
    attached: &'s mut BTreeSet<String>,
}

impl Holder {
    /// The member that names the holder.
    fn member(self) -> &'static str {
        match self {
            Holder::Role => "RoleName",
            Holder::User => "UserName",
        }
    }

    /// The holder's kind as error messages spell it.
    fn word(self) -> &'static str {
        match self {
            Holder::Role => "role",
            Holder::User => "user",
        }
    }

    /// AWS's default quota of attached policies: its name and how many.
    fn quota(self) -> (&'static str, usize) {
        match self {
            Holder::Role => ("PoliciesPerRole", MAX_ATTACHED),
            Holder::User => ("PoliciesPerUser", 10),
        }
    }

    /// How large all inline policies may be together.
    fn inline_size(self) -> usize {
        match self {
            Holder::Role => sizes::ROLE_INLINE,
            Holder::User => sizes::USER_INLINE,
        }
    }

    fn find<'s>(self, state: &'s mut State, input: &Value) -> Result<Held<'s>, ApiError> {
        let longest = match self {
            Holder::Role => 64,
            Holder::User => 128,
        };
        let name = require_name(input, self.member(), longest)?;
        Ok(match self {
            Holder::Role => {
                let role = state.role_mut(name)?;
                Held {
                    name: &role.name,
                    inline: &mut role.inline,
                    attached: &mut role.attached,
                }
            }
            Holder::User => {
                let user = state.user_mut(name)?;
                Held {
                    name: &user.name,
                    inline: &mut user.inline,
                    attached: &mut user.attached,
                }
            }
        })
    }

    /// Refuses members that the operation would ignore, beside `known` and the one that names the holder.
    fn accept(self, operation: &Operation, known: &[&str]) -> Result<(), ApiError> {
        accept("iam", operation, &[&[self.member()][..], known].concat())
    }

    /// Who holds the inline policy that the operation is about, and the policy's name. `more` are the other members
    /// that the operation knows.
    fn inline<'c>(
        self,
        call: &'c mut Call<'_>,
        operation: &'c Operation,
        more: &[&str],
    ) -> Result<(Held<'c>, &'c str), ApiError> {
        self.accept(operation, &[&["PolicyName"][..], more].concat())?;
        let name = require_name(&operation.input, "PolicyName", 128)?;
        let held = self.find(&mut call.account.iam, &operation.input)?;
        Ok((held, name))
    }

    fn no_inline(self, name: &str) -> ApiError {
        let word = self.word();
        no_entity(format!(
            "The {word} policy with name {name} cannot be found."
        ))
    }

    pub(super) fn put_inline(
        self,
        call: &mut Call<'_>,
        operation: &Operation,
    ) -> Result<Value, ApiError> {
        let (held, name) = self.inline(call, operation, &["PolicyDocument"])?;
        let document = require(&operation.input, "PolicyDocument")?;
        let policy = Policy::parse(document, Kind::Identity)?;
        let others = held.inline.iter().filter(|(other, _)| *other != name);
        let others: usize = others.map(|(_, policy)| sizes::size(&policy.text)).sum();
        let together = others + sizes::size(document);
        let holder = format!("{} {}", self.word(), held.name);
        sizes::check_inline(together, self.inline_size(), &holder)?;
        held.inline.insert(name.to_owned(), policy);
        Ok(Value::Null)
    }

    pub(super) fn get_inline(
        self,
        call: &mut Call<'_>,
        operation: &Operation,
    ) -> Result<Value, ApiError> {
        let (held, name) = self.inline(call, operation, &[])?;
        let policy = held.inline.get(name).ok_or_else(|| self.no_inline(name))?;
        let mut shown = json!({"PolicyName": name, "PolicyDocument": policy.encoded()});
        shown[self.member()] = held.name.into();
        Ok(shown)
    }

    pub(super) fn delete_inline(
        self,
        call: &mut Call<'_>,
        operation: &Operation,
    ) -> Result<Value, ApiError> {
        let (held, name) = self.inline(call, operation, &[])?;
        match held.inline.remove(name) {
            Some(_) => Ok(Value::Null),
            None => Err(self.no_inline(name)),
        }
    }

    pub(super) fn list_inline(
        self,
        call: &mut Call<'_>,
        operation: &Operation,
    ) -> Result<Value, ApiError> {
        self.accept(operation, &["Marker", "MaxItems"])?;
        let input = &operation.input;
        let held = self.find(&mut call.account.iam, input)?;
        let names = held.inline.keys();
        page(
            input,
            "PolicyNames",
            names.map(|name| (name.as_str(), json!(name))),
        )
    }

    pub(super) fn attach(
        self,
        call: &mut Call<'_>,
        operation: &Operation,
    ) -> Result<Value, ApiError> {
        self.accept(operation, &["PolicyArn"])?;
        let input = &operation.input;
        let arn = policy_arn(input)?;
        let state = &mut call.account.iam;
        let known = state.managed_document(arn).is_some();
        let held = self.find(state, input)?;
        if !known {
            // Which of AWS's own there are, only AWS knows: some were withdrawn, and most are not here.
            let note = match arn.contains("::aws:policy/") {
                true => {
                    " (of the policies of AWS the sandbox has only those that ListPolicies shows)"
                }
                false => "",
            };
            return Err(no_entity(format!(
                "Policy {arn} does not exist or is not attachable.{note}"
            )));
        }
        let (quota, most) = self.quota();
        if held.attached.len() >= most && !held.attached.contains(arn) {
            return Err(ApiError::new(
                409,
                "LimitExceeded",
                format!("Cannot exceed quota for {quota}: {most}"),
            ));
        }
        held.attached.insert(arn.to_owned());
        Ok(Value::Null)
    }

    pub(super) fn detach(
        self,
        call: &mut Call<'_>,
        operation: &Operation,
    ) -> Result<Value, ApiError> {
        self.accept(operation, &["PolicyArn"])?;
        let input = &operation.input;
        let arn = policy_arn(input)?;
        if self
            .find(&mut call.account.iam, input)?
            .attached
            .remove(arn)
        {
            Ok(Value::Null)
        } else {
            Err(no_entity(format!("Policy {arn} was not found.")))
        }
    }

    pub(super) fn list_attached(
        self,
        call: &mut Call<'_>,
        operation: &Operation,
    ) -> Result<Value, ApiError> {
        self.accept(operation, &["PathPrefix", "Marker", "MaxItems"])?;
        let input = &operation.input;
        let prefix = input.text("PathPrefix").unwrap_or("/");
        let held = self.find(&mut call.account.iam, input)?;
        let attached = held.attached.iter().filter_map(|arn| {
            // `arn:…:policy/path/name`
            let (_, resource) = arn.split_once(":policy")?;
            let (_, name) = resource.rsplit_once('/')?;
            resource
                .starts_with(prefix)
                .then(|| (arn.as_str(), json!({"PolicyName": name, "PolicyArn": arn})))
        });
        page(input, "AttachedPolicies", attached)
    }
}
