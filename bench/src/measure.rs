//! What is measured, in the order of the table.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::{Function, Program};
use crate::share::Share;
use crate::table::{Both, Table, median, milliseconds};
use crate::world::most_at_once;

const CLEAN: &[u16] = &[80, 443];
const DRIFTED: &[u16] = &[80, 465, 993];
const NOW: Duration = Duration::ZERO;
const LATER: Duration = Duration::from_millis(10);
/// What an invocation is about, the ports of its group, and what the network takes of it in milliseconds when each answer
/// takes ten: three and two answers one after the other.
const PATHS: [(&str, &[u16], f64); 2] = [("drift", DRIFTED, 30.0), ("clean", CLEAN, 20.0)];
/// The two sides take turns after so many invocations.
const TURN: usize = 20;

/// How often something is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) fresh: usize,
    pub(crate) warm: usize,
}

/// Medians of latency and own time, processor time of one, all in milliseconds; and the calls.
struct Turns {
    total: Both<f64>,
    own: Both<f64>,
    cpu: Both<f64>,
    calls: Both<String>,
}

/// Medians, in milliseconds, of what is measured on fresh processes of both sides in turns.
fn fresh<const N: usize>(
    sides: &Both<Program>,
    count: usize,
    mut measure: impl FnMut(&mut Function) -> Result<[Duration; N]>,
) -> Result<[Both<f64>; N]> {
    let mut ours = Vec::new();
    let mut peer = Vec::new();
    for _ in 0..count {
        ours.push(measure(&mut sides.ours.start()?)?);
        peer.push(measure(&mut sides.peer.start()?)?);
    }
    let column = |seen: &[[Duration; N]], at: usize| {
        median(seen.iter().map(|row| milliseconds(row[at])).collect())
    };
    Ok(std::array::from_fn(|at| Both {
        ours: column(&ours, at),
        peer: column(&peer, at),
    }))
}

/// Invocations of both, in turns.
fn turns(
    functions: &mut Both<Function>,
    ports: &[u16],
    delay: Duration,
    count: usize,
) -> Result<Turns> {
    let mut seen = Both::<(Vec<_>, Duration)>::default();
    for function in functions.each_mut() {
        for _ in 0..10 {
            function.invoke(ports, delay)?;
        }
    }
    let mut done = 0;
    while done < count {
        let turn = TURN.min(count - done);
        done += turn;
        for (function, (invocations, cpu)) in functions.each_mut().into_iter().zip(seen.each_mut())
        {
            // Whatever it does after an answer belongs to that invocation.
            function.ready()?;
            let before = function.cpu()?;
            for _ in 0..turn {
                invocations.push(function.invoke(ports, delay)?);
            }
            function.ready()?;
            *cpu += function.cpu()? - before;
        }
    }
    let [ours, peer] = seen.each_mut().map(|(invocations, cpu)| {
        let total = median(
            invocations
                .iter()
                .map(|one| milliseconds(one.total))
                .collect(),
        );
        let own = median(
            invocations
                .iter()
                .map(|one| milliseconds(one.own))
                .collect(),
        );
        let most = invocations
            .iter()
            .map(|one| most_at_once(&one.calls))
            .max()
            .unwrap_or(0);
        let calls = format!("{} ({most} at once)", invocations[0].calls.len());
        (total, own, milliseconds(*cpu) / count as f64, calls)
    });
    Ok(Turns {
        total: Both {
            ours: ours.0,
            peer: peer.0,
        },
        own: Both {
            ours: ours.1,
            peer: peer.1,
        },
        cpu: Both {
            ours: ours.2,
            peer: peer.2,
        },
        calls: Both {
            ours: ours.3,
            peer: peer.3,
        },
    })
}

fn started(sides: &Both<Program>) -> Result<Both<Function>> {
    Ok(Both {
        ours: sides.ours.start()?,
        peer: sides.peer.start()?,
    })
}

pub(crate) fn cold(sides: &Both<Program>, count: Count, table: &mut Table) -> Result<()> {
    let [ready, first] = fresh(sides, count.fresh, |function| {
        let ready = function.ready()?;
        let first = function.invoke(DRIFTED, NOW)?;
        Ok([ready, first.ended - function.start])
    })?;
    table.row(
        "cold start: spawn to first answer, drift, 0 ms",
        "ms",
        first,
        1,
        "75",
    );
    table.row(
        "of it until the first event is asked for",
        "ms",
        ready,
        1,
        "",
    );
    Ok(())
}

