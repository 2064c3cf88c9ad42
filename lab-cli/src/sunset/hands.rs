//! Arming and disarming.

use tokio::task::JoinSet;

use super::plan::{Facts, names, schedules};
use super::role::{POLICY_NAME, request};
use super::{prefix, role_name};
use crate::aws::{CallError, CallResult, Doing, Reader, ScheduleRequest, Tags, Writer};
use crate::clock::Clock;
use crate::error::Result;
use crate::output::Ui;
use crate::permissions::Names;
use crate::state::Place;
use crate::wait::{Look, Pace, Wait};

/// What there is of a self-destruct.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Armed {
    /// The schedules that have not run for the last time.
    pub schedules: Vec<String>,
    /// The tags of the role that they work with, which outlives them.
    pub role: Option<Tags>,
}

impl Armed {
    /// Whether there is nothing of it.
    pub fn is_empty(&self) -> bool {
        self.schedules.is_empty() && self.role.is_none()
    }
}

/// Looks for the schedules and the role of a lab. Names that only begin alike are another lab's.
///
/// # Errors
/// The call that failed.
pub async fn armed(aws: &Reader, place: &Place) -> Result<Armed> {
    let (found, role) = tokio::try_join!(
        async {
            aws.schedules(&prefix(&place.stack))
                .await
                .doing("look for the schedules of the self-destruct")
        },
        async {
            let name = role_name(place);
            aws.role_tags(&name)
                .await
                .doing(format_args!("look for the role `{name}`"))
        },
    )?;
    let known = names(&place.stack);
    Ok(Armed {
        schedules: found
            .into_iter()
            .filter(|name| known.contains(name))
            .collect(),
        role: role.filter(|tags| place.owns(tags)),
    })
}

/// Arms the self-destruct, or moves it: the role first, then every schedule; those that are no longer needed go.
///
/// # Errors
/// The call that failed. What was armed before it stays armed; the same again goes on from there.
pub async fn arm(
    (writer, place): (&Writer, &Place),
    (ui, clock): (&Ui, &Clock),
    facts: &Facts,
    reach: &[Names],
    tags: &Tags,
    before: &Armed,
) -> Result<()> {
    empower((writer, place), reach, tags).await?;
    let wanted = schedules(facts, place);
    // A new role is not known everywhere at once, and Scheduler asks whether it may work with it.
    if let Some(first) = wanted.first() {
        put_patiently(writer, ui, clock, first).await?;
    }
    each(wanted.iter().skip(1).cloned(), |schedule| {
        let writer = writer.clone();
        async move { writer.put_schedule(&schedule).await }
    })
    .await
    .doing("put the schedules of the self-destruct")?;
    remove(writer, obsolete(facts, &wanted, before)).await
}

/// The schedules that are armed and no longer wanted.
fn obsolete(
    facts: &Facts,
    wanted: &[ScheduleRequest],
    before: &Armed,
) -> impl Iterator<Item = String> {
    let all = before.schedules.iter().filter(|name| {
        // The bucket's step is put once its name is known; it is not obsolete before.
        let known_later = facts.delivery_bucket.is_none() && name.ends_with("expire-delivery");
        !known_later && wanted.iter().all(|it| it.name != **name)
    });
    all.cloned().collect::<Vec<_>>().into_iter()
}

/// Adjusts a self-destruct whose expiry stays: puts the schedules for what a deployment is about to make again, and removes
/// those for what is somebody else's by now.
///
/// # Errors
/// The call that failed.
pub async fn adjust(writer: &Writer, place: &Place, facts: &Facts, armed: &Armed) -> Result<()> {
    let missing = |it: &ScheduleRequest| armed.schedules.iter().all(|name| *name != it.name);
    let wanted = schedules(facts, place);
    remove(writer, obsolete(facts, &wanted, armed)).await?;
    each(wanted.into_iter().filter(missing), |schedule| {
        let writer = writer.clone();
        async move { writer.put_schedule(&schedule).await }
    })
    .await
    .doing("put the schedules of the self-destruct")
}

/// Makes the role that the schedules work with, or gives it the rights that these names of the lab need, and no others.
///
/// # Errors
/// The call that failed.
pub async fn empower(
    (writer, place): (&Writer, &Place),
    reach: &[Names],
    tags: &Tags,
) -> Result<()> {
    let role = request(place, reach, tags);
    writer
        .put_role(&role)
        .await
        .doing(format_args!("make the role `{}`", role.name))
}

/// Puts again what has changed since the self-destruct was armed: the stack has an id now, and its bucket a name.
///
/// # Errors
/// The call that failed.
pub async fn rearm(writer: &Writer, place: &Place, facts: &Facts) -> Result<()> {
    let news = |it: &ScheduleRequest| {
        it.name.ends_with("delete-stack") || it.name.ends_with("expire-delivery")
    };
    let wanted = schedules(facts, place).into_iter().filter(news);
    each(wanted, |schedule| {
        let writer = writer.clone();
        async move { writer.put_schedule(&schedule).await }
    })
    .await
    .doing("put the schedules of the self-destruct")
}

/// Takes schedules and role away; the answer is what was removed.
///
/// # Errors
/// The call that failed.
pub async fn disarm(writer: &Writer, place: &Place, armed: &Armed) -> Result<Vec<String>> {
    remove(writer, armed.schedules.iter().cloned()).await?;
    let mut removed: Vec<_> = armed
        .schedules
        .iter()
        .map(|name| format!("schedule `{name}`"))
        .collect();
    if armed.role.is_some() {
        let name = role_name(place);
        writer
            .delete_role(&name, POLICY_NAME)
            .await
            .doing(format_args!("delete the role `{name}`"))?;
        removed.push(format!("role `{name}`"));
    }
    Ok(removed)
}

async fn remove(writer: &Writer, names: impl Iterator<Item = String>) -> Result<()> {
    each(names, |name| {
        let writer = writer.clone();
        async move { writer.delete_schedule(&name).await }
    })
    .await
    .doing("delete the schedules of the self-destruct")
}

async fn put_patiently(
    writer: &Writer,
    ui: &Ui,
    clock: &Clock,
    schedule: &ScheduleRequest,
) -> Result<()> {
    let wait = Wait {
        clock,
        ui,
        what: "EventBridge Scheduler to know the role of the self-destruct".to_owned(),
        usual: "usually seconds after the role was made",
        timeout: std::time::Duration::from_secs(120),
        pace: Pace::CONSISTENCY,
    };
    wait.until(async || match writer.put_schedule(schedule).await {
        Ok(()) => Ok(Look::Done(())),
        Err(error) if error.is(&["ValidationException"]) && error.message().contains("role") => {
            Ok(Look::Missing(error.to_string()))
        }
        Err(error) => Err(error).doing(format_args!("put the schedule `{}`", schedule.name)),
    })
    .await
}

/// Does something with each, all at once: there are ten at most.
async fn each<T, F>(items: impl IntoIterator<Item = T>, work: impl Fn(T) -> F) -> CallResult<()>
where
    F: Future<Output = Result<(), CallError>> + Send + 'static,
{
    let mut under_way = JoinSet::new();
    for item in items {
        under_way.spawn(work(item));
    }
    under_way.join_all().await.into_iter().collect()
}
