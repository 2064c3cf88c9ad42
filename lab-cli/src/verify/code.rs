//! Whether the function is the one that was deployed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Says in what the function's code is not the deployed one; `None` when it is, or when nothing tells.
///
/// `key` is the package's key in the code bucket, which the stack was given: the SHA-256 of the package in hexadecimal digits,
/// and `.zip`. Another name for a package, as in a lab made by hand, does not tell. `live` is Lambda's own digest of the code
/// that runs: base64.
pub fn foreign_code(key: Option<&str>, live: Option<&str>) -> Option<String> {
    let wanted = STANDARD.encode(bytes(key?.strip_suffix(".zip")?)?);
    let live = live?;
    (wanted != live).then(|| {
        format!("the function is not the one that was deployed: its code has the SHA-256 {live}, the package {wanted}")
    })
}

/// The bytes of 64 hexadecimal digits.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let pairs = (0..64).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sha256sum` of nothing, and what Lambda would say of it.
    const KEY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.zip";
    const LIVE: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[test]
    fn code_is_compared_with_the_package_that_the_stack_was_given() {
        assert_eq!(foreign_code(Some(KEY), Some(LIVE)), None);
        let other = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        let said = foreign_code(Some(KEY), Some(other)).unwrap_or_default();
        assert!(said.contains(other) && said.contains(LIVE), "{said}");
        // What does not tell is not held against anybody.
        for key in [None, Some("lambda.zip"), Some("e3b0.zip"), Some(&KEY[..64])] {
            assert_eq!(foreign_code(key, Some(other)), None, "{key:?}");
        }
        assert_eq!(foreign_code(Some(KEY), None), None);
    }
}
