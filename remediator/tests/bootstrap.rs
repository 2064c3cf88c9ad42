//! The built function as Lambda runs it: a process, the Runtime API, its standard output.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const GROUP: &str = "sg-0123456789abcdef0";

/// Serves the Runtime API and the two AWS services from one port, one thread per connection.
struct Host {
    address: String,
    /// What the function posted to the Runtime API: path and body.
    results: Receiver<(String, String)>,
    world: Arc<Mutex<World>>,
}

/// How EC2 behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ec2 {
    DoesAsItIsTold,
    RefusesToRevoke,
    HasNoSuchGroup,
    /// It takes requests and says nothing. The function has little time, and Config loses a request.
    NeverAnswers,
}

/// What the function is given where EC2 never answers.
const LITTLE_TIME: Duration = Duration::from_secs(4);

struct World {
    events: Vec<Value>,
    /// The header with the client's context, where there is one.
    client_context: Option<&'static str>,
    /// Open TCP ports of the group.
    ports: Vec<u16>,
    ec2: Ec2,
    results: Sender<(String, String)>,
    /// Whether Config has lost a request.
    lost: bool,
    verdicts: Vec<String>,
}

fn host(events: Vec<Value>, ec2: Ec2) -> Host {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, results) = channel();
    let world = World {
        events,
        client_context: None,
        ports: vec![80, 465, 993],
        ec2,
        results: sender,
        lost: false,
        verdicts: vec![],
    };
    let world = Arc::new(Mutex::new(world));
    let shared = Arc::clone(&world);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let world = Arc::clone(&shared);
            std::thread::spawn(move || serve(stream, &world));
        }
    });
    Host {
        address,
        results,
        world,
    }
}

fn serve(stream: TcpStream, world: &Mutex<World>) {
    stream.set_nodelay(true).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some((path, body)) = read(&mut reader) {
        let answer = answer(&path, &body, &mut world.lock().unwrap());
        // No more events, or an EC2 that says nothing: keep the function waiting until it is ended.
        let Some((status, headers, body)) = answer else {
            continue;
        };
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n{headers}\r\n",
            body.len()
        );
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<(String, String)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, String::from_utf8(body).unwrap()))
}

type Answer = Option<(u16, String, String)>;

