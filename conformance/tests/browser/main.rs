//! A real browser opens pages that attack the sandbox with everything that a page can send.
//!
//! A plain listener comes first and counts that each attempt really leaves the browser; the same pages then attack the
//! sandbox, where each has to be refused and nothing may have happened. Three pages try it: one of a foreign site
//! (`evil`), one that another port of this machine serves (`near`), and one whose name was made to lead to the sandbox
//! after it was opened (`rebind`, DNS rebinding).

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod chromium;
mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use chromium::Chromium;
use conformance::raw::Http;
use conformance::tap::{Arrival, Tap};
use conformance::world::World;
use conformance::{ACCOUNT, panics};
use sandbox::journal;

/// Only a browser that does not do what it should takes that long; it is done within seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the pages try, and what a browser sends of it to a foreign origin first. Where that is `OPTIONS`, it asks for
/// permission, and the request itself follows only if that is given. The rebinding page needs none.
const ATTEMPTS: &[(&str, &str)] = &[
    ("audio", "GET"),
    ("beacon", "POST"),
    ("csp-report", "POST"),
    ("css-background", "GET"),
    ("css-import", "GET"),
    ("embed", "GET"),
    ("event-source", "GET"),
    ("fetch", "GET"),
    ("fetch-authorization", "OPTIONS"),
    ("fetch-credentials", "GET"),
    ("fetch-delete", "OPTIONS"),
    ("fetch-faults", "POST"),
    ("fetch-inbox", "GET"),
    ("fetch-json", "OPTIONS"),
    ("fetch-keepalive", "POST"),
    ("fetch-no-cors", "GET"),
    ("fetch-post", "POST"),
    ("fetch-post-text", "POST"),
    ("fetch-put", "OPTIONS"),
    ("fetch-without-referrer", "GET"),
    ("font", "GET"),
    ("form-bucket", "POST"),
    ("form-clock", "POST"),
    ("form-get", "GET"),
    ("form-multipart", "POST"),
    ("form-post", "POST"),
    ("form-sandboxed", "POST"),
    ("form-stack", "POST"),
    ("form-text", "POST"),
    ("form-top", "POST"),
    ("iframe", "GET"),
    ("iframe-sandboxed", "GET"),
    ("img", "GET"),
    ("img-with-cors", "GET"),
    ("img-without-referrer", "GET"),
    ("link", "GET"),
    ("link-without-referrer", "GET"),
    ("location", "GET"),
    ("meta-refresh", "GET"),
    ("module", "GET"),
    ("object", "GET"),
    ("ping", "POST"),
    ("prefetch", "GET"),
    ("preload", "GET"),
    ("script", "GET"),
    ("stylesheet", "GET"),
    ("svg-image", "GET"),
    ("video", "GET"),
    ("websocket", "GET"),
    ("window-open", "GET"),
    ("worker-fetch", "POST"),
    ("worker-import", "GET"),
    ("xhr", "GET"),
    ("xhr-post", "POST"),
    ("xhr-target", "OPTIONS"),
];

/// Who attacks.
const ORIGINS: [&str; 3] = ["evil", "near", "rebind"];

