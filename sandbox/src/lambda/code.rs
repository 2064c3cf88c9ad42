//! The code of a function: a zip, from the request itself or from a bucket.

use std::fmt::{self, Write as _};
use std::io::Cursor;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::invalid;
use crate::budgets::{self, Charge, Kind};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::s3;
use crate::sandbox::Call;
use crate::service::Service;

/// The largest zip in a request.
const MAX_ZIPPED: usize = 50 * 1024 * 1024;
/// The largest sum of unpacked files.
pub(super) const MAX_UNZIPPED: u64 = 262_144_000;

/// A package that has been looked at: it is a zip, and not too large.
#[derive(Clone)]
pub(super) struct Code {
    pub(super) zip: Bytes,
    /// As AWS shows it.
    pub(super) sha256_base64: String,
    /// As directories are named.
    pub(super) sha256_hex: String,
    /// Counts the package for as long as a version has it.
    _charge: Arc<Charge>,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code")
            .field("size", &self.zip.len())
            .field("sha256", &self.sha256_hex)
            .finish()
    }
}

impl Code {
    /// Bytes of the zip.
    pub(super) fn size(&self) -> usize {
        self.zip.len()
    }

    /// From `ZipFile` or `S3Bucket` and `S3Key`.
    pub(super) fn read(call: &mut Call<'_>, input: &Value) -> Result<Self, ApiError> {
        for unsupported in ["ImageUri", "SourceKMSKeyArn", "S3ObjectVersion"] {
            if input.field(unsupported).is_some() {
                return Err(ApiError::not_implemented(
                    "lambda",
                    &format!("code with {unsupported}"),
                ));
            }
        }
        let zip = match (
            input.text("ZipFile"),
            input.text("S3Bucket"),
            input.text("S3Key"),
        ) {
            (Some(zip), None, None) => from_request(zip)?,
            (None, Some(bucket), Some(key)) => from_bucket(call, bucket, key)?,
            _ => {
                return Err(invalid(
                    "Please provide a source for function code: either ZipFile, or S3Bucket and S3Key.",
                ));
            }
        };
        check(&zip)?;
        budgets::check(call, Service::Lambda, Kind::Code, zip.len())?;
        let digest = Sha256::digest(&zip);
        let sha256_hex = digest
            .iter()
            .fold(String::with_capacity(64), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
        let charge = call.here().lambda.packages.charge(zip.len());
        Ok(Self {
            zip,
            sha256_base64: BASE64_STANDARD.encode(digest),
            sha256_hex,
            _charge: Arc::new(charge),
        })
    }
}

fn from_request(text: &str) -> Result<Bytes, ApiError> {
    let zip = BASE64_STANDARD.decode(text).map_err(|error| {
        ApiError::bad(
            "SerializationException",
            format!("ZipFile is not base64: {error}"),
        )
    })?;
    if zip.len() > MAX_ZIPPED {
        return Err(ApiError::new(
            413,
            "RequestEntityTooLargeException",
            format!(
                "a zip of {} bytes is too large for a request, which can hold {MAX_ZIPPED}; put it into a bucket",
                zip.len()
            ),
        ));
    }
    Ok(zip.into())
}

fn from_bucket(call: &mut Call<'_>, bucket: &str, key: &str) -> Result<Bytes, ApiError> {
    s3::object(call, bucket, key).map_err(|error| {
        if error.code == "NotImplemented" {
            return error;
        }
        invalid(format!(
            "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}",
            error.code, error.message
        ))
    })
}

fn check(zip: &Bytes) -> Result<(), ApiError> {
    if zip.is_empty() {
        return Err(invalid("Uploaded file must be a non-empty zip"));
    }
    let no_zip = || {
        invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).map_err(|_| no_zip())?;
    if archive.is_empty() {
        return Err(invalid("Uploaded file must be a non-empty zip"));
    }
    let mut unzipped = 0_u64;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|_| no_zip())?;
        // A path that leaves the directory, or an absolute one.
        if entry.enclosed_name().is_none() || entry.name_raw().starts_with(b"/") {
            return Err(no_zip());
        }
        unzipped = unzipped.saturating_add(entry.size());
    }
    if unzipped > MAX_UNZIPPED {
        return Err(invalid(format!(
            "Unzipped size must be smaller than {MAX_UNZIPPED} bytes"
        )));
    }
    Ok(())
}