/// The caller keeps all of it on one processor.
pub(crate) fn warm(sides: &Both<Program>, count: Count, table: &mut Table) -> Result<()> {
    let mut functions = started(sides)?;
    for delay in [NOW, LATER] {
        let label = format!("{} ms", delay.as_millis());
        let goal = |goal| if delay.is_zero() { goal } else { "" };
        for (path, ports, floor) in PATHS {
            let turns = turns(&mut functions, ports, delay, count.warm)?;
            table.row(
                &format!("warm, {path}, p50, {label}"),
                "ms",
                turns.total,
                2,
                "",
            );
            table.row(
                &format!("of it its own time, {label}"),
                "ms",
                turns.own,
                2,
                goal("10"),
            );
            let name = format!("processor time of one, {path}, {label}");
            table.row(&name, "ms", turns.cpu, 2, goal("13"));
            if !delay.is_zero() {
                let above = turns.total.map(|total| format!("{:.2} ms", total - floor));
                table.words(
                    &format!("above the network's {floor:.0} ms"),
                    above,
                    "",
                    "≤ 2.5 ms",
                );
                table.words(&format!("calls, {path}"), turns.calls, "", "");
            }
        }
        if delay.is_zero() {
            let peak = Both {
                ours: functions.ours.peak()?,
                peer: functions.peer.peak()?,
            };
            table.row("peak memory", "MiB", peak, 1, "13");
        }
    }
    Ok(())
}

/// What `warm` measures without latency, with each process on whatever processor there is.
pub(crate) fn spread(sides: &Both<Program>, count: Count, table: &mut Table) -> Result<()> {
    let mut functions = started(sides)?;
    for (path, ports, _) in PATHS {
        let turns = turns(&mut functions, ports, NOW, count.warm)?;
        let name = |what: &str| format!("not confined: {what}, {path}, 0 ms");
        table.row(&name("own time"), "ms", turns.own, 2, "");
        table.row(&name("processor time of one"), "ms", turns.cpu, 2, "");
    }
    Ok(())
}

/// With the processor time of 128 MB, which begins with the first event: Lambda starts functions at full speed. What is to
/// be said of it.
pub(crate) fn small(sides: &Both<Program>, count: Count, table: &mut Table) -> Result<String> {
    if let Err(reason) = Share::new() {
        return Ok(format!(
            "The processor time of 128 MB was not measured: this machine gives no control group ({reason})."
        ));
    }
    // Dropped after the processes in them.
    let mut shares = Vec::new();
    let mut hold = |function: &mut Function| -> Result<()> {
        function.ready()?;
        let share = Share::new()?;
        share.hold(function.pid())?;
        shares.push(share);
        Ok(())
    };
    let [first] = fresh(sides, (count.fresh / 3).max(3), |function| {
        hold(function)?;
        Ok([function.invoke(DRIFTED, LATER)?.total])
    })?;
    table.row(
        "as 128 MB: first invocation, drift, 10 ms",
        "ms",
        first,
        1,
        "30, ≤ 35 ms",
    );
    let mut functions = Both {
        ours: sides.ours.start()?,
        peer: sides.peer.start()?,
    };
    for function in functions.each_mut() {
        hold(function)?;
    }
    for (path, ports, _) in PATHS {
        let turns = turns(&mut functions, ports, LATER, (count.warm / 5).max(TURN))?;
        table.row(
            &format!("as 128 MB: warm, {path}, p50, 10 ms"),
            "ms",
            turns.total,
            2,
            "",
        );
        table.row("of it its own time", "ms", turns.own, 2, "50");
    }
    drop(functions);
    Ok("As 128 MB: 1.44 ms of processor time in every 20 ms from the first event on, each process in a control group of its own.".to_owned())
}

/// Nearly free of noise, so the place to look for a change for the worse. Leaves callgrind's files in `profiles`. What is
/// to be said of it.
pub(crate) fn instructions(
    ours: &Program,
    profiles: Option<&Path>,
    table: &mut Table,
) -> Result<String> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Ok("Instructions were not counted: there is no `valgrind` here.".to_owned());
    }
    let mut row = |name: &str, count: f64| {
        let words = Both {
            ours: format!("{:.2} million", count / 1e6),
            peer: String::new(),
        };
        table.words(name, words, "", "");
    };
    row(
        "instructions until the first event is asked for",
        after(ours, profiles, CLEAN, 0)?,
    );
    for (path, ports, _) in PATHS {
        let twenty = after(ours, profiles, ports, 30)? - after(ours, profiles, ports, 10)?;
        row(&format!("instructions of one, {path}"), twenty / 20.0);
    }
    Ok("Instructions are counted by callgrind.".to_owned())
}

/// Instructions of a process that answers so many events.
fn after(ours: &Program, profiles: Option<&Path>, ports: &[u16], count: usize) -> Result<f64> {
    let file = format!("callgrind.{count}-events-of-{}-ports", ports.len());
    let file = profiles.map_or_else(|| "/dev/null".into(), |directory| directory.join(file));
    let file = format!("--callgrind-out-file={}", file.display());
    let callgrind = ["valgrind", "--tool=callgrind", &file];
    let mut function = ours.start_under(&callgrind)?;
    for _ in 0..count {
        function.invoke(ports, NOW)?;
    }
    function.rest()?;
    let told = function.end()?;
    let number = told
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, number) = number.with_context(|| format!("callgrind counts nothing: {told}"))?;
    Ok(number.trim().parse()?)
}

/// The package has a goal too.
pub(crate) fn package(path: &Path, table: &mut Table) -> Result<()> {
    let size = path.metadata()?.len();
    let words = Both {
        ours: format!("{:.3} MB", size as f64 / 1e6),
        peer: "(boto3 is in Lambda's own image)".to_owned(),
    };
    table.words("package, zipped", words, "", "≤ 1.5 MB");
    Ok(())
}
