//! A function's own view of the file system, where the sandbox may mount (it runs as root).
//!
//! The starting thread takes a copy of all mounts that nobody else sees, makes every one of them
//! read-only, and mounts a `/tmp` of limited size and a `/proc` that shows the function's own
//! processes. A second start, after a failed initialisation, enters the same mounts: AWS does not clear
//! `/tmp` either. All of it goes with the function's environment.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::mount::{
    MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change, mount_remount,
};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::Boundary;

/// Where a function may write when it has mounts of its own, as on AWS.
pub(super) const TMP: &str = "/tmp";

/// Gives the calling thread mounts of its own; `boundary` is changed to the paths that hold there.
pub(super) fn apply(boundary: &mut Boundary) -> io::Result<()> {
    let namespace = boundary.mounts.clone();
    if let Some(made) = namespace.get() {
        // A thread can enter other mounts if it shares no working directory with others.
        unshare(UnshareFlags::FS)?;
        move_into_link_name_space(made.as_fd(), Some(LinkNameSpaceType::Mount))?;
    } else {
        make(boundary)?;
        // The first start makes it, and there is one start at a time.
        let _ = namespace.set(File::open("/proc/thread-self/ns/mnt")?.into());
    }
    boundary.scratch = boundary.scratch.is_some().then(|| PathBuf::from(TMP));
    Ok(())
}

fn unshare(what: UnshareFlags) -> io::Result<()> {
    #[expect(
        deprecated,
        reason = "its successor is unsafe for the sake of descriptors, which stay shared here"
    )]
    Ok(rustix::thread::unshare(what)?)
}

fn make(boundary: &Boundary) -> io::Result<()> {
    unshare(UnshareFlags::NEWNS)?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private)?;
    let Some(scratch) = boundary.scratch.clone() else {
        return Ok(());
    };
    let size = format!("size={},mode=0700", boundary.storage);
    let size = std::ffi::CString::new(size).map_err(io::Error::other)?;
    let plain = MountFlags::NOSUID | MountFlags::NODEV;
    // Before the new mount, which stays writable.
    read_only()?;
    mount("tmpfs", &scratch, "tmpfs", plain, size.as_c_str())?;
    for path in boundary.code.iter().chain(&boundary.read) {
        keep(path, &scratch)?;
    }
    mount_bind_recursive(&scratch, TMP)?;
    // Shows what may be traced, which Landlock makes the function's own processes. The other ways to
    // hide processes show all to group 0.
    let hidden = c"hidepid=ptraceable";
    mount("proc", "/proc", "proc", plain | MountFlags::NOEXEC, hidden)?;
    Ok(())
}

/// Makes `path` be found where it is, although it lies below what `scratch` is about to cover.
fn keep(path: &Path, scratch: &Path) -> io::Result<()> {
    let Ok(below) = path.strip_prefix(TMP) else {
        return Ok(());
    };
    let Ok(metadata) = fs::metadata(path) else {
        // A search path may name what is not there.
        return Ok(());
    };
    let place = scratch.join(below);
    if metadata.is_dir() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&place)?;
    } else {
        if let Some(parent) = place.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)?;
        }
        File::create(&place)?;
    }
    // A copy of a mount that is read-only is not so by itself.
    mount_bind_recursive(path, &place)?;
    mount_remount(&place, MountFlags::BIND | MountFlags::RDONLY, c"").map_err(io::Error::from)
}

/// Makes every mount read-only that is not so. Landlock has no rules for permissions, owners and
/// times of files; this is what keeps them.
fn read_only() -> io::Result<()> {
    let mounts = fs::read_to_string("/proc/thread-self/mountinfo")?;
    for line in mounts.lines() {
        // Number, parent, device, root, place, options: see proc_pid_mountinfo(5).
        let mut fields = line.split(' ').skip(4);
        let (Some(place), Some(options)) = (fields.next(), fields.next()) else {
            continue;
        };
        let mut flags = MountFlags::BIND | MountFlags::RDONLY;
        for option in options.split(',') {
            flags |= match option {
                "nosuid" => MountFlags::NOSUID,
                "nodev" => MountFlags::NODEV,
                "noexec" => MountFlags::NOEXEC,
                "noatime" => MountFlags::NOATIME,
                "nodiratime" => MountFlags::NODIRATIME,
                "relatime" => MountFlags::RELATIME,
                _ => MountFlags::empty(),
            };
        }
        if options.split(',').any(|option| option == "ro") {
            continue;
        }
        match mount_remount(&*unescaped(place), flags, c"") {
            // Covered by another mount, which has a line of its own.
            Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {}
            Err(error) => {
                let what = format!("`{place}` cannot be made read-only: {error}");
                return Err(io::Error::other(what));
            }
        }
    }
    Ok(())
}

/// Blanks and the like are written as three octal digits.
fn unescaped(place: &str) -> String {
    [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ]
    .iter()
    .fold(place.to_owned(), |place, (code, character)| {
        place.replace(code, character)
    })
}
