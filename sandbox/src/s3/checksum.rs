//! Checksums of bodies, as `x-amz-checksum-…` names them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use crate::error::ApiError;

/// Whether `value` is the checksum of `body`; algorithms that S3 does not have are refused.
///
/// # Errors
/// `InvalidRequest` where the value cannot be a checksum, `BadDigest` where it is another.
pub(super) fn check(algorithm: &str, value: &str, body: &[u8]) -> Result<(), ApiError> {
    let crc = |kind| crc_fast::checksum(kind, body).to_be_bytes();
    let actual = match algorithm {
        "crc32" => crc(CrcAlgorithm::Crc32IsoHdlc)[4..].to_vec(),
        "crc32c" => crc(CrcAlgorithm::Crc32Iscsi)[4..].to_vec(),
        "crc64nvme" => crc(CrcAlgorithm::Crc64Nvme).to_vec(),
        "sha1" => digest(&SHA1_FOR_LEGACY_USE_ONLY, body).as_ref().to_vec(),
        "sha256" => digest(&SHA256, body).as_ref().to_vec(),
        other => {
            let what = format!("x-amz-checksum-{other}");
            return Err(ApiError::not_implemented("s3", &what));
        }
    };
    let claimed = BASE64_STANDARD.decode(value).ok();
    let Some(claimed) = claimed.filter(|claimed| claimed.len() == actual.len()) else {
        return Err(ApiError::bad(
            "InvalidRequest",
            format!("Value for x-amz-checksum-{algorithm} header is invalid."),
        ));
    };
    if claimed == actual {
        return Ok(());
    }
    Err(ApiError::bad(
        "BadDigest",
        format!(
            "The {} you specified did not match the calculated checksum.",
            algorithm.to_ascii_uppercase()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the algorithms for `123456789` (the catalogue of parametrised CRC algorithms; FIPS 180-4's
    /// functions by `sha1sum` and `sha256sum` of coreutils 9.1).
    const OF_DIGITS: &[(&str, &str)] = &[
        ("crc32", "y/Q5Jg=="),
        ("crc32c", "4waSgw=="),
        ("crc64nvme", "rosUhgp5mIg="),
        ("sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
        ("sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
    ];

    #[test]
    fn checksum_right_is_taken_and_wrong_is_refused_in_s3s_words() {
        for (algorithm, value) in OF_DIGITS {
            assert_eq!(check(algorithm, value, b"123456789"), Ok(()), "{algorithm}");
            // Words as recorded on AWS by LocalStack's tests of S3 (8b9a79f0).
            let wrong = check(algorithm, value, b"12345678").expect_err("wrong");
            let words = format!(
                "BadDigest: The {} you specified did not match the calculated checksum.",
                algorithm.to_uppercase()
            );
            assert_eq!((wrong.status, wrong.to_string()), (400, words));
            let malformed = check(algorithm, "AAAA", b"123456789").expect_err("malformed");
            let words =
                format!("InvalidRequest: Value for x-amz-checksum-{algorithm} header is invalid.");
            assert_eq!((malformed.status, malformed.to_string()), (400, words));
        }
        let unknown = check("md4", "AAAA", b"").expect_err("unknown");
        assert_eq!(unknown.code, "NotImplemented");
    }
}
