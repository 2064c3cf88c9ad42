//! What one account holds, by region and service, and how much that is.

use std::collections::BTreeMap;

use crate::budgets::{Holdings, Kind, Ledger, weight};
use crate::engine::Task;
use crate::ids::{AccountId, Region};
use crate::{
    cloudformation, config, ec2, events, iam, lambda, logs, s3, scheduler, secretsmanager, sns, ssm,
};

/// Everything that one account holds.
#[derive(Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Roles, policies, users: global in an account.
    pub iam: iam::State,
    /// Buckets: listed without a region.
    pub s3: s3::State,
    regions: BTreeMap<Region, Regional>,
    pub(super) outbox: Vec<Task>,
    /// What the ledger knows of this account.
    pub(crate) counted: Holdings,
    pub(crate) measure: Measure,
}

/// How large an account's state was when it was measured last, and what may have become of it.
#[derive(Debug, Default)]
pub(crate) struct Measure {
    /// Bytes, written as text.
    pub(crate) bytes: u64,
    /// Bytes of input since.
    pub(crate) input: u64,
    /// Whether something may have gone since.
    pub(crate) shrunk: bool,
}

/// Everything that one account holds in one region.
#[derive(Debug)]
pub struct Regional {
    /// Networks and security groups.
    pub ec2: ec2::State,
    /// Recorder, channel, rules, items, evaluations.
    pub config: config::State,
    /// Functions.
    pub lambda: lambda::State,
    /// Topics and subscriptions.
    pub sns: sns::State,
    /// Log groups.
    pub logs: logs::State,
    /// Stacks.
    pub cloudformation: cloudformation::State,
    /// Rules and their targets.
    pub events: events::State,
    /// Schedules and their groups.
    pub scheduler: scheduler::State,
    /// Secrets.
    pub secretsmanager: secretsmanager::State,
    /// Parameters.
    pub ssm: ssm::State,
}

impl Account {
    pub(super) fn new(id: AccountId) -> Self {
        Self {
            id,
            iam: iam::State::default(),
            s3: s3::State::default(),
            regions: BTreeMap::new(),
            outbox: Vec::new(),
            counted: Holdings::default(),
            measure: Measure::default(),
        }
    }

    /// What the account holds in `region`. Made on first use, with the default VPC that every
    /// account has.
    pub fn region(&mut self, region: &Region) -> &mut Regional {
        let id = &self.id;
        self.regions
            .entry(region.clone())
            .or_insert_with(|| Regional {
                ec2: ec2::State::new(id, region),
                config: config::State::default(),
                lambda: lambda::State::default(),
                sns: sns::State::default(),
                logs: logs::State::default(),
                cloudformation: cloudformation::State::default(),
                events: events::State::default(),
                scheduler: scheduler::State::default(),
                secretsmanager: secretsmanager::State::default(),
                ssm: ssm::State::default(),
            })
    }

    /// The regions that the account has been used in.
    pub fn regions(&self) -> impl Iterator<Item = &Regional> {
        self.regions.values()
    }

    /// What the account holds.
    pub(crate) fn holdings(&self) -> Holdings {
        let mut held = Holdings::default();
        held.add(Kind::State, self.measure.bytes + self.measure.input);
        held.add(Kind::Objects, self.s3.held());
        for region in self.regions.values() {
            held.add(Kind::Code, region.lambda.held());
            held.add(Kind::Logs, region.logs.held());
            held.add(Kind::Mails, region.sns.held());
            held.add(Kind::Items, region.config.held());
        }
        held
    }

    /// Measures the account's state. What AWS forgets by itself goes first where it does not fit into
    /// `limit`: deleted stacks, the oldest half each time.
    pub(crate) fn measure_state(&mut self, limit: u64, ledger: &Ledger) {
        loop {
            self.measure = Measure {
                bytes: self.weight(),
                ..Measure::default()
            };
            // Some room is made, so that the next call does not have to measure again.
            if self.measure.bytes <= limit - limit / 4 {
                return;
            }
            let states = self
                .regions
                .values_mut()
                .map(|region| &mut region.cloudformation);
            let forgotten: usize = states.map(cloudformation::State::forget_deleted).sum();
            if forgotten == 0 {
                return;
            }
            ledger.forget(Kind::State, forgotten);
        }
    }

    fn weight(&self) -> u64 {
        let regions = self.regions.values().map(Regional::weight);
        weight(&self.iam) + self.s3.weight() + regions.sum::<u64>()
    }

    /// Schedules work for the engine; it is handed over when the account is unlocked.
    pub fn later(&mut self, task: Task) {
        self.outbox.push(task);
    }
}

impl Regional {
    /// What has a budget of its own is left out, as its service says.
    fn weight(&self) -> u64 {
        // Fully named, so that a new service is not forgotten.
        let Self {
            ec2,
            config,
            lambda,
            sns,
            logs,
            cloudformation,
            events,
            scheduler,
            secretsmanager,
            ssm,
        } = self;
        config.weight()
            + sns.weight()
            + weight(logs)
            + weight(&(ec2, lambda, cloudformation))
            + weight(&(events, scheduler, secretsmanager, ssm))
    }
}
