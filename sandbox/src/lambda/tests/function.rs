//! The function that the tests run: a Runtime API client that does what the event says.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::caller::Credentials;
use crate::signature::signing::{self, Signer};

/// Not a test of its own: as a function's process it serves events until it is killed. In an
/// ordinary run there is no Runtime API to talk to, and nothing happens.
#[test]
fn runtime_client() {
    let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else {
        return;
    };
    if std::env::var("FAIL_INIT").is_ok() {
        let document = json!({"errorType": "Init", "errorMessage": "no initialisation today"});
        post(&api, "init/error", document.to_string().as_bytes());
        return;
    }
    loop {
        let (id, event) = next(&api);
        serve(&api, &id, &event);
    }
}

fn serve(api: &str, id: &str, event: &Value) {
    let answer = match event["do"].as_str().unwrap_or_default() {
        "print" => {
            let mut out = std::io::stdout();
            for number in 0..event["lines"].as_u64().unwrap_or(1) {
                writeln!(out, "printed {number}").unwrap();
            }
            write!(out, "printed without an end").unwrap();
            out.flush().unwrap();
            json!("done")
        }
        "fail" => {
            let document = json!({"errorType": "Boom", "errorMessage": "on purpose"});
            post(
                api,
                &format!("invocation/{id}/error"),
                document.to_string().as_bytes(),
            );
            return;
        }
        // The test program ends with status 101.
        "crash" => panic!("on purpose"),
        "hang" => loop {
            std::thread::park();
        },
        "connect" => json!(match TcpStream::connect(event["to"].as_str().unwrap()) {
            Ok(_) => "connected".to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        }),
        #[cfg(target_os = "linux")]
        "abstract" => kind(to_abstract(event["name"].as_str().unwrap())),
        #[cfg(target_os = "linux")]
        "capabilities" => json!(capabilities()),
        "datagram" => json!(match UdpSocket::bind("127.0.0.1:0") {
            Ok(_) => "open".to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        }),
        "local" => json!(match UnixDatagram::unbound() {
            Ok(_) => "open".to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        }),
        "read" => kind(std::fs::read(path(event))),
        "list" => kind(std::fs::read_dir(path(event))),
        "write" => kind(std::fs::write(path(event), "written")),
        "chmod" => {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            kind(std::fs::set_permissions(path(event), mode))
        }
        "listen" => kind(TcpListener::bind("127.0.0.1:0")),
        "pair" => kind(UnixDatagram::pair()),
        "stream pair" => kind(UnixStream::pair()),
        "limit" | "signal" => other_process(event),
        "request" => json!(exchange_with(
            api,
            "GET",
            "invocation/next",
            b"",
            event["header"].as_str().unwrap()
        )),
        "shell" => {
            let output = Command::new("/bin/sh")
                .args(["-c", event["script"].as_str().unwrap()])
                .output()
                .unwrap();
            json!({
                "status": output.status.code(),
                "out": String::from_utf8_lossy(&output.stdout),
                "error": String::from_utf8_lossy(&output.stderr),
            })
        }
        "flood" => {
            let piece = vec![b'x'; 1024 * 1024];
            let mut out = std::io::stdout();
            for _ in 0..event["megabytes"].as_u64().unwrap() {
                out.write_all(&piece).unwrap();
            }
            json!("done")
        }
        "store" => {
            let scratch = std::env::var("TMPDIR").unwrap();
            let mut file = File::create(Path::new(&scratch).join("large")).unwrap();
            let piece = vec![1_u8; 1024 * 1024];
            kind((0..event["megabytes"].as_u64().unwrap()).try_for_each(|_| file.write_all(&piece)))
        }
        "fill" => {
            let megabytes = usize::try_from(event["megabytes"].as_u64().unwrap()).unwrap();
            let mut kept = Vec::new();
            for _ in 0..megabytes {
                kept.push(vec![1_u8; 1024 * 1024]);
                // Slow enough for whoever watches.
                std::thread::yield_now();
            }
            json!(kept.iter().map(Vec::len).sum::<usize>())
        }
        "sign" => json!(
            event["keys"]
                .as_array()
                .unwrap()
                .iter()
                .map(sign)
                .collect::<Vec<_>>()
        ),
        "environment" => json!(std::env::vars().collect::<std::collections::BTreeMap<_, _>>()),
        _ => json!({"pid": std::process::id(), "event": event}),
    };
    post(
        api,
        &format!("invocation/{id}/response"),
        answer.to_string().as_bytes(),
    );
}

