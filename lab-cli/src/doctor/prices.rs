//! What AWS takes, as data: a price is worth no more than its source and its date.

use serde::Serialize;

/// A price.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Price {
    /// For what.
    pub what: &'static str,
    /// US dollars for one.
    pub usd: f64,
    /// Where it was read.
    pub source: &'static str,
    /// When it was read there.
    pub read: &'static str,
}

const CONFIG: &str =
    "third-party figures for us-east-1; the price list is https://aws.amazon.com/config/pricing/";

/// A configuration item that is recorded continuously.
pub const ITEM: Price = Price {
    what: "configuration item, recorded continuously",
    usd: 0.003,
    source: CONFIG,
    read: "2026-11",
};

/// One evaluation by a rule; cheaper from 100,000 a month on.
pub const EVALUATION: Price = Price {
    what: "rule evaluation",
    usd: 0.001,
    source: CONFIG,
    read: "2026-11",
};

/// Everything else that the lab makes costs nothing by itself, or fractions of a cent for what a class does with it.
pub const ALL: &[Price] = &[ITEM, EVALUATION];
