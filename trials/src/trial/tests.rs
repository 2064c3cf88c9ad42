use std::sync::Mutex;
use std::time::Duration;

use super::tally::Tally;
use super::*;

/// What was told, without how long it took.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn hear(&self, text: &str) {
        let (first, words) = text.split_once('\n').unwrap_or((text, ""));
        let (line, took) = first.rsplit_once(", ").unwrap();
        assert!(took.ends_with('s'), "{took}");
        self.0.lock().unwrap().push(format!("{line} {words}"));
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[test]
fn a_tally_tells_every_hundred_each_failure_and_the_end() {
    let told = Told::default();
    let mut tally = Tally::new("seeds", 201, |text: &str| told.hear(text));
    for number in 0..201 {
        match number {
            // They do not end in the order in which they begin.
            50 => tally.bad(70, "seed 71".to_owned(), "the lab\nis gone"),
            99 => tally.bad(7, "seed 8".to_owned(), "healed"),
            _ => tally.good(),
        }
    }
    let so_far = [
        "seeds: seed 71 failed; 51 of 201 held, 1 failed the lab\nis gone",
        "seeds: seed 8 failed; 100 of 201 held, 2 failed healed",
        "seeds: 100 of 201 held, 2 failed ",
        "seeds: 200 of 201 held, 2 failed ",
    ];
    assert_eq!(told.lines(), so_far);
    assert_eq!(tally.end(), ["seed 8", "seed 71"]);
    assert_eq!(
        told.lines().last().unwrap(),
        "seeds: 201 of 201 held, 2 failed "
    );
}

#[test]
fn a_failure_is_told_while_other_trials_are_held() {
    let told = Told::default();
    let heard = || told.lines().iter().any(|line| line.contains("seed 2"));
    let hold = async |seed: u64| {
        assert_ne!(seed, 2);
        let waiting = async {
            while seed == 3 && !heard() {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        assert!(waited.is_ok(), "nothing was told");
    };
    let name = |seed: &u64| format!("seed {seed}");
    let failed = each(
        "seeds",
        &[1, 2, 3],
        name,
        |seed| hold(*seed),
        |text| told.hear(text),
    );
    assert_eq!(failed, ["seed 2"]);
}

#[test]
#[should_panic(expected = "1 of 3 failed, as told above:\nseed 2")]
fn the_end_of_many_trials_names_those_that_failed() {
    let name = |seed: &u64| format!("seed {seed}");
    let hold = async |seed: u64| assert_ne!(seed, 2);
    all("seeds", &[1, 2, 3], name, |seed| hold(*seed));
}