/// Asks who it is, with these keys; each part that is `own` is the function's. Answers with status and body.
fn sign(keys: &Value) -> String {
    let part = |part: &str, own: &str| match keys[part].as_str() {
        Some("own") => std::env::var(own).unwrap(),
        text => text.unwrap_or_default().to_owned(),
    };
    let credentials = Credentials {
        access_key_id: part("id", "AWS_ACCESS_KEY_ID"),
        secret_access_key: part("secret", "AWS_SECRET_ACCESS_KEY"),
        session_token: part("token", "AWS_SESSION_TOKEN"),
        expires: None,
    };
    let endpoint = std::env::var("AWS_ENDPOINT_URL").unwrap();
    let address = endpoint.strip_prefix("http://").unwrap();
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let mut request = signing::request(http::Method::POST, "/", "", body);
    signing::set(&mut request, "host", address);
    Signer::new(credentials, "sts").sign(&mut request);
    let mut text = "POST / HTTP/1.1\r\nconnection: close\r\n".to_owned();
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    format!("{} {body}", head.split(' ').nth(1).unwrap())
}

fn path(event: &Value) -> PathBuf {
    PathBuf::from(event["path"].as_str().unwrap())
}

/// `done`, or what kind of error it was.
fn kind<T>(result: std::io::Result<T>) -> Value {
    json!(match result {
        Ok(_) => "done".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    })
}

#[cfg(target_os = "linux")]
fn to_abstract(name: &str) -> std::io::Result<UnixStream> {
    use std::os::linux::net::SocketAddrExt as _;
    UnixStream::connect_addr(&std::os::unix::net::SocketAddr::from_abstract_name(name)?)
}

/// How many capabilities this process has or can pass on.
#[cfg(target_os = "linux")]
fn capabilities() -> usize {
    use rustix::thread::{CapabilitySet, capabilities, capability_is_in_ambient_set};
    let held = capabilities(None).unwrap();
    let held = held.effective | held.permitted | held.inheritable;
    let ambient = CapabilitySet::all().iter().filter(|capability| {
        // The kernel may be older than the capability.
        capability_is_in_ambient_set(*capability).unwrap_or_default()
    });
    held.iter().count() + ambient.count()
}

/// Changes nothing where it is let.
fn other_process(event: &Value) -> Value {
    let pid = i32::try_from(event["pid"].as_i64().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    if event["do"] == "signal" {
        return kind(rustix::process::test_kill_process(pid).map_err(Into::into));
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, getrlimit, prlimit};
        let same = getrlimit(Resource::Nofile);
        kind(prlimit(Some(pid), Resource::Nofile, same).map_err(Into::into))
    }
    #[cfg(not(target_os = "linux"))]
    json!("PermissionDenied")
}

fn next(api: &str) -> (String, Value) {
    let answer = exchange(api, "GET", "invocation/next", b"");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let id = head
        .lines()
        .find_map(|line| line.strip_prefix("lambda-runtime-aws-request-id: "))
        .unwrap();
    (id.to_owned(), serde_json::from_str(body).unwrap())
}

fn post(api: &str, path: &str, body: &[u8]) {
    let answer = exchange(api, "POST", path, body);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

fn exchange(api: &str, method: &str, path: &str, body: &[u8]) -> String {
    exchange_with(api, method, path, body, "accept: */*")
}

/// A request with one header more, to a Runtime API that is perhaps somebody else's.
pub(super) fn exchange_with(
    api: &str,
    method: &str,
    path: &str,
    body: &[u8],
    header: &str,
) -> String {
    let mut stream = TcpStream::connect(api).unwrap();
    let length = body.len();
    let head = format!(
        "{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nhost: {api}\r\n{header}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
