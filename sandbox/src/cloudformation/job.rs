//! An operation at work on one stack, in the stack's lane.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use serde_json::Value;

use super::budget::Budget;
use super::intrinsics::Scope;
use super::resources::{Failure, Made, Work};
use super::stack::{Record, Stack, Wish};
use crate::aside::aside;
use crate::engine::Task;
use crate::sandbox::{Call, Sandbox, Target};

/// The work on one stack. Every look at it is a short one, under the account's lock.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) target: Target,
    pub(super) stack_id: String,
}

/// Hands work on a stack to the engine.
pub(super) fn start<F, Fut>(call: &mut Call<'_>, stack_id: &str, target: Target, work: F)
where
    F: FnOnce(Job) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let stack_id = stack_id.to_owned();
    let lane = format!("cloudformation:{stack_id}");
    call.account
        .later(Task::new(call.now, lane, move |sandbox| {
            work(Job {
                sandbox,
                target,
                stack_id,
            })
        }));
}

/// Looks at the stack beside a wish for it, with everything that exists now. What is resolved is paid from `budget`.
pub(super) fn compare<T>(
    call: &mut Call<'_>,
    id: &str,
    wish: &Wish,
    budget: &Budget,
    look: impl FnOnce(&Stack, &Scope<'_>) -> T,
) -> Option<T> {
    let exports = call.here().cloudformation.exports();
    let exports = exports
        .into_iter()
        .map(|(name, (_, value))| (name, value))
        .collect();
    let (account, region) = (call.account.id.clone(), call.region.clone());
    let stack = call.here().cloudformation.stacks.get(id)?;
    let resources = stack.known();
    let scope = Scope {
        template: &wish.template,
        parameters: &wish.parameters,
        account: &account,
        region: &region,
        stack_name: &stack.name,
        stack_id: &stack.id,
        resources: &resources,
        exports: &exports,
        truths: &wish.truths,
        budget,
    };
    Some(look(stack, &scope))
}

impl Job {
    /// Looks at the stack, or changes it. Stacks are never forgotten, so it is there.
    pub(super) fn stack<T: Default>(
        &self,
        work: impl FnOnce(&mut Stack, &crate::clock::Timestamp) -> T,
    ) -> T {
        self.sandbox.enter(&self.target, |call| {
            let now = call.now;
            match call.here().cloudformation.stacks.get_mut(&self.stack_id) {
                Some(stack) => work(stack, &now),
                None => T::default(),
            }
        })
    }

    /// What the stack is asked to be.
    pub(super) fn wish(&self) -> Option<Wish> {
        self.stack(|stack, _| Some(stack.wish.clone()))
    }

    pub(super) fn set_status(&self, status: &'static str, reason: Option<String>) {
        self.stack(|stack, now| stack.set_status(status, reason, *now));
    }

    pub(super) fn set_resource_status(
        &self,
        logical_id: &str,
        status: &'static str,
        reason: Option<String>,
    ) {
        self.stack(|stack, now| stack.set_resource_status(logical_id, status, reason, *now));
    }

    pub(super) fn record(&self, logical_id: &str) -> Option<Record> {
        self.stack(|stack, _| stack.resources.get(logical_id).cloned())
    }

    /// Notes what a handler has made.
    pub(super) fn keep(&self, logical_id: &str, made: Made) {
        self.stack(|stack, _| {
            if let Some(record) = stack.resources.get_mut(logical_id) {
                record.physical_id = Some(made.physical_id);
                record.attributes = made.attributes;
            }
        });
    }

    /// Resolves a part of the wish's template with everything that exists now, and notes what it imports.
    ///
    /// # Errors
    /// The reason, in CloudFormation's words.
    pub(super) fn resolve(&self, wish: &Wish, value: &Value) -> Result<Option<Value>, Failure> {
        let resolve = |call: &mut Call<'_>| {
            let looked = compare(call, &self.stack_id, wish, &wish.budget, |_, scope| {
                let resolved = scope.resolve(value);
                resolved.map(|resolved| (resolved, imports(scope, value)))
            });
            let Some(looked) = looked else {
                return Ok(None);
            };
            let (resolved, imports) = looked.map_err(|error| Failure::new(error.message))?;
            let stacks = &mut call.here().cloudformation.stacks;
            if let Some(stack) = stacks.get_mut(&self.stack_id) {
                stack.imports.extend(imports);
            }
            Ok(resolved)
        };
        aside(|| self.sandbox.enter(&self.target, resolve))
    }

    /// What a handler works with for one resource. `status` is what the resource shows while something new is made.
    pub(super) fn work(&self, logical_id: &str, status: &'static str) -> Work {
        let (stack_name, token) = self.stack(|stack, _| (stack.name.clone(), stack.token.clone()));
        Work {
            job: self.clone(),
            stack_name,
            logical_id: logical_id.to_owned(),
            status,
            token: token.unwrap_or_else(crate::ids::uuid),
        }
    }
}

/// The names of the exports that `value` imports.
fn imports(scope: &Scope<'_>, value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(members) => {
                if let Some(export) = members.get("Fn::ImportValue") {
                    found.extend(
                        scope
                            .text(export, "Fn::ImportValue")
                            .ok()
                            .filter(|name| scope.exports.contains_key(name)),
                    );
                }
                rest.extend(members.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}
