//! `CreateChangeSet`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::plan::plan;
use super::{ChangeSet, Progress, Purpose};
use crate::aside::aside;
use crate::cloudformation::budget::Budget;
use crate::cloudformation::inputs;
use crate::cloudformation::job::{self, Job};
use crate::cloudformation::stack::{Stack, Wish};
use crate::cloudformation::template::Template;
use crate::cloudformation::{create, invalid, provision, update};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::uuid;
use crate::sandbox::Call;

/// What the sandbox cannot do and must not ignore.
const REFUSED: &[&str] = &[
    "DeploymentMode",
    "NotificationARNs",
    "ResourceTypes",
    "ResourcesToImport",
    "RollbackConfiguration",
];

const NOTHING: &str = "The submitted information didn't contain changes. Submit different information to create a change set.";

pub(in crate::cloudformation) fn create_change_set(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    let purpose = purpose(input)?;
    inputs::refuse(input, REFUSED)?;
    if input.flag("ImportExistingResources")? == Some(true) {
        inputs::refuse(input, &["ImportExistingResources"])?;
    }
    let set_name = input.text("ChangeSetName").unwrap_or_default();
    create::check_name("changeSetName", set_name)?;
    let token = input.text("ClientToken").map(str::to_owned);
    let (stack_id, wish) = match purpose {
        Purpose::Create => for_new(call, input)?,
        Purpose::Update => for_existing(call, input)?,
    };
    let id = call.arn(
        "cloudformation",
        &format!("changeSet/{set_name}/{}", uuid()),
    );
    let set = ChangeSet {
        id: id.clone(),
        name: set_name.to_owned(),
        description: input.text("Description").map(str::to_owned),
        created: call.now,
        purpose,
        wish,
        on_failure: match input.text("OnStackFailure") {
            Some(chosen) => Some(create::failure_choice("onStackFailure", chosen)?),
            None => None,
        },
        token,
        progress: Progress::Pending,
        changes: Vec::new(),
    };
    let (now, target) = (call.now, set.wish.target.clone());
    let stack = match call.here().cloudformation.stacks.get_mut(&stack_id) {
        Some(stack) => stack,
        None => {
            let stack = new_stack(call, input, &stack_id, &set.wish);
            let stacks = &mut call.here().cloudformation.stacks;
            let stack = stacks.entry(stack_id.clone()).or_insert(stack);
            stack.set_status("REVIEW_IN_PROGRESS", Some("User Initiated".to_owned()), now);
            stack
        }
    };
    if let Some(existing) = stack
        .change_sets
        .iter()
        .find(|other| other.name == set.name && !other.is_gone())
    {
        // The same request again, for example after an answer that was lost.
        if set.token.is_some() && existing.token == set.token {
            return Ok(json!({"Id": existing.id, "StackId": stack_id}));
        }
        return Err(ApiError::bad(
            "AlreadyExistsException",
            format!("ChangeSet {} already exists", existing.id),
        ));
    }
    stack.change_sets.push(set);
    let set_id = id.clone();
    job::start(call, &stack_id, target, move |job| work_out(job, set_id));
    Ok(json!({"Id": id, "StackId": stack_id}))
}

fn purpose(input: &Value) -> Result<Purpose, ApiError> {
    match input.text("ChangeSetType") {
        Some("CREATE") => Ok(Purpose::Create),
        Some("UPDATE") | None => Ok(Purpose::Update),
        Some("IMPORT") => Err(ApiError::new(
            501,
            "NotImplemented",
            "the change set type IMPORT is not implemented by the sandbox",
        )),
        Some(other) => Err(invalid(format!(
            "1 validation error detected: Value '{other}' at 'changeSetType' failed to satisfy constraint: Member must satisfy enum value set: [CREATE, UPDATE, IMPORT]"
        ))),
    }
}

/// The wish for a stack that is not there yet, or has been waiting for its first change set to be executed.
fn for_new(call: &mut Call<'_>, input: &Value) -> Result<(String, Wish), ApiError> {
    let name = input.text("StackName").unwrap_or_default();
    let existing = call.here().cloudformation.find(name);
    let (stack_id, name) = match existing.filter(|stack| stack.deleted.is_none()) {
        Some(stack) if stack.status == "REVIEW_IN_PROGRESS" => {
            (stack.id.clone(), stack.name.clone())
        }
        Some(stack) => {
            return Err(invalid(format!(
                "Stack [{}] already exists and cannot be created again with the changeSet [{}].",
                stack.name,
                input.text("ChangeSetName").unwrap_or_default()
            )));
        }
        None => {
            let name = create::stack_name(input)?.to_owned();
            let id = call.arn("cloudformation", &format!("stack/{name}/{}", uuid()));
            (id, name)
        }
    };
    if input.flag("UsePreviousTemplate")? == Some(true) {
        return Err(invalid("Template is not available for this stack."));
    }
    let wish = inputs::wish_for_new(call, input, &name, &stack_id)?;
    Ok((stack_id, wish))
}

fn for_existing(call: &mut Call<'_>, input: &Value) -> Result<(String, Wish), ApiError> {
    let prepared = update::prepare(call, input, None)?;
    Ok((prepared.id, prepared.wish))
}

/// A stack that has nothing yet, not even a template of its own.
fn new_stack(call: &Call<'_>, input: &Value, id: &str, wish: &Wish) -> Stack {
    let nothing = Wish {
        template: Arc::new(Template::nothing()),
        parameters: BTreeMap::new(),
        active: BTreeSet::new(),
        truths: BTreeMap::new(),
        budget: Arc::default(),
        tags: Vec::new(),
        capabilities: Vec::new(),
        role: None,
        target: wish.target.clone(),
    };
    let name = input.text("StackName").unwrap_or_default();
    Stack::new(id, name, call.now, nothing)
}

/// Compares what the stack is with what it would be.
async fn work_out(job: Job, set_id: String) {
    let wish = job.stack(|stack, _| {
        let set = stack.change_sets.iter().find(|set| set.id == set_id)?;
        Some(set.wish.clone())
    });
    // Deleted before it was worked out.
    let Some(wish) = wish else {
        return;
    };
    let checked = provision::existing(&job, &wish).await;
    let budget = Budget::default();
    let work_out = |call: &mut Call<'_>| {
        let compared = job::compare(call, &job.stack_id, &wish, &budget, |stack, scope| {
            let changes = plan(stack, &wish, scope);
            let differs = update::differs(&changes, stack, &wish, scope);
            let same = stack.wish.template.body == wish.template.body
                && stack.wish.parameters == wish.parameters
                && stack.wish.tags == wish.tags;
            let progress = match (&checked, budget.check()) {
                (Err(failure), _) => Progress::Failed(failure.reason.clone()),
                (Ok(()), Err(error)) => Progress::Failed(error.message),
                (Ok(()), Ok(())) if differs => Progress::Available,
                (Ok(()), Ok(())) if same => Progress::Failed(NOTHING.to_owned()),
                (Ok(()), Ok(())) => Progress::Failed("No updates are to be performed.".to_owned()),
            };
            (changes, progress)
        });
        let Some((changes, progress)) = compared else {
            return;
        };
        let stack = call.here().cloudformation.stacks.get_mut(&job.stack_id);
        let sets = stack.map(|stack| &mut stack.change_sets);
        let set = sets.and_then(|sets| sets.iter_mut().find(|set| set.id == set_id));
        if let Some(set) = set.filter(|set| set.progress == Progress::Pending) {
            set.progress = progress;
            set.changes = changes;
        }
    };
    aside(|| job.sandbox.enter(&job.target, work_out));
}
