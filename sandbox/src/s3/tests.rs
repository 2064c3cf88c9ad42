//! S3 through the gateway, as clients reach it.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use http::{HeaderMap, Method};
use http_body_util::BodyExt;
use serde_json::json;

use super::*;
use crate::gateway;
use crate::ids::Region;
use crate::protocol::HttpResponse;
use crate::sandbox::Target;
use crate::service::Service;
use crate::signature::signing::{self, Signer};
use crate::testing;
use crate::testing::session_of;

const ONE: &str = testing::ACCOUNT;
const OTHER: &str = "210987654321";

#[derive(Clone, Default)]
struct Http;

type World = testing::World<Http>;

struct Reply {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Reply {
    fn code(&self) -> (u16, &str) {
        let code = self
            .body
            .split_once("<Code>")
            .and_then(|(_, rest)| rest.split_once("</Code>"))
            .map_or("", |(code, _)| code);
        (self.status, code)
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn count(&self, tag: &str) -> usize {
        self.body.matches(&format!("<{tag}>")).count()
    }
}

impl World {
    fn new() -> Self {
        Self::start(Service::S3)
    }

    fn at(&self, account: &str, region: &str) -> Self {
        let mut world = self.in_account(account);
        world.target.region = Region::parse(region).unwrap();
        world
    }