fn answer(path: &str, body: &str, world: &mut World) -> Answer {
    let ok = |body: String| Some((200, String::new(), body));
    if path.ends_with("/invocation/next") {
        let event = world.events.pop()?;
        let deadline = deadline(world.ec2);
        let mut headers = format!(
            "lambda-runtime-aws-request-id: r\r\nlambda-runtime-deadline-ms: {deadline}\r\nlambda-runtime-invoked-function-arn: arn\r\n"
        );
        if let Some(context) = world.client_context {
            headers.push_str(&format!("lambda-runtime-client-context: {context}\r\n"));
        }
        return Some((200, headers, event.to_string()));
    }
    if path.contains("/runtime/") {
        world
            .results
            .send((path.to_owned(), body.to_owned()))
            .unwrap();
        return Some((202, String::new(), "{}".to_owned()));
    }
    if body.starts_with('{') {
        if world.ec2 == Ec2::NeverAnswers && !world.lost {
            world.lost = true;
            return None;
        }
        let report: Value = serde_json::from_str(body).unwrap();
        world.verdicts.push(
            report["Evaluations"][0]["ComplianceType"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
        return ok("{\"FailedEvaluations\":[]}".to_owned());
    }
    let done = || ok("<Response><return>true</return></Response>".to_owned());
    if body.starts_with("Action=DescribeSecurityGroups") {
        return match world.ec2 {
            Ec2::DoesAsItIsTold | Ec2::RefusesToRevoke => ok(definition(&world.ports)),
            Ec2::HasNoSuchGroup => refusal(400, "InvalidGroup.NotFound"),
            Ec2::NeverAnswers => None,
        };
    }
    if body.starts_with("Action=RevokeSecurityGroupIngress") {
        if world.ec2 == Ec2::RefusesToRevoke {
            return refusal(403, "UnauthorizedOperation");
        }
        world
            .ports
            .retain(|port| !body.contains(&format!("FromPort={port}&")));
        return done();
    }
    if body.starts_with("Action=AuthorizeSecurityGroupIngress") {
        world.ports.push(443);
        return done();
    }
    // Nothing else is asked.
    Some((404, String::new(), String::new()))
}

/// The moment at which Lambda ends the function, in milliseconds.
fn deadline(ec2: Ec2) -> u128 {
    if ec2 != Ec2::NeverAnswers {
        return 99_999_999_999_999;
    }
    let end = SystemTime::now() + LITTLE_TIME;
    end.duration_since(UNIX_EPOCH).unwrap().as_millis()
}

fn refusal(status: u16, code: &str) -> Answer {
    let error = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors><RequestID>req-1</RequestID></Response>"
    );
    Some((status, String::new(), error))
}

fn definition(ports: &[u16]) -> String {
    let rules: String = ports
        .iter()
        .map(|port| format!("<item><ipProtocol>tcp</ipProtocol><fromPort>{port}</fromPort><toPort>{port}</toPort><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item>"))
        .collect();
    format!(
        "<DescribeSecurityGroupsResponse><securityGroupInfo><item><ownerId>123456789012</ownerId><groupId>{GROUP}</groupId><ipPermissions>{rules}</ipPermissions></item></securityGroupInfo></DescribeSecurityGroupsResponse>"
    )
}

fn event(parameters: &str) -> Value {
    let invoking = json!({
        "configurationItem": {
            "configurationItemCaptureTime": "2026-11-22T08:00:05.000Z",
            "configurationItemStatus": "OK",
            "resourceType": "AWS::EC2::SecurityGroup",
            "resourceId": GROUP
        },
        "messageType": "ConfigurationItemChangeNotification"
    });
    json!({
        "invokingEvent": invoking.to_string(),
        "ruleParameters": parameters,
        "resultToken": "token",
        "eventLeftScope": false,
        "accountId": "123456789012"
    })
}

fn function(address: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    command
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", address),
            (
                "AWS_LAMBDA_FUNCTION_NAME",
                "evaluate_remediate_security_group",
            ),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "123456789012"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ]);
    command.env("AWS_ENDPOINT_URL", format!("http://{address}"));
    command
}