/// All names under which something has to arrive.
fn expected() -> BTreeSet<String> {
    let mut names: BTreeSet<String> = ORIGINS
        .iter()
        .flat_map(|origin| {
            let attempts = ATTEMPTS.iter();
            attempts.map(move |(attempt, _)| format!("{origin}-{attempt}"))
        })
        .collect();
    // Service workers exist for origins that browsers trust only.
    names.insert("near-service-worker".to_owned());
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn page_of_a_foreign_origin_reaches_nothing() {
    panics::watch();
    let Some(program) = chromium::find() else {
        tell(
            "skipped: no Chromium is installed (`chromium` in Debian), so nothing was tried with a real browser",
        );
        return;
    };
    let sent = attack(&program, None).await;
    for (attempt, method) in ATTEMPTS {
        for origin in ["evil", "near"] {
            let arrivals = &sent.attempts[&format!("{origin}-{attempt}")];
            assert_eq!(&arrivals[0].method, method, "{origin} {attempt}");
        }
    }
    tell(&table(&sent));
    tell(&format!(
        "{} attempts leave the browser, as {} requests",
        sent.attempts.len(),
        sent.attempts.values().map(Vec::len).sum::<usize>()
    ));

    let world = World::start().await;
    let before = state(&world).await;
    // Reading the state is in the list of calls as well.
    let query = journal::Query {
        after: *world.sandbox.journal.news().borrow(),
        ..journal::Query::default()
    };
    let seen = attack(&program, Some(world.listens_at())).await;
    let mut answered: Vec<String> = flat(&seen)
        .filter(|(_, arrival)| {
            arrival.status != 403 || arrival.answered.contains_key("access-control-allow-origin")
        })
        .map(|(name, arrival)| format!("{name}: {} {}", arrival.method, arrival.status))
        .collect();
    // The same of a browser that says nothing of where a request comes from, as all did before 2023 (Safari 16.4), and as all
    // do where a name instead of 127.0.0.1 leads to the sandbox.
    for (name, arrival) in flat(&sent) {
        let status = arrival.replay(world.listens_at(), |name| !name.starts_with("sec-"));
        let status = status.await;
        if !matches!(status.as_u16(), 401 | 403) {
            answered.push(format!(
                "{name} without Sec-Fetch: {} {status}",
                arrival.method
            ));
        }
    }
    let calls = world.sandbox.journal.list(&query).calls;
    let after = state(&world).await;
    let read: Vec<String> = seen
        .reports
        .iter()
        .filter(|(_, read)| {
            read.starts_with(|c: char| c.is_ascii_digit()) && !read.starts_with("403 ")
        })
        .map(|(name, read)| format!("{name} reads {read}"))
        .collect();
    assert!(
        answered.is_empty() && read.is_empty() && calls.is_empty() && before == after,
        "{} requests are not refused:\n{}\n{} answers are read:\n{}\n{} calls are in the list\nbefore: {before:?}\nafter: {after:?}",
        answered.len(),
        answered.join("\n"),
        read.len(),
        read.join("\n"),
        calls.len(),
    );
    assert!(panics::seen().is_empty(), "{:?}", panics::seen());
}

/// What arrived.
#[derive(Debug, Default)]
struct Seen {
    /// By the attempt, like `evil-img`.
    attempts: BTreeMap<String, Vec<Arrival>>,
    /// What pages could read, by the attempt.
    reports: BTreeMap<String, String>,
}

fn flat(seen: &Seen) -> impl Iterator<Item = (&String, &Arrival)> {
    let attempts = seen.attempts.iter();
    attempts.flat_map(|(name, arrivals)| arrivals.iter().map(move |arrival| (name, arrival)))
}

/// Has the browser open the three pages, and answers with what arrived at the sandbox's address: at the sandbox itself,
/// or at a listener that knows nothing.
async fn attack(program: &str, sandbox: Option<SocketAddr>) -> Seen {
    let tap = Tap::start(sandbox, pages::own).await;
    // The attacker's own server, at another port.
    let own = Tap::start(None, pages::own).await;
    let victim = sandbox.unwrap_or(tap.address).port();
    let page = |host: &str, port: u16, name: &str, target: &str| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("name", name)
            .append_pair("target", &format!("http://{target}:{victim}"))
            .finish();
        format!("http://{host}:{port}/attack/page?{query}")
    };
    let pages = [
        page("evil.example", own.address.port(), "evil", "127.0.0.1"),
        page("127.0.0.1", own.address.port(), "near", "127.0.0.1"),
        page("rebind.example", victim, "rebind", "rebind.example"),
    ];
    let start = form_urlencoded::Serializer::new(String::new())
        .append_pair("pages", &pages.join(" "))
        .finish();
    let start = format!(
        "http://evil.example:{}/attack/start?{start}",
        own.address.port()
    );
    // The browser believes that it talks to the sandbox's very address; the tap stands in between.
    let resolve = format!(
        "MAP 127.0.0.1:{victim} {tap}, MAP rebind.example:{victim} {tap}, MAP evil.example 127.0.0.1",
        tap = tap.address
    );
    let browser = Chromium::open(program, &start, &resolve);
    let expected = expected();
    let all = |arrived: &[Arrival]| {
        let names: BTreeSet<&str> = arrived.iter().filter_map(pages::attempt).collect();
        expected.iter().all(|name| names.contains(name.as_str()))
    };
    let arrived = tap.wait_until(all);
    let arrived = tokio::time::timeout(PATIENCE, arrived).await;
    drop(browser);
    let mut seen = Seen::default();
    for arrival in tap.arrived().into_iter().chain(own.arrived()) {
        if let Some((name, read)) = pages::report(&arrival) {
            seen.reports.insert(name, read);
        }
        if let Some(name) = pages::attempt(&arrival).map(str::to_owned) {
            seen.attempts.entry(name).or_default().push(arrival);
        }
    }
    let missing: Vec<_> = expected
        .iter()
        .filter(|name| !seen.attempts.contains_key(*name))
        .collect();
    assert!(
        arrived.is_ok(),
        "the browser sends nothing of {missing:?} within {PATIENCE:?}; its pages report {:?}",
        seen.reports
    );
    seen
}

