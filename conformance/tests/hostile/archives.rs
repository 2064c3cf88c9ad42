//! Zips whose entries climb out of the directory that they are unpacked in.

use std::io::{Cursor, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use conformance::raw::Http;
use conformance::world::World;
use conformance::{ACCOUNT, panics};
use serde_json::json;
use zip::write::SimpleFileOptions;

use super::setup;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_archive_writes_outside_its_directory() {
    panics::watch();
    let world = World::start().await;
    let http = Http::new(&world);
    let keys = world.operator(ACCOUNT);
    setup::role(&http, &keys).await;
    // Where the climbers want to go. Whatever appears in it has escaped.
    let outside =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{:016x}", fastrand::u64(..)));
    std::fs::create_dir_all(&outside).unwrap();
    let target = outside.to_str().unwrap();
    let climb = "../".repeat(40);
    let names = [
        format!("{target}/absolute"),
        format!("/{target}/doubly-absolute"),
        format!("{climb}{target}/climbing"),
        format!("a/b/{climb}{target}/climbing-from-below"),
        format!("./{climb}{target}/dotted"),
        format!("{}{target}/backslashes", "..\\".repeat(40)),
        format!("bootstrap/{climb}{target}/through-a-file"),
        format!("link{target}/through-a-link"),
        "..".to_owned(),
        "/".to_owned(),
        "a\0b".to_owned(),
        "x".repeat(5_000),
        "a/".repeat(2_000),
    ];
    for (number, name) in names.iter().enumerate() {
        let function = format!("f{number}");
        let body = json!({
            "FunctionName": function, "Runtime": "provided.al2023", "Handler": "bootstrap",
            "Role": format!("arn:aws:iam::{ACCOUNT}:role/R"),
            "Code": {"ZipFile": BASE64_STANDARD.encode(archive(name))},
        });
        let path = "/2015-03-31/functions";
        let (status, answer) = http
            .send("POST", path, &keys, "lambda", &[], body.to_string())
            .await;
        assert!(status < 500, "{name}: {answer}");
        // Refused at once, refused when it is unpacked, or unpacked without the entry: each is right.
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let (status, answer) = http
            .send("POST", &path, &keys, "lambda", &[], "{}".to_owned())
            .await;
        assert!(status < 600 && !answer.is_empty(), "{name}: {answer}");
        let escaped: Vec<_> = std::fs::read_dir(&outside).unwrap().collect();
        assert!(escaped.is_empty(), "{name}: {escaped:?}");
    }
    world.sandbox.functions.shut_down().await;
    std::fs::remove_dir(&outside).unwrap();
    assert!(panics::seen().is_empty(), "{:?}", panics::seen());
}

/// A function that does nothing, as `ZipFile`.
pub(crate) fn function() -> String {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", options).unwrap();
    zip.write_all(b"#!/bin/sh\nexit 0\n").unwrap();
    BASE64_STANDARD.encode(zip.finish().unwrap().into_inner())
}

/// A link to the root first, so that an entry behind it climbs through it.
fn archive(name: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", options).unwrap();
    zip.write_all(b"#!/bin/sh\nexit 0\n").unwrap();
    zip.add_symlink("link", "/", options).unwrap();
    zip.start_file(name, options).unwrap();
    zip.write_all(b"escaped").unwrap();
    zip.finish().unwrap().into_inner()
}
