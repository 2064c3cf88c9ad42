//! Clients as their users have them: nothing but the environment that `cargo xtask sandbox env` prints leads them to the
//! sandbox.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod rust_sdk;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use conformance::raw::Http;
use conformance::world::World;
use conformance::{ACCOUNT, REGION, panics};

/// Where all of them put their objects.
const BUCKET: &str = "uploads";

/// What they put: more than a chunk of a stream (64 KiB), and not only ASCII.
fn content() -> String {
    "Ünïcode, and then some more of it. ".repeat(2_500)
}

/// A sandbox with an empty bucket.
async fn start() -> World {
    panics::watch();
    let world = World::start().await;
    let keys = world.operator(ACCOUNT);
    let path = format!("/{BUCKET}");
    let http = Http::new(&world);
    let made = http.send("PUT", &path, &keys, "s3", &[], String::new());
    assert_eq!(made.await.0, 200);
    world
}

/// The bucket holds these objects and no other, each with the content.
async fn assert_holds(world: &World, expected: &[&str]) {
    let (http, keys) = (Http::new(world), world.operator(ACCOUNT));
    let path = format!("/{BUCKET}?list-type=2");
    let (_, listed) = http
        .send("GET", &path, &keys, "s3", &[], String::new())
        .await;
    let document = roxmltree::Document::parse(&listed).unwrap();
    let found = document
        .descendants()
        .filter(|node| node.has_tag_name("Key"));
    let found: Vec<&str> = found.filter_map(|node| node.text()).collect();
    assert_eq!(found, expected);
    for key in expected {
        let key: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
        let path = format!("/{BUCKET}/{}", key.replace('+', "%20"));
        let (status, body) = http
            .send("GET", &path, &keys, "s3", &[], String::new())
            .await;
        assert!(
            status == 200 && body == content(),
            "{path}: {status} {} bytes",
            body.len()
        );
    }
    let mut panicked = panics::seen();
    // Other tests of this file share the process, and may fail for reasons of their own.
    panicked.retain(|panic| !panic.contains("conformance/tests/"));
    assert!(panicked.is_empty(), "{panicked:?}");
}

/// What `eval "$(cargo xtask sandbox env)"` leaves of the environment.
fn variables(world: &World) -> Vec<(&'static str, String)> {
    let keys = world.operator(ACCOUNT);
    vec![
        ("AWS_ENDPOINT_URL", world.endpoint().to_owned()),
        ("AWS_ACCESS_KEY_ID", keys.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("NO_PROXY", "127.0.0.1".to_owned()),
    ]
}

fn command(program: &str, world: &World) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command
        .env_remove("no_proxy")
        .envs(variables(world))
        .stdin(Stdio::null());
    command
}

/// Runs it to its end; the sandbox goes on meanwhile.
async fn run(mut command: Command) -> Output {
    let done = tokio::task::spawn_blocking(move || command.output());
    let output = done.await.unwrap().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn is_there(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    let output = command.args(arguments).stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_sdk_from_the_environment_works() {
    let world = start().await;
    rust_sdk::exercise(&world).await;
    let expected = ["rust/presigned+é", "rust/put", "rust/stream"];
    assert_holds(&world, &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boto3_from_the_environment_works() {
    if !is_there("python3", &["-c", "import boto3"]) {
        return skipped("python3 has no boto3");
    }
    let world = start().await;
    let mut python = command("python3", &world);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/client.py");
    python.arg(script).args([BUCKET, &content()]);
    run(python).await;
    let expected = [
        "boto3/presigned None+é",
        "boto3/presigned s3+é",
        "boto3/presigned s3v4+é",
        "boto3/put",
        "boto3/stream",
        "boto3/upload_fileobj",
    ];
    assert_holds(&world, &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aws_cli_from_the_environment_works() {
    if !is_there("aws", &["--version"]) {
        return skipped("the AWS CLI is not installed");
    }
    let world = start().await;
    let file = scratch("upload");
    std::fs::write(&file, content()).unwrap();
    let aws = |arguments: &[&str]| {
        let mut aws = command("aws", &world);
        aws.args(arguments);
        aws
    };
    let at = |key: &str| format!("s3://{BUCKET}/{key}");
    let name = file.to_str().unwrap();
    run(aws(&["s3", "cp", name, &at("cli/cp")])).await;
    let mut piped = aws(&["s3", "cp", "-", &at("cli/piped")]);
    piped.stdin(std::fs::File::open(&file).unwrap());
    run(piped).await;
    let put = [
        "s3api",
        "put-object",
        "--bucket",
        BUCKET,
        "--key",
        "cli/put",
        "--body",
        name,
    ];
    run(aws(&put)).await;
    let output = run(aws(&["s3", "cp", &at("cli/piped"), "-"])).await;
    assert_eq!(String::from_utf8_lossy(&output.stdout), content());
    let output = run(aws(&["s3", "presign", &at("cli/put")])).await;
    let url = String::from_utf8(output.stdout).unwrap();
    assert_eq!(rust_sdk::send("GET", url.trim(), None).await, content());
    run(aws(&["ec2", "describe-vpcs"])).await;
    let template = "Resources: {A: {Type: 'AWS::Logs::LogGroup'}}";
    let stack = [
        "cloudformation",
        "create-stack",
        "--stack-name",
        "cli",
        "--template-body",
        template,
    ];
    run(aws(&stack)).await;
    assert_holds(&world, &["cli/cp", "cli/piped", "cli/put"]).await;
    std::fs::remove_file(file).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_sdk_from_the_environment_works() {
    if !is_there("node", &["--version"]) || !is_there("npm", &["--version"]) {
        return skipped("node and npm are not installed");
    }
    let packages = match javascript_packages() {
        Ok(packages) => packages,
        Err(failure) => {
            return skipped(&format!(
                "npm cannot install the SDK for JavaScript: {failure}"
            ));
        }
    };
    let world = start().await;
    let mut node = command("node", &world);
    node.arg(packages.join("client.mjs"))
        .args([BUCKET, &content()]);
    run(node).await;
    let expected = [
        "javascript/presigned+é",
        "javascript/put",
        "javascript/stream",
        "javascript/upload",
    ];
    assert_holds(&world, &expected).await;
}

/// Installs what the lock file names below `target/`, once.
fn javascript_packages() -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    std::fs::create_dir_all(&target).unwrap();
    std::fs::copy(source.join("client.mjs"), target.join("client.mjs")).unwrap();
    let lock = std::fs::read(source.join("package-lock.json")).unwrap();
    // Written last, so that it says that all is there.
    let installed = target.join("installed.json");
    if std::fs::read(&installed).is_ok_and(|before| before == lock) {
        return Ok(target);
    }
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(source.join(name), target.join(name)).unwrap();
    }
    let output = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&target)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    std::fs::write(installed, lock).unwrap();
    Ok(target)
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{:016x}", fastrand::u64(..)))
}

/// Not through the macros: the test runner keeps their output of a test that passes, and a skipped one would look like
/// a proof.
fn skipped(missing: &str) {
    use std::io::Write as _;
    // Nobody reads it when that fails.
    let _ = writeln!(std::io::stderr(), "skipped: {missing}");
}
