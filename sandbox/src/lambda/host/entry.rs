//! What is started for a function.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Spec;
use super::package::check_entrypoint;
use super::python;

/// A program to start.
pub(in crate::lambda) struct Program {
    /// The program and its arguments.
    pub(super) arguments: Vec<OsString>,
    /// Files and directories that it reads beside the system and the function's code.
    pub(super) read: Vec<PathBuf>,
}

/// The program; or why there is none, in the words after `RequestId: … Error: `.
pub(super) async fn of(spec: &Spec, code: &Path) -> Result<Program, String> {
    if spec.settings.runtime.starts_with("python") {
        return python::program(&spec.settings.runtime).await;
    }
    let bootstrap = check_entrypoint(code, spec.architecture)?;
    Ok(Program {
        arguments: vec![bootstrap.into()],
        read: Vec::new(),
    })
}
