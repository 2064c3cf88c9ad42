//! Small objects that are read and replaced whole, each write only if nobody else wrote meanwhile.

use aws_sdk_s3::primitives::ByteStream;

use super::{CallError, CallResult, MISSING, Reader, Writer};
use crate::aws::absent;

/// An object's content, and the tag of exactly this content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The content.
    pub body: Vec<u8>,
    /// S3's tag of it, quotes included.
    pub etag: String,
}

/// What a conditional write came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It took place; the content has this tag now.
    Yes(String),
    /// Somebody else wrote meanwhile, so it did not.
    Overtaken,
}

impl Reader {
    /// An object; `None` when it or its bucket does not exist.
    ///
    /// # Errors
    /// The failed call.
    pub async fn document(
        &self,
        bucket: &str,
        account: &str,
        key: &str,
    ) -> CallResult<Option<Document>> {
        const OPERATION: &str = "s3:GetObject";
        let answer = self
            .s3
            .get_object()
            .bucket(bucket)
            .expected_bucket_owner(account)
            .key(key)
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(e) => {
                let error = CallError::from_sdk(OPERATION, &e);
                return if error.is(&MISSING) || error.status() == Some(404) {
                    Ok(None)
                } else {
                    Err(error)
                };
            }
        };
        let etag = answer.e_tag.ok_or_else(|| absent(OPERATION, "ETag"))?;
        let body = answer
            .body
            .collect()
            .await
            .map_err(|e| CallError::cut_off(OPERATION, &e))?;
        Ok(Some(Document {
            body: body.to_vec(),
            etag,
        }))
    }
}

impl Writer {
    /// Writes an object: over the content with the given tag, or where there is none.
    ///
    /// # Errors
    /// The failed call. That somebody else was faster is no error.
    pub async fn put_document(
        &self,
        bucket: &str,
        account: &str,
        key: &str,
        body: Vec<u8>,
        over: Option<&str>,
    ) -> CallResult<Written> {
        const OPERATION: &str = "s3:PutObject";
        let request = self
            .aws
            .s3
            .put_object()
            .bucket(bucket)
            .expected_bucket_owner(account)
            .key(key)
            .content_type("application/json")
            .body(ByteStream::from(body));
        let request = match over {
            Some(etag) => request.if_match(etag),
            None => request.if_none_match("*"),
        };
        match request.send().await {
            Ok(answer) => answer
                .e_tag
                .map(Written::Yes)
                .ok_or_else(|| absent(OPERATION, "ETag")),
            Err(e) => {
                let error = CallError::from_sdk(OPERATION, &e);
                // The second is S3's answer when two such writes meet, the third when what was to be replaced is gone.
                if error.is(&[
                    "PreconditionFailed",
                    "ConditionalRequestConflict",
                    "NoSuchKey",
                ]) {
                    Ok(Written::Overtaken)
                } else {
                    Err(error)
                }
            }
        }
    }
}
