//! Verdicts as a person reads them: each once, with who tells of it.

use super::{Evaluation, Source};

/// One verdict of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// What it says. AWS Config's moment counts where AWS Config tells of it.
    pub evaluation: &'a Evaluation,
    /// Who tells of it: AWS Config, the function's log, or both.
    pub witnesses: Vec<&'static str>,
}

/// Joins what AWS Config and the function's log tell of the same report: same words, and logged after AWS Config recorded it.
/// `evaluations` are in the order in which they happened, and the verdicts are too.
pub fn verdicts(evaluations: &[Evaluation]) -> Vec<Verdict<'_>> {
    let name = |source| match source {
        Source::Config => "AWS Config",
        Source::FunctionLog => "the log",
    };
    let mut told: Vec<Verdict<'_>> = Vec::new();
    for line in evaluations {
        let recorded = told.iter_mut().rev().find(|verdict| {
            let config = verdict.evaluation;
            line.source == Source::FunctionLog
                && config.source == Source::Config
                && verdict.witnesses.len() == 1
                && config.recorded_at <= line.recorded_at
                && config.compliance == line.compliance
                && config.annotation == line.annotation
        });
        match recorded {
            Some(verdict) => verdict.witnesses.push(name(line.source)),
            None => told.push(Verdict {
                evaluation: line,
                witnesses: vec![name(line.source)],
            }),
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::OffsetDateTime;

    fn evaluation(millis: i64, compliance: &str, source: Source) -> Evaluation {
        Evaluation {
            compliance: compliance.to_owned(),
            annotation: Some("words".to_owned()),
            recorded_at: OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(millis),
            source,
            invoked_at: None,
        }
    }

    fn shown(evaluations: &[Evaluation]) -> Vec<(i64, String, String)> {
        verdicts(evaluations)
            .into_iter()
            .map(|verdict| {
                let at = verdict.evaluation.recorded_at - OffsetDateTime::UNIX_EPOCH;
                let millis = i64::try_from(at.whole_milliseconds()).unwrap_or_default();
                let compliance = verdict.evaluation.compliance.clone();
                (millis, compliance, verdict.witnesses.join(", "))
            })
            .collect()
    }

    #[test]
    fn a_report_that_both_tell_of_is_shown_once() {
        let all = [
            evaluation(1, "NON_COMPLIANT", Source::FunctionLog),
            evaluation(2, "COMPLIANT", Source::Config),
            evaluation(3, "COMPLIANT", Source::FunctionLog),
        ];
        assert_eq!(
            shown(&all),
            [
                (1, "NON_COMPLIANT".to_owned(), "the log".to_owned()),
                (2, "COMPLIANT".to_owned(), "AWS Config, the log".to_owned()),
            ]
        );
    }

    #[test]
    fn two_reports_with_the_same_words_stay_two() {
        let all = [
            evaluation(1, "COMPLIANT", Source::FunctionLog),
            evaluation(2, "COMPLIANT", Source::Config),
            evaluation(3, "COMPLIANT", Source::FunctionLog),
            evaluation(4, "COMPLIANT", Source::FunctionLog),
        ];
        assert_eq!(shown(&all).len(), 3);
    }
}
