#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
use super::*;
use crate::authority;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::Read;
use std::path::Path;

fn moments() -> impl Fn(u64) -> Instant {
    let start = Instant::now();
    move |millis| start + Duration::from_millis(millis)
}

#[test]
fn time_counts_as_away_once() {
    let at = moments();
    let check = |calls: &[(u64, u64)], expected: u64, most: usize| {
        let calls: Vec<Call> = calls.iter().map(|&(a, b)| (at(a), at(b))).collect();
        let away = away(&calls, at(0)).as_millis();
        assert_eq!(away, u128::from(expected), "{calls:?}");
        assert_eq!(most_at_once(&calls), most, "{calls:?}");
    };
    check(&[], 0, 0);
    check(&[(1, 3), (5, 6)], 3, 1);
    check(&[(1, 3), (3, 6)], 5, 1);
    check(&[(1, 10), (2, 3), (4, 12)], 11, 2);
    check(&[(1, 10), (2, 9), (3, 8), (9, 11)], 10, 3);
}

/// A message without a body, or one with a length.
fn read(from: &mut impl Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    loop {
        from.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
        if text.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let head = String::from_utf8(text).unwrap();
    let (_, length) = head.split_once("content-length: ").unwrap();
    let mut body = vec![0; length.split_once('\r').unwrap().0.parse().unwrap()];
    from.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

fn post(to: &mut (impl Read + Write), path: &str, body: &str) -> String {
    let length = body.len();
    let text = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}");
    to.write_all(text.as_bytes()).unwrap();
    read(to)
}

fn tls(bundle: &Path, address: SocketAddr) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(bundle).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, TcpStream::connect(address).unwrap())
}

/// A function that makes two calls, one after the other.
#[test]
fn an_invocation_is_told_from_its_calls() {
    let directory = tempfile::tempdir().unwrap();
    let authority = authority::make(directory.path()).unwrap();
    let mut world = World::new(&authority.tls).unwrap();
    let (runtime, aws) = (world.runtime, world.aws);
    let function = thread::spawn(move || {
        let mut aws = tls(&authority.bundle, aws);
        let mut runtime = TcpStream::connect(runtime).unwrap();
        let next = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n";
        runtime.write_all(next).unwrap();
        let event = read(&mut runtime);
        assert!(
            event.contains("request-id: r\r\n") && event.ends_with("the event"),
            "{event}"
        );
        let group = post(
            &mut aws,
            "/",
            "Action=DescribeSecurityGroups&GroupId.1=sg-0a",
        );
        assert!(
            group.contains("<groupId>sg-0a</groupId>") && group.contains("<fromPort>81<"),
            "{group}"
        );
        assert!(post(&mut aws, "/", "{}").ends_with(r#"{"FailedEvaluations":[]}"#));
        post(
            &mut runtime,
            "/2018-06-01/runtime/invocation/r/response",
            "null",
        );
        runtime.write_all(next).unwrap();
        read(&mut runtime);
        post(
            &mut runtime,
            "/2018-06-01/runtime/invocation/r/error",
            "broken",
        );
    });
    let delay = Duration::from_millis(20);
    let invocation = world.invoke(b"the event", &[81], delay).unwrap();
    assert_eq!(invocation.calls.len(), 2);
    for (began, ended) in &invocation.calls {
        assert!(*ended - *began >= delay);
    }
    assert!(
        invocation.own + 2 * delay <= invocation.total,
        "{invocation:?}"
    );
    assert!(!invocation.own.is_zero(), "{invocation:?}");
    let error = world.invoke(b"", &[], Duration::ZERO).unwrap_err();
    assert_eq!(error.to_string(), "the function failed: broken");
    function.join().unwrap();
}
