//! Chromium without a window.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A browser with a profile of its own, which ends with it.
#[derive(Debug)]
pub(crate) struct Chromium {
    process: Child,
    profile: PathBuf,
}

/// The name under which Debian, and others, install it; `DRIFTLAB_CHROMIUM` names another one.
pub(crate) fn find() -> Option<String> {
    let named = std::env::var("DRIFTLAB_CHROMIUM").ok();
    let names = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    let mut names = named.into_iter().chain(names);
    names.find(|name| {
        let version = Command::new(name)
            .arg("--version")
            .stdin(Stdio::null())
            .output();
        version.is_ok_and(|output| output.status.success())
    })
}

impl Chromium {
    /// Opens `url`. `resolve` says where names lead, in the words of `--host-resolver-rules`.
    pub(crate) fn open(program: &str, url: &str, resolve: &str) -> Self {
        let profile =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chromium-{}", fastrand::u64(..)));
        std::fs::create_dir_all(&profile).unwrap();
        let process = Command::new(program)
            .args([
                "--headless",
                // Its own sandbox needs rights that containers do not give, and the pages are ours.
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-default-apps",
                "--disable-sync",
                // Whoever visits the page clicks where it wants.
                "--disable-popup-blocking",
                // New browsers ask before a page may reach this machine; old ones do not, and some people say yes.
                "--disable-features=LocalNetworkAccessChecks,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
                "--no-proxy-server",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(format!("--host-resolver-rules={resolve}"))
            .arg(url)
            .env("HOME", &profile)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, profile }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // Its other processes notice within moments that it is gone, and may write until then.
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
