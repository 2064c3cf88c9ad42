//! Signatures at the gateway: what is refused leaves a line that names nobody, what is proven is carried out.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use serde_json::json;

use super::*;
use crate::journal::{Ended, Entry};
use crate::sandbox::Settings;
use crate::testing::World;

/// Sends a request; answers with status and body.
async fn send(world: &World, request: HttpRequest) -> (u16, String) {
    let answered = crate::gateway::answer(&world.sandbox, request).await;
    let (head, body) = answered.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    (head.status.as_u16(), text)
}

fn client(world: &World, service: &str) -> Signer {
    let credentials = world.sandbox.keys.operator(&world.target.account);
    Signer::new(credentials, service)
}

fn last(world: &World) -> Arc<Entry> {
    let found = world.sandbox.journal.list(&Default::default());
    found.calls.last().unwrap().clone()
}

#[tokio::test]
async fn call_that_is_proven_is_the_callers() {
    let world = World::start(Service::Sts);
    let mut call = query_call();
    client(&world, "sts").sign(&mut call);
    let (status, body) = send(&world, call).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(last(&world).caller, Some(Caller::Operator));
    assert_eq!(world.sandbox.keys.derived.len(), 1);
}

#[tokio::test]
async fn call_that_is_not_proven_leaves_a_line_that_names_nobody() {
    let world = World::start(Service::Sts);
    let mut forger = client(&world, "sts");
    forger.credentials.secret_access_key = "guessed".to_owned();
    let mut call = query_call();
    forger.sign(&mut call);
    let (status, body) = send(&world, call).await;
    assert_eq!(status, 403);
    assert!(
        body.contains("<Code>SignatureDoesNotMatch</Code>"),
        "{body}"
    );
    let entry = last(&world);
    assert_eq!((&entry.account, &entry.caller), (&None, &None));
    assert_eq!((&*entry.service, &*entry.operation), ("sts", ""));
    let Ended::Refused(error) = &entry.ended else {
        panic!("{entry:?}");
    };
    assert_eq!(error.code, "SignatureDoesNotMatch");
    // What others have proven is not driven out by it.
    assert_eq!(world.sandbox.keys.derived.len(), 0);
    let unsigned = query_call();
    let (status, body) = send(&world, unsigned).await;
    assert_eq!(status, 403);
    assert!(
        body.contains("<Code>MissingAuthenticationToken</Code>"),
        "{body}"
    );
    assert_eq!(last(&world).account, None);
}

#[tokio::test]
async fn call_that_is_proven_and_makes_no_sense_is_the_callers() {
    let world = World::start(Service::Sts);
    let mut call = query_call();
    call.body = "Version=2011-06-15".into();
    client(&world, "sts").sign(&mut call);
    let (status, body) = send(&world, call).await;
    assert_eq!(status, 400, "{body}");
    assert_eq!(last(&world).caller, Some(Caller::Operator));
}

#[tokio::test]
async fn sandbox_without_signatures_takes_callers_for_who_they_say_they_are() {
    let settings = Settings {
        ignore_signatures: true,
        ..Settings::default()
    };
    let world: World = World::start_with(Service::Sts, settings);
    for (key, status) in [(ACCOUNT, 200), ("AKIAUNKNOWN", 403)] {
        let mut call = query_call();
        let scope = format!("AWS4-HMAC-SHA256 Credential={key}/x/us-east-1/sts/aws4_request");
        set(&mut call, "authorization", &scope);
        assert_eq!(send(&world, call).await.0, status, "{key}");
    }
}

/// boto3 presigns by version 2, which names no region; the JavaScript SDK puts headers into the query.
#[tokio::test]
async fn presigned_requests_of_objects_reach_them() {
    let world = World::start(Service::S3);
    let mut abroad = world.clone();
    abroad.target.region = crate::ids::Region::parse("eu-west-1").unwrap();
    let bucket = json!({"Bucket": "abroad",
        "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}});
    let create = crate::protocol::Operation::new("CreateBucket", bucket);
    abroad.perform(&create).await.unwrap();
    let mut presigner = client(&world, "s3");
    presigner.region = "eu-west-1".to_owned();
    presigner.presign = Some(std::time::Duration::from_secs(60));
    let query =
        "x-amz-checksum-crc32=DUoRhQ%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&x-id=PutObject";
    let mut put = request(Method::PUT, "/abroad/key", query, "hello world");
    presigner.sign(&mut put);
    let (status, body) = send(&world, put).await;
    assert_eq!(status, 200, "{body}");
    let get = legacy::presigned_at(
        &world.sandbox.keys.operator(&world.target.account),
        time::OffsetDateTime::now_utc(),
        "/abroad/key",
    );
    assert_eq!(send(&world, get).await, (200, "hello world".to_owned()));
    let mut put = request(Method::PUT, "/abroad/key", query, "hello, world");
    presigner.sign(&mut put);
    let (status, body) = send(&world, put).await;
    assert_eq!(status, 400);
    assert!(body.contains("<Code>BadDigest</Code>"), "{body}");
}

/// What comes in chunks is stored without them, if the checksum in the trailer is right.
#[tokio::test]
async fn chunks_are_stored_if_their_checksum_is_right() {
    let world = World::start(Service::S3);
    let bucket = crate::protocol::Operation::new("CreateBucket", json!({"Bucket": "bucket"}));
    world.perform(&bucket).await.unwrap();
    for (checksum, status) in [("DUoRhQ==", 200), ("DUoRhA==", 400)] {
        let mut uploader = client(&world, "s3");
        uploader.payload = Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER");
        let body = format!("b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:{checksum}\r\n\r\n");
        let mut put = request(Method::PUT, "/bucket/key", "", &body);
        set(&mut put, "content-encoding", "aws-chunked");
        set(&mut put, "x-amz-trailer", "x-amz-checksum-crc32");
        set(&mut put, "x-amz-decoded-content-length", "11");
        uploader.sign(&mut put);
        let (answered, body) = send(&world, put).await;
        assert_eq!(answered, status, "{body}");
    }
    let mut get = request(Method::GET, "/bucket/key", "", "");
    client(&world, "s3").sign(&mut get);
    assert_eq!(send(&world, get).await, (200, "hello world".to_owned()));
}
