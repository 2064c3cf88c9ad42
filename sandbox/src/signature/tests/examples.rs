//! Examples that AWS has published, and requests that botocore has signed.

use super::super::claim::{Claim, basic};
use super::super::derived::derive;
use super::super::sent::Sent;
use super::super::v4::prove;
use super::*;

/// The secret key of AWS's examples.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Whether a request of S3 is signed with the examples' key.
fn check(request: &HttpRequest) -> Result<(), Refusal> {
    let scope = Scope::of(request)?;
    let sent = Sent::of(request);
    let claim = Claim::read(&scope, request, &sent)?;
    let key = derive(SECRET, &scope);
    prove(&key, Service::S3, &scope, (&claim, &sent), request)
}

fn example(method: Method, path: &str, query: &str, headers: &[(&str, &str)]) -> HttpRequest {
    let mut made = request(method, path, query, "");
    set(&mut made, "host", "examplebucket.s3.amazonaws.com");
    for (name, value) in headers {
        set(&mut made, name, value);
    }
    made
}

fn authorization(signed: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders={signed},Signature={signature}"
    )
}

/// "Signature calculations for the Authorization header: Transferring payload in a single chunk" of the S3
/// documentation (`sig-v4-header-based-auth.html`): get an object, get a bucket's lifecycle, list objects.
#[test]
fn examples_of_the_s3_documentation_in_a_header_are_taken() {
    let common = [
        ("x-amz-content-sha256", EMPTY),
        ("x-amz-date", "20130524T000000Z"),
    ];
    let plain = "host;x-amz-content-sha256;x-amz-date";
    for (path, query, range, signed, signature) in [
        (
            "/test.txt",
            "",
            Some("bytes=0-9"),
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "/",
            "lifecycle",
            None,
            plain,
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "/",
            "max-keys=2&prefix=J",
            None,
            plain,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        let mut made = example(Method::GET, path, query, &common);
        if let Some(range) = range {
            set(&mut made, "range", range);
        }
        set(
            &mut made,
            "authorization",
            &authorization(signed, signature),
        );
        assert_eq!(check(&made), Ok(()), "{path}?{query}");
        made.path.push('x');
        assert_eq!(check(&made), Err(Refusal::Mismatch), "{path}?{query}");
    }
}

/// "Authenticating Requests: Using Query Parameters" (`sigv4-query-string-auth.html`).
#[test]
fn example_of_the_s3_documentation_in_the_query_is_taken() {
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let made = example(Method::GET, "/test.txt", query, &[]);
    assert_eq!(check(&made), Ok(()));
    let longer = query.replace("=86400", "=86401");
    let made = example(Method::GET, "/test.txt", &longer, &[]);
    assert_eq!(check(&made), Err(Refusal::Mismatch));
}

/// "Signature calculations for the Authorization header: Transferring payload in multiple chunks" (`sigv4-streaming.html`):
/// 65 KiB of the letter a in two chunks.
#[test]
fn example_of_the_s3_documentation_in_chunks_is_taken() {
    let signed = "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class";
    let seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    let mut made = example(
        Method::PUT,
        "/examplebucket/chunkObject.txt",
        "",
        &[
            ("host", "s3.amazonaws.com"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("content-length", "66824"),
            ("authorization", &authorization(signed, seed)),
        ],
    );
    let body = |letter: &str| {
        let chunks = [
            (
                65_536,
                "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
            ),
            (
                1_024,
                "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
            ),
            (
                0,
                "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
            ),
        ];
        chunks.map(|(size, signature)| {
            let data = letter.repeat(size);
            format!("{size:x};chunk-signature={signature}\r\n{data}\r\n")
        })
    };
    made.body = body("a").concat().into();
    assert_eq!(made.body.len(), 66_824);
    assert_eq!(check(&made), Ok(()));
    made.body = body("b").concat().into();
    assert_eq!(check(&made), Err(Refusal::Mismatch));
}

/// A bench whose keys follow from 32 bytes of 7, and a request to port 4566 of this machine.
fn of_botocore(
    method: Method,
    path: &str,
    query: &str,
    headers: &[(&str, &str)],
) -> (Bench, HttpRequest) {
    let mut bench = Bench::new();
    bench.keys = KeyRing::new(Secret::from([7; 32]));
    let secret = bench.operator().secret_access_key;
    assert_eq!(secret, "M96foOwK7UpeX0r4SZNoh2HeT7KZyEfCLs-BtxfE");
    let mut made = example(method, path, query, headers);
    set(&mut made, "host", "127.0.0.1:4566");
    (bench, made)
}

/// Signed by botocore 1.43.11 (`SigV4Auth`, `S3SigV4Auth`) at 2026-11-18T08:26:40Z, with the keys of that bench.
#[test]
fn requests_signed_by_botocore_in_a_header_are_taken() {
    let date = ("x-amz-date", "20261118T082640Z");
    let kind = (
        "content-type",
        "application/x-www-form-urlencoded; charset=utf-8",
    );
    let hash = "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5";
    let cases: [(_, _, _, _, &[(&str, &str)], _, _); 3] = [
        (
            "sns",
            Method::POST,
            "/",
            "",
            &[date, kind],
            "Action=ListTopics&Version=2010-03-31",
            "content-type;host;x-amz-date, Signature=707cec3a1f066e0789bb9a577e1c5ad0c78fcbae5002e4487a0ef9f246522097",
        ),
        (
            "lambda",
            Method::GET,
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af",
            "Qualifier=%24LATEST",
            &[date],
            "",
            "host;x-amz-date, Signature=a649f6c12ba8d31b87dcf1705bf8f50d9fad3b4d617a4d4fe641fd4daf95650e",
        ),
        (
            "s3",
            Method::PUT,
            "/bucket/a%20key/%C3%BC%2B~",
            "x-id=PutObject",
            &[
                date,
                ("x-amz-meta-two", "a   b"),
                ("x-amz-content-sha256", hash),
            ],
            "body",
            "host;x-amz-content-sha256;x-amz-date;x-amz-meta-two, Signature=5f5c422e1309da92e18ac44fcf44148ee45d11717dfa2f5c22fde7a1f5dcd2cc",
        ),
    ];
    for (service, method, path, query, headers, body, rest) in cases {
        let (bench, mut made) = of_botocore(method, path, query, headers);
        made.body = body.into();
        let scope = format!("{ACCOUNT}/20261118/us-east-1/{service}/aws4_request");
        let header = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={rest}");
        set(&mut made, "authorization", &header);
        assert_eq!(bench.verify(&made), Ok(Caller::Operator), "{service}");
    }
}

/// Presigned by botocore 1.43.11 (`S3SigV4QueryAuth`, `HmacV1QueryAuth`), for a minute from then.
#[test]
fn requests_presigned_by_botocore_are_taken() {
    let version_4 = "versionId=7&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=123456789012%2F20261118%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261118T082640Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=d3c23eba6f66189bd359e97b69cc93dca3190aae1a0b96e073f8804f24f295b7";
    let version_2 = "tagging&AWSAccessKeyId=123456789012&Signature=vA%2BQ0KqSoAYs45efi3t8keKYywM%3D&x-amz-checksum-mode=ENABLED&content-type=text%2Fplain&Expires=1794990460";
    for (method, query) in [(Method::GET, version_4), (Method::PUT, version_2)] {
        let (mut bench, made) = of_botocore(method, "/bucket/a%20key", query, &[]);
        assert_eq!(bench.verify(&made), Ok(Caller::Operator), "{query}");
        bench.now += time::Duration::seconds(61);
        assert_eq!(bench.verify(&made), Err(Refusal::PresignedLate), "{query}");
    }
}

/// What `date` may be in place of `X-Amz-Date` (RFC 9110, 5.6.7).
#[test]
fn date_header_counts_where_the_other_is_absent() {
    let bench = Bench::new();
    let mut client = bench.client("sts");
    client.at = bench.now.into();
    let mut made = query_call();
    client.sign(&mut made);
    let text = made.header("x-amz-date").unwrap().to_owned();
    assert_eq!(basic(&text), Some(bench.now));
    let scope = Scope::of(&made).unwrap();
    made.headers.remove("x-amz-date");
    let http_date = crate::clock::http_date(bench.now);
    set(&mut made, "date", &http_date);
    let claim = Claim::read(&scope, &made, &Sent::of(&made)).unwrap();
    assert_eq!((claim.moment, claim.moment_text), (bench.now, text));
}
