//! Requests of every shape, signed by AWS's signer: what it signs is taken, and the same with anything changed is not.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// A text in a path or query, percent-encoded as an SDK does.
fn encoded() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[ -~]{0,12}",
        "[a-zé€😀/+%=&?.~]{0,8}",
        Just("..".to_owned())
    ];
    text.prop_map(|text| {
        let mut encoded = String::new();
        super::super::canonical::encode(&mut encoded, text.as_bytes(), false);
        encoded
    })
}

fn arbitrary() -> impl Strategy<Value = HttpRequest> {
    let method = prop_oneof![Just(Method::GET), Just(Method::PUT), Just(Method::POST)];
    let path = prop::collection::vec(encoded(), 0..4);
    let query = prop::collection::vec((encoded(), prop::option::of(encoded())), 0..5);
    let header = (
        "x-[a-z]{1,4}(-[a-z]{1,4})?",
        "[!-~]{0,6}(  ?[!-~]{1,6}){0,3}",
    );
    let headers = prop::collection::vec(header, 0..5);
    (method, path, query, headers, ".{0,40}").prop_map(|(method, path, query, headers, body)| {
        let path = format!("/{}", path.join("/"));
        let query: Vec<String> = query
            .into_iter()
            .map(|(name, value)| match value {
                // A parameter without a name is none to some, and one to others.
                value if name.is_empty() => format!("p={}", value.unwrap_or_default()),
                Some(value) => format!("{name}={value}"),
                None => name,
            })
            .collect();
        let mut made = request(method, &path, &query.join("&"), &body);
        for (name, value) in headers {
            set(&mut made, &name, &value);
        }
        made
    })
}

/// One change that the signature has to notice.
fn changed(request: &mut HttpRequest, way: u8) {
    match way {
        0 => request.method = Method::DELETE,
        1 => request.path.push('x'),
        2 => {
            let separator = if request.query.is_empty() { "" } else { "&" };
            request.query.push_str(&format!("{separator}zz=1"));
        }
        3 => set(request, "host", "elsewhere"),
        _ => request.body = [&request.body[..], b"x"].concat().into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn request_signed_by_the_sdk_is_taken_and_changed_is_refused(
        made in arbitrary(),
        service in prop::sample::select(vec!["s3", "lambda", "sts"]),
        presigned in any::<bool>(),
        session in any::<bool>(),
        way in 0_u8..5,
    ) {
        let bench = Bench::new();
        let mut client = bench.client(service);
        if session {
            let account = AccountId::parse(ACCOUNT).unwrap();
            let end = bench.now + time::Duration::HOUR;
            client.credentials = bench.keys.issue_session(&account, Caller::Operator, end);
        }
        client.presign = presigned.then_some(Duration::from_secs(60));
        let mut made = made;
        client.sign(&mut made);
        prop_assert_eq!(bench.verify(&made), Ok(Caller::Operator), "{:?}", made);
        // The body of a presigned request of S3 is the one thing that it leaves open.
        prop_assume!(!(way == 4 && presigned && service == "s3"));
        changed(&mut made, way);
        let refusal = bench.verify(&made).unwrap_err();
        let expected = match (way, service) {
            (4, "s3") => Refusal::PayloadMismatch,
            _ => Refusal::Mismatch,
        };
        prop_assert_eq!(refusal, expected, "{:?}", made);
    }
}
