//! The state file: what is made, what is kept, what is refused.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::Barrier;
use std::thread;

use tempfile::TempDir;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn refusal(dir: &Path) -> String {
    open_or_create(dir).unwrap_err().to_string()
}

/// A directory with a state file in it.
fn made() -> (TempDir, PathBuf, PathBuf) {
    let temp = TempDir::new().unwrap();
    let dir = temp.path().join("state");
    let (_, file) = open_or_create(&dir).unwrap();
    (temp, dir, file)
}

#[test]
fn state_file_made_once_is_private_and_kept() {
    let temp = TempDir::new().unwrap();
    let dir = temp.path().join("a/b");
    let (first, file) = open_or_create(&dir).unwrap();
    let (second, again) = open_or_create(&dir).unwrap();
    assert_eq!(first.encode(), second.encode());
    assert_eq!((&file, &again), (&dir.join(NAME), &file));
    let modes = [temp.path().join("a"), dir.clone(), file.clone()].map(|path| mode(&path));
    assert_eq!(modes, [0o700, 0o700, 0o600]);
    // Nothing stays beside it.
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
    let content: Content = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(content.bearer, first.bearer());
    assert_eq!(content.secret, first.encode());
}

#[test]
fn sandboxes_started_at_once_agree() {
    const STARTS: usize = 8;
    for _ in 0..20 {
        let temp = TempDir::new().unwrap();
        let (dir, barrier) = (temp.path().join("state"), Barrier::new(STARTS));
        let secrets: Vec<String> = thread::scope(|scope| {
            let start = || {
                barrier.wait();
                open_or_create(&dir).unwrap().0.encode()
            };
            let starts: Vec<_> = (0..STARTS).map(|_| scope.spawn(start)).collect();
            let secrets = starts.into_iter().map(|start| start.join().unwrap());
            secrets.collect()
        });
        assert!(secrets.iter().all(|secret| *secret == secrets[0]));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
    }
}

#[test]
fn state_open_to_others_is_refused() {
    let (_temp, dir, file) = made();
    for open in [0o640, 0o604, 0o620, 0o610] {
        set_mode(&file, open);
        let why = refusal(&dir);
        assert!(
            why.contains(&format!("mode {open:o}")) && why.contains("rm "),
            "{why}"
        );
    }
    set_mode(&file, 0o600);
    for open in [0o750, 0o705, 0o720, 0o711, 0o755] {
        set_mode(&dir, open);
        let why = refusal(&dir);
        assert!(
            why.contains(&format!("mode {open:o}")) && why.contains("chmod 700"),
            "{why}"
        );
        // It is left as it was: closing it would hide that others may have looked.
        assert_eq!(mode(&dir), open);
    }
    // A directory that is refused gets no file.
    let temp = TempDir::new().unwrap();
    set_mode(temp.path(), 0o755);
    refusal(temp.path());
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
}

#[test]
fn links_are_refused() {
    let (temp, dir, file) = made();
    let elsewhere = temp.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    assert!(refusal(&dir).contains("is a link"));
    fs::remove_file(&file).unwrap();
    symlink(temp.path().join("nothing"), &file).unwrap();
    assert!(refusal(&dir).contains("is a link"));
    assert!(!temp.path().join("nothing").exists());
    let link = temp.path().join("link");
    symlink(&dir, &link).unwrap();
    let why = refusal(&link);
    assert!(why.contains("is a link, or no directory"), "{why}");
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let (_temp, dir, file) = made();
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    set_mode(&file, 0o700);
    assert!(refusal(&dir).contains("no file"));
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, FileType, mknodat};
        fs::remove_dir(&file).unwrap();
        mknodat(CWD, &file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert!(refusal(&dir).contains("no file"));
    }
}

/// Only root can give a file away; for anybody else, what belongs to root will do.
#[test]
fn state_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        let why = refusal(Path::new("/"));
        assert!(why.contains("another user (id 0)"), "{why}");
        return;
    }
    let (_temp, dir, file) = made();
    for path in [&file, &dir] {
        std::os::unix::fs::chown(path, Some(12_345), None).unwrap();
        let why = refusal(&dir);
        assert!(why.contains("another user (id 12345)"), "{why}");
        std::os::unix::fs::chown(path, Some(0), None).unwrap();
    }
    open_or_create(&dir).unwrap();
}

#[test]
fn content_that_no_sandbox_wrote_is_refused_and_kept() {
    let (_temp, dir, file) = made();
    let right = fs::read_to_string(&file).unwrap();
    let other = Secret::random().bearer();
    let content: Content = serde_json::from_str(&right).unwrap();
    for wrong in [
        String::new(),
        "{}".to_owned(),
        "\u{0}".to_owned(),
        right[..right.len() / 2].to_owned(),
        right.replace(&content.bearer, &other),
        right.replace(&content.secret, &content.secret[1..]),
        format!("{}{right}", " ".repeat(5_000)),
    ] {
        fs::write(&file, &wrong).unwrap();
        assert!(refusal(&dir).contains("makes no sense"), "{wrong}");
        assert_eq!(fs::read_to_string(&file).unwrap(), wrong);
    }
    fs::write(&file, [0xff, 0xfe]).unwrap();
    assert!(refusal(&dir).contains("makes no sense"));
    fs::write(&file, right).unwrap();
    open_or_create(&dir).unwrap();
}
