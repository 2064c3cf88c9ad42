//! The SDK for Rust.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::Builder as HttpClient;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use conformance::world::World;
use conformance::{ACCOUNT, REGION};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::{BUCKET, content};

/// Puts, streams and presigns. A test must not change its own environment, so what that would say is said here.
pub(crate) async fn exercise(world: &World) {
    let keys = world.operator(ACCOUNT);
    let config = aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(HttpClient::new().build_http())
        .region(aws_config::Region::new(REGION))
        .endpoint_url(world.endpoint())
        .credentials_provider(SharedCredentialsProvider::new(keys.for_sdk()))
        .build();
    let s3 = aws_sdk_s3::Client::new(&config);
    let put = s3.put_object().bucket(BUCKET).key("rust/put");
    put.body(content().into_bytes().into())
        .send()
        .await
        .unwrap();
    let stream = s3.put_object().bucket(BUCKET).key("rust/stream");
    let length = i64::try_from(content().len()).unwrap();
    let stream = stream.body(in_pieces()).content_length(length);
    stream.send().await.unwrap();
    let minute = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let put = s3.put_object().bucket(BUCKET).key("rust/presigned+é");
    let put = put.presigned(minute.clone()).await.unwrap();
    send(put.method(), put.uri(), Some(content())).await;
    let get = s3.get_object().bucket(BUCKET).key("rust/presigned+é");
    let get = get.presigned(minute).await.unwrap();
    assert_eq!(send(get.method(), get.uri(), None).await, content());
    let stacks = aws_sdk_cloudformation::Client::new(&config);
    let template = "Resources: {A: {Type: 'AWS::Logs::LogGroup'}}";
    let stack = stacks.create_stack().stack_name("rust");
    stack.template_body(template).send().await.unwrap();
}

/// A body that comes in pieces and cannot be read twice.
struct Pieces(VecDeque<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

fn in_pieces() -> ByteStream {
    let content = content().into_bytes();
    let pieces = content.chunks(10_000).map(Bytes::copy_from_slice);
    ByteStream::new(SdkBody::from_body_1_x(Pieces(pieces.collect())))
}

/// What whoever holds a URL sends.
pub(crate) async fn send(method: &str, url: &str, body: Option<String>) -> String {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let body = Full::new(Bytes::from(body.unwrap_or_default()));
    let request = http::Request::builder().method(method).uri(url).body(body);
    let response = client.request(request.unwrap()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    assert!(status.is_success(), "{method} {url}: {status} {body}");
    body
}
