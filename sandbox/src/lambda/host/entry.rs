//! What is started for a function.

use std::ffi::OsString;
use std::path::Path;

use super::Spec;
use super::package::check_entrypoint;
use super::python;

/// The program and its arguments; or why there is none, in the words after `RequestId: … Error: `.
pub(super) async fn of(spec: &Spec, code: &Path) -> Result<Vec<OsString>, String> {
    if spec.settings.runtime.starts_with("python") {
        return python::command(&spec.settings.runtime).await;
    }
    let bootstrap = check_entrypoint(code, spec.architecture)?;
    Ok(vec![bootstrap.into()])
}