/// What the attempts would change: names of groups, stacks, buckets and faults, and whether the clock was moved.
async fn state(world: &World) -> BTreeMap<&'static str, String> {
    let http = Http::new(world);
    let keys = world.operator(ACCOUNT);
    let query = async |service: &str, action: &str| {
        let form = [
            ("Action".to_owned(), action.to_owned()),
            ("Version".to_owned(), "2016-11-15".to_owned()),
        ];
        let (status, body) = http.query(&keys, service, &form).await;
        assert_eq!(status, 200, "{body}");
        body
    };
    let groups = texts(&query("ec2", "DescribeSecurityGroups").await, "groupName");
    let stacks = texts(&query("cloudformation", "ListStacks").await, "StackName");
    let buckets = http.send("GET", "/", &keys, "s3", &[], String::new()).await;
    let (_, faults) = http.admin("GET", "faults", String::new()).await.unwrap();
    let ahead = world.sandbox.clock.now() - time::OffsetDateTime::from(SystemTime::now());
    BTreeMap::from([
        ("groups", groups),
        ("stacks", stacks),
        ("buckets", texts(&buckets.1, "Name")),
        ("faults", faults),
        ("clock", format!("{} days ahead", ahead.whole_days())),
    ])
}

fn texts(xml: &str, tag: &str) -> String {
    let document = roxmltree::Document::parse(xml).unwrap();
    let found = document
        .descendants()
        .filter(|node| node.tag_name().name() == tag);
    let texts: BTreeSet<&str> = found.filter_map(|node| node.text()).collect();
    format!("{} {texts:?}", texts.len())
}

/// What browsers say of themselves when they send each attempt.
fn table(seen: &Seen) -> String {
    let mut lines = vec!["| origin | attempt | method | Sec-Fetch-Site | Sec-Fetch-Mode | Sec-Fetch-Dest | Origin | Referer |".to_owned()];
    lines.push("| --- | --- | --- | --- | --- | --- | --- | --- |".to_owned());
    for (name, arrivals) in &seen.attempts {
        let (origin, attempt) = name.split_once('-').unwrap();
        for arrival in arrivals {
            lines.push(format!(
                "| {origin} | {attempt} | {} | {} | {} | {} | {} | {} |",
                arrival.method,
                arrival.header("sec-fetch-site"),
                arrival.header("sec-fetch-mode"),
                arrival.header("sec-fetch-dest"),
                arrival.header("origin"),
                arrival.header("referer"),
            ));
        }
    }
    lines.join("\n")
}

/// Not through the macros: the test runner keeps their output of a test that passes, and a skipped one would look like
/// a proof.
fn tell(line: &str) {
    use std::io::Write as _;
    // Nobody reads it when that fails.
    let _ = writeln!(std::io::stderr(), "{line}");
}