    async fn send(&self, method: Method, uri: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let Target {
            account, region, ..
        } = &self.target;
        let mut request = signing::request(method, path, query, body);
        for (name, value) in headers {
            signing::set(&mut request, name, value);
        }
        let mut client = Signer::new(self.sandbox.keys.operator(account), "s3");
        client.region = region.as_str().to_owned();
        client.sign(&mut request);
        let response: HttpResponse = gateway::answer(&self.sandbox, request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn get(&self, uri: &str) -> Reply {
        self.send(Method::GET, uri, &[], "").await
    }

    async fn put(&self, uri: &str, body: &str) -> Reply {
        self.send(Method::PUT, uri, &[], body).await
    }

    async fn delete(&self, uri: &str) -> Reply {
        self.send(Method::DELETE, uri, &[], "").await
    }
}

fn constraint(region: &str) -> String {
    format!(
        "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
    )
}

#[tokio::test]
async fn names_are_global_and_regions_matter() {
    let world = World::new();
    let ireland = world.at(ONE, "eu-west-1");
    let other = world.at(OTHER, "us-east-1");
    assert_eq!(world.put("/first", "").await.status, 200);
    // The oldest region forgives; all others do not.
    assert_eq!(world.put("/first", "").await.status, 200);
    assert_eq!(
        other.put("/first", "").await.code(),
        (409, "BucketAlreadyExists")
    );
    assert_eq!(
        ireland.put("/second", "").await.code(),
        (400, "IllegalLocationConstraintException")
    );
    assert_eq!(
        ireland
            .put("/second", &constraint("eu-west-2"))
            .await
            .code(),
        (400, "IllegalLocationConstraintException")
    );
    assert_eq!(
        world.put("/second", &constraint("us-east-1")).await.code(),
        (400, "InvalidLocationConstraint")
    );
    assert_eq!(
        ireland
            .put("/second", &constraint("eu-west-1"))
            .await
            .status,
        200
    );
    assert_eq!(
        ireland
            .put("/second", &constraint("eu-west-1"))
            .await
            .code(),
        (409, "BucketAlreadyOwnedByYou")
    );
    assert_eq!(
        world.put("/Bad_Name", "").await.code(),
        (400, "InvalidBucketName")
    );
    // Found from everywhere, served from one place.
    assert_eq!(world.get("/").await.count("Name"), 2);
    let redirected = world.put("/second/k", "x").await;
    assert_eq!(redirected.code(), (301, "PermanentRedirect"));
    assert_eq!(redirected.header("x-amz-bucket-region"), "eu-west-1");
    // Another account's bucket exists, but not for you.
    assert_eq!(other.delete("/first").await.code(), (403, "AccessDenied"));
    assert_eq!(
        other.get("/first?list-type=2").await.code(),
        (403, "AccessDenied")
    );
    assert_eq!(other.get("/").await.count("Name"), 0);
    assert_eq!(world.delete("/first").await.status, 204);
    assert_eq!(
        world.get("/first?list-type=2").await.code(),
        (404, "NoSuchBucket")
    );
    assert_eq!(other.put("/first", "").await.status, 200);
}

#[tokio::test]
async fn keys_hold_anything() {
    let world = World::new();
    world.put("/box", "").await;
    for key in [
        "a%20b/%2B%C3%BC%25.txt",
        "/leading",
        "trailing/",
        "..",
        "a//b",
        "x%3Fy%23z",
        "a+b",
        "%26%3C%0A",
    ] {
        let uri = format!("/box/{key}");
        let stored = world.put(&uri, key).await;
        assert_eq!(stored.status, 200, "{key}");
        let read = world.get(&uri).await;
        assert_eq!((read.status, read.body.as_str()), (200, key));
        assert_eq!(read.header("etag"), stored.header("etag"));
    }
    let listed = world
        .get("/box?list-type=2&encoding-type=url&prefix=a")
        .await;
    assert_eq!(listed.count("Contents"), 3);
    assert!(listed.body.contains("<Key>a%20b/%2B%C3%BC%25.txt</Key>"));
    assert_eq!(world.put("/box/%FF", "").await.code(), (400, "InvalidURI"));
    assert_eq!(
        world
            .put(&format!("/box/{}", "k".repeat(1025)), "")
            .await
            .code(),
        (400, "KeyTooLongError")
    );
    assert_eq!(world.get("/box/none").await.code(), (404, "NoSuchKey"));
    assert_eq!(world.delete("/box/none").await.status, 204);
    assert_eq!(world.delete("/box").await.code(), (409, "BucketNotEmpty"));
}

#[tokio::test]
async fn bodies_come_in_chunks() {
    let world = World::new();
    world.put("/box", "").await;
    let headers = [
        ("content-encoding", "aws-chunked"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", "6"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
        ("content-type", "text/plain"),
        ("x-amz-meta-origin", "test"),
    ];
    let body = "6\r\nhello\n\r\n0\r\nx-amz-checksum-crc32:NjowIA==\r\n\r\n";
    assert_eq!(
        world
            .send(Method::PUT, "/box/k", &headers, body)
            .await
            .status,
        200
    );
    let read = world
        .send(
            Method::GET,
            "/box/k",
            &[("x-amz-checksum-mode", "ENABLED")],
            "",
        )
        .await;
    assert_eq!(read.body, "hello\n");
    // The MD5 of "hello\n", as md5sum prints it.
    assert_eq!(read.header("etag"), "\"b1946ac92492d2347c6235b4d2611184\"");
    assert_eq!(read.header("content-encoding"), "");
    assert_eq!(read.header("content-type"), "text/plain");
    assert_eq!(read.header("x-amz-meta-origin"), "test");
    assert_eq!(read.header("x-amz-checksum-crc32"), "NjowIA==");
    let short = world
        .send(Method::PUT, "/box/k", &headers, "3\r\nhel\r\n0\r\n\r\n")
        .await;
    assert_eq!(short.code(), (400, "IncompleteBody"));
    let part = world
        .send(Method::GET, "/box/k", &[("range", "bytes=1-2")], "")
        .await;
    assert_eq!(
        (
            part.status,
            part.body.as_str(),
            part.header("content-range")
        ),
        (206, "el", "bytes 1-2/6")
    );
    let beyond = world
        .send(Method::GET, "/box/k", &[("range", "bytes=9-")], "")
        .await;
    assert_eq!(beyond.code(), (416, "InvalidRange"));
    let wrong = [("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")];
    assert_eq!(
        world.send(Method::PUT, "/box/k", &wrong, "x").await.code(),
        (400, "BadDigest")
    );
}

#[tokio::test]
async fn versions_and_delete_markers_keep_a_bucket_alive() {
    let world = World::new();
    world.put("/box", "").await;
    world.put("/box/k", "zero").await;
    let on = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    assert_eq!(world.put("/box?versioning", on).await.status, 200);
    let first = world.put("/box/k", "one").await;
    let first = first.header("x-amz-version-id");
    let gone = world.delete("/box/k").await;
    assert_eq!(gone.header("x-amz-delete-marker"), "true");
    let marker = gone.header("x-amz-version-id");
    assert_eq!(world.get("/box/k").await.code(), (404, "NoSuchKey"));
    assert_eq!(world.get("/box?list-type=2").await.count("Contents"), 0);
    assert_eq!(
        world.get(&format!("/box/k?versionId={first}")).await.body,
        "one"
    );
    assert_eq!(world.get("/box/k?versionId=null").await.body, "zero");
    assert_eq!(
        world
            .get(&format!("/box/k?versionId={marker}"))
            .await
            .code(),
        (405, "MethodNotAllowed")
    );
    let all = world.get("/box?versions").await;
    assert_eq!((all.count("Version"), all.count("DeleteMarker")), (2, 1));
    assert_eq!(world.delete("/box").await.code(), (409, "BucketNotEmpty"));
    let objects: String = [first, marker, "null"]
        .iter()
        .map(|id| format!("<Object><Key>k</Key><VersionId>{id}</VersionId></Object>"))
        .collect();
    let deleted = world
        .send(
            Method::POST,
            "/box?delete",
            &[],
            &format!("<Delete>{objects}</Delete>"),
        )
        .await;
    assert_eq!(deleted.count("Deleted"), 3);
    assert_eq!(world.delete("/box").await.status, 204);
}

#[tokio::test]
async fn pages_cover_everything_once() {
    let world = World::new();
    world.put("/box", "").await;
    for i in 0..7 {
        world.put(&format!("/box/d{}/k{i}", i % 3), "").await;
    }
    let mut seen = Vec::new();
    let mut uri = "/box?list-type=2&max-keys=2".to_owned();
    loop {
        let page = world.get(&uri).await;
        seen.extend(
            page.body
                .split("<Key>")
                .skip(1)
                .map(|rest| rest.split('<').next().unwrap().to_owned()),
        );
        let Some((_, token)) = page.body.split_once("<NextContinuationToken>") else {
            break;
        };
        let token = token.split('<').next().unwrap();
        uri = format!("/box?list-type=2&max-keys=2&continuation-token={token}");
    }
    assert_eq!(
        seen,
        [
            "d0/k0", "d0/k3", "d0/k6", "d1/k1", "d1/k4", "d2/k2", "d2/k5"
        ]
    );
    let folders = world.get("/box?list-type=2&delimiter=/").await;
    assert_eq!(
        (folders.count("CommonPrefixes"), folders.count("Contents")),
        (3, 0)
    );
    assert_eq!(
        world.get("/box?list-type=2&max-keys=x").await.code(),
        (400, "InvalidArgument")
    );
}

#[tokio::test]
async fn what_the_template_configures() {
    let world = World::new();
    let perform = |name: &'static str, input: Value| world.call(name, input);
    perform(
        "CreateBucket",
        json!({"Bucket": "box", "CreateBucketConfiguration": null}),
    )
    .await
    .unwrap();
    perform("PutBucketLifecycleConfiguration", json!({"Bucket": "box", "LifecycleConfiguration": {"Rules": [
        {"ID": "seven-years", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 2557},
         "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}]}}))
    .await
    .unwrap();
    assert!(world.get("/box?lifecycle").await.body.contains("<Rule><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload><Expiration><Days>2557</Days></Expiration>"));
    let nothing = json!({"Bucket": "box", "LifecycleConfiguration": {"Rules": [{"ID": "x", "Status": "Enabled", "Filter": {}}]}});
    assert_eq!(
        perform("PutBucketLifecycleConfiguration", nothing)
            .await
            .unwrap_err()
            .code,
        "InvalidRequest"
    );
    perform(
        "PutBucketTagging",
        json!({"Bucket": "box", "Tagging": {"TagSet": [{"Key": "driftlab:lab", "Value": "l"}]}}),
    )
    .await
    .unwrap();
    assert!(
        world
            .get("/box?tagging")
            .await
            .body
            .contains("<TagSet><Tag><Key>driftlab:lab</Key><Value>l</Value></Tag></TagSet>")
    );
    let policy = |principal: Value, resource: &str| {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": principal, "Action": "s3:PutObject", "Resource": resource}]});
        json!({"Bucket": "box", "Policy": policy.to_string()})
    };
    let service = json!({"Service": "config.amazonaws.com"});
    assert_eq!(
        perform("PutBucketPolicy", policy(json!("*"), "arn:aws:s3:::box/*"))
            .await
            .unwrap_err()
            .code,
        "AccessDenied"
    );
    assert_eq!(
        perform(
            "PutBucketPolicy",
            policy(service.clone(), "arn:aws:s3:::bag/*")
        )
        .await
        .unwrap_err()
        .code,
        "MalformedPolicy"
    );
    let nobody = json!({"AWS": format!("arn:aws:iam::{ONE}:role/none")});
    assert_eq!(
        perform("PutBucketPolicy", policy(nobody, "arn:aws:s3:::box/*"))
            .await
            .unwrap_err()
            .code,
        "MalformedPolicy"
    );
    assert_eq!(
        world.get("/box?policy").await.code(),
        (404, "NoSuchBucketPolicy")
    );
    perform("PutBucketPolicy", policy(service, "arn:aws:s3:::box/*"))
        .await
        .unwrap();
    let stored = world
        .enter(|call| super::policy(call, "box"))
        .unwrap()
        .unwrap();
    assert_eq!(
        stored["Statement"][0]["Principal"]["Service"],
        "config.amazonaws.com"
    );
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let world = World::new();
    world.put("/box", "").await;
    for (method, uri) in [
        (Method::GET, "/box?cors"),
        (Method::PUT, "/box?website"),
        (Method::POST, "/box/k?uploads"),
        (Method::PUT, "/box/k?partNumber=1&uploadId=x"),
        (Method::GET, "/box/k?acl"),
    ] {
        let reply = world.send(method, uri, &[], "").await;
        assert_eq!(reply.code(), (501, "NotImplemented"), "{uri}");
    }
    let copy = world
        .send(
            Method::PUT,
            "/box/k",
            &[("x-amz-copy-source", "/box/j")],
            "",
        )
        .await;
    assert_eq!(copy.code(), (501, "NotImplemented"));
    let lock = world
        .send(
            Method::PUT,
            "/box/k",
            &[("x-amz-object-lock-mode", "GOVERNANCE")],
            "",
        )
        .await;
    assert_eq!(lock.code(), (501, "NotImplemented"));
    assert_eq!(world.get("/box/k").await.code(), (404, "NoSuchKey"));
}

#[tokio::test]
async fn a_role_needs_its_policies_and_the_buckets() {
    let world = World::new();
    world.put("/box", "").await;
    world.put("/box/k", "x").await;
    let trusted = json!({"Service": "lambda.amazonaws.com"});
    world.role("R", trusted).await;
    let session = world.by(session_of("R"));
    let read = || session.call("GetObject", json!({"Bucket": "box", "Key": "k"}));
    assert_eq!(read().await.unwrap_err().code, "AccessDenied");
    let statement = |effect: &str| {
        json!({"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*",
            "Principal": {"AWS": format!("arn:aws:iam::{ONE}:role/R")}}}).to_string()
    };
    // In one account either side may allow …
    let policy = json!({"Bucket": "box", "Policy": statement("Allow")});
    world.ok("PutBucketPolicy", policy).await;
    read().await.unwrap();
    // … and either side may deny.
    world.allow("R", json!("*"), json!("*")).await;
    let policy = json!({"Bucket": "box", "Policy": statement("Deny")});
    world.ok("PutBucketPolicy", policy).await;
    assert!(
        read()
            .await
            .unwrap_err()
            .message
            .ends_with("explicit deny in a resource-based policy")
    );
}