/// Runs one event; returns what the function posted to the Runtime API, and its log.
fn invoke(parameters: &str, ec2: Ec2) -> (String, String, Vec<String>, Host) {
    let host = host(vec![event(parameters)], ec2);
    let mut child = function(&host.address).spawn().unwrap();
    let result = host.results.recv_timeout(Duration::from_secs(20));
    child.kill().unwrap();
    let Output {
        stdout,
        stderr,
        status: _,
    } = child.wait_with_output().unwrap();
    let (path, body) =
        result.unwrap_or_else(|_| unreachable!("{}", String::from_utf8_lossy(&stderr)));
    let lines = String::from_utf8(stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    (path, body, lines, host)
}

/// R1, L1: the story of the lab, through the real process.
#[test]
fn the_incident_is_healed() {
    let (path, _body, lines, host) = invoke("{}", Ec2::DoesAsItIsTold);
    assert!(path.ends_with("/r/response"), "{path}");
    let world = host.world.lock().unwrap();
    assert_eq!(world.ports, [80, 443]);
    assert_eq!(world.verdicts, ["NON_COMPLIANT", "COMPLIANT"]);
    let sentence = "Permissions were modified. 2 new revocation(s). 1 new authorization(s). Revoked: tcp 465, tcp 993. Authorized: tcp 443.";
    let (machines, people): (Vec<String>, Vec<String>) =
        lines.into_iter().partition(|line| line.starts_with('{'));
    assert_eq!(
        people,
        [
            format!("revoking for {GROUP} port 465"),
            format!("revoking for {GROUP} port 993"),
            format!("authorizing for {GROUP} port 443"),
            format!("reported {GROUP} NON_COMPLIANT: {sentence}"),
            format!("reported {GROUP} COMPLIANT: {sentence}"),
        ]
    );
    // G1, G3: beside them one JSON object a line, all of one run.
    let machines: Vec<Value> = machines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let events: Vec<&str> = machines
        .iter()
        .filter_map(|line| line["event"].as_str())
        .collect();
    let wanted = ["written", "written", "evaluated", "evaluated"];
    assert_eq!(events.len(), wanted.len(), "{events:?}");
    assert!(
        wanted.iter().all(|event| events.contains(event)),
        "{events:?}"
    );
    assert!(machines.iter().all(|line| line["request_id"] == "r"));
    let metrics = machines.last().unwrap();
    assert_eq!(
        (&metrics["Healed"], &metrics["Region"]),
        (&json!(1), &json!("us-east-1"))
    );
}

/// R6: what fails is a function error, in the log with AWS's code and request id.
#[test]
fn a_role_that_may_not_revoke_is_a_function_error() {
    let (path, body, lines, host) = invoke("{}", Ec2::RefusesToRevoke);
    assert!(path.ends_with("/r/error"), "{path}");
    let error: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(error["errorType"], "AwsCallFailed");
    let message = error["errorMessage"].as_str().unwrap();
    assert!(
        message.contains("UnauthorizedOperation") && message.contains("req-1"),
        "{message}"
    );
    assert!(lines.contains(&format!("error: {message}")), "{lines:?}");
    let last = format!(
        "reported {GROUP} NON_COMPLIANT: revoke_security_group_ingress failure on group {GROUP}"
    );
    assert!(lines.contains(&last), "{lines:?}");
    assert_eq!(
        host.world.lock().unwrap().verdicts,
        ["NON_COMPLIANT", "NON_COMPLIANT"]
    );
}

/// E4: EC2's word for a group that is gone is no failure.
#[test]
fn a_group_that_ec2_does_not_know_is_not_applicable() {
    let (path, _body, lines, host) = invoke("{}", Ec2::HasNoSuchGroup);
    assert!(path.ends_with("/r/response"), "{path}");
    assert_eq!(host.world.lock().unwrap().verdicts, ["NOT_APPLICABLE"]);
    assert!(!lines.iter().any(|line| line.starts_with("error:")));
}

/// R11: where EC2 never answers, the verdict and the error are there before Lambda ends the function. There
/// is time to report once more, too.
#[test]
fn an_ec2_that_never_answers_is_told_of_in_time() {
    // Before the function is given its time, which therefore ends later.
    let began = Instant::now();
    let (path, body, lines, host) = invoke("{}", Ec2::NeverAnswers);
    assert!(began.elapsed() < LITTLE_TIME, "{:?}", began.elapsed());
    assert!(path.ends_with("/r/error"), "{path}");
    assert!(body.contains("AwsCallFailed"), "{body}");
    assert_eq!(host.world.lock().unwrap().verdicts, ["NON_COMPLIANT"]);
    let last = format!(
        "reported {GROUP} NON_COMPLIANT: describe_security_groups failure on group {GROUP}"
    );
    assert!(lines.contains(&last), "{lines:?}");
}

/// P2: a rule that cannot be followed is a function error that names the parameter.
#[test]
fn a_parameter_nobody_knows_is_a_function_error() {
    let (path, body, _lines, host) = invoke("{\"colour\":\"red\"}", Ec2::DoesAsItIsTold);
    assert!(path.ends_with("/r/error"), "{path}");
    assert!(
        body.contains("InvalidEvent") && body.contains("`colour`"),
        "{body}"
    );
    assert_eq!(host.world.lock().unwrap().ports, [80, 465, 993]);
}

/// An invocation whose client context the runtime crate cannot read ends the process (`lambda_runtime` 1.5.0). It says so,
/// and not that the function could not start.
#[test]
fn client_context_that_cannot_be_read_ends_the_process_in_words() {
    let host = host(vec![event("{}")], Ec2::DoesAsItIsTold);
    host.world.lock().unwrap().client_context = Some("[1]");
    let output = function(&host.address).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let last = stdout.lines().last().unwrap();
    let expected =
        "error: the function ends, and with it what it remembers: an invocation cannot be";
    assert!(last.starts_with(expected), "{stdout}");
    assert_eq!(host.world.lock().unwrap().ports, [80, 465, 993]);
}

/// A function that cannot start says why, on one line.
#[test]
fn an_environment_without_a_region() {
    let output = function("127.0.0.1:9")
        .env_remove("AWS_REGION")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        stdout,
        "error: the function cannot start: environment variable `AWS_REGION` is not set\n"
    );
}
