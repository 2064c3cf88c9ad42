//! Everything that an operator does with a lab.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use sandbox::service::Service;
use serde_json::{Value, json};
use trials::groups::lab_group;
use trials::options::Kept;
use trials::{ACCOUNT, Lab, Options, REGION, STACK, Told, World};

use super::function_role::FUNCTION;

/// Whose key it is.
pub(super) const USER: &str = "somebody";

/// Two packages of one function: what `deploy` updates from and to.
#[derive(Debug)]
pub(super) struct Packages {
    pub(super) first: PathBuf,
    pub(super) second: PathBuf,
    _directory: Directory,
}

/// A directory that goes with the test.
#[derive(Debug)]
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        // What stays behind is in the system's own directory for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Packages {
    /// The package that was built, and the same with one more file in it.
    pub(super) fn of(built: &Path, name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("trials-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let second = directory.join("second.zip");
        fs::copy(built, &second).unwrap();
        let file = fs::File::options().read(true).write(true).open(&second);
        let mut zip = zip::ZipWriter::new_append(file.unwrap()).unwrap();
        zip.start_file("note", zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(b"another package").unwrap();
        zip.finish().unwrap();
        Self {
            first: built.to_owned(),
            second,
            _directory: Directory(directory),
        }
    }
}

/// Tells the whole story with one key: make, change, look, attack, remove, in the end with every option of the template.
/// Answers with the first command that failed.
pub(super) async fn tell(
    world: &World,
    packages: &Packages,
    options: &Options,
    key: &str,
) -> Result<(), Told> {
    let lab = Lab::with_key(world, &packages.first, key);
    let other = Lab::with_key(world, &packages.second, key);
    let paths = options.paths();
    let told = options.told(Kept::Parameter);
    let first = ["deploy", "--tag", "course=sec101", "--ttl", "3h"];
    done(lab.run(&with(&first, &[&paths])).await)?;
    explained(world, &lab).await?;
    // Another package, retention of the logs, tag, and somebody who is told: updated in place.
    let update = [
        "deploy",
        "--tag",
        "class=b",
        "--baseline",
        "dual-stack",
        "--parameter",
        "LogRetentionDays=30",
    ];
    // The fast path has a policy of its own, which only looks on now: two that differ would contradict each other.
    let audit = ["--parameter", r#"FastPathPolicy={"mode":"audit"}"#].map(str::to_owned);
    let update = with(&update, &[&paths, &audit, &told]);
    done(other.run(&update).await)?;
    // Somebody has put the first package back by hand, and only the function's code is replaced.
    put_back(world, &packages.first).await;
    done(other.run(&update).await)?;
    done(lab.run(&["extend", "--by", "2h"]).await)?;
    done(lab.run(&["status"]).await)?;
    done(lab.run(&["simulate-incident", "--timeout", "20s"]).await)?;
    done(lab.run(&["logs"]).await)?;
    let forgotten = ["cleanup", "--all", "--older-than", "7000h"];
    done(lab.run(&forgotten).await)?;
    done(lab.run(&["cleanup"]).await)
}

/// Tells what of it is about the stack, with a role for CloudFormation.
pub(super) async fn tell_of_stack(
    world: &World,
    packages: &Packages,
    options: &Options,
    (key, role): (&str, &str),
) -> Result<(), Told> {
    let lab = Lab::with_key(world, &packages.first, key);
    let other = Lab::with_key(world, &packages.second, key);
    let (paths, told) = (options.paths(), options.told(Kept::Parameter));
    let quick = ["--cfn-role", role, "--no-wait", "--no-doctor"].map(str::to_owned);
    let first = ["deploy", "--tag", "course=sec101"];
    done(lab.run(&with(&first, &[&quick, &paths])).await)?;
    let update = [
        "deploy",
        "--tag",
        "class=b",
        "--parameter",
        "LogRetentionDays=30",
    ];
    done(other.run(&with(&update, &[&quick, &paths, &told])).await)?;
    done(lab.run(&["cleanup"]).await)
}

/// Somebody keeps the rule's policy in Parameter Store, asks what it would do, and puts the rule back.
async fn explained(world: &World, lab: &Lab<'_>) -> Result<(), Told> {
    let named = json!({"ConfigRuleNames": ["EC2SecurityGroup"]});
    let found = world
        .call(Service::Config, "DescribeConfigRules", named)
        .await;
    let mut rule = found["ConfigRules"][0].clone();
    for told in ["ConfigRuleArn", "ConfigRuleId", "ConfigRuleState"] {
        rule.as_object_mut().unwrap().remove(told);
    }
    let mut stored = rule.clone();
    stored["InputParameters"] = json!(json!({"policy": "ssm:/driftlab/policy"}).to_string());
    let put = async |rule| {
        let input = json!({"ConfigRule": rule});
        world.call(Service::Config, "PutConfigRule", input).await;
    };
    put(stored).await;
    let group = lab_group(world).await;
    let group = group["groupId"].as_str().unwrap();
    let told = lab.run(&["policy", "explain", group]).await;
    put(rule).await;
    // Only the stored policy speaks of outbound rules.
    let rules = told.document[0]["rules"].as_array();
    let approved = |line: &Value| {
        line["rule"] == "all traffic to 0.0.0.0/0" && line["why"] == "it is approved"
    };
    assert!(
        told.result.is_err() || rules.is_some_and(|rules| rules.iter().any(approved)),
        "{}",
        told.text
    );
    done(told)
}

/// A command line with more arguments.
fn with<'a>(line: &[&'a str], more: &[&'a [String]]) -> Vec<&'a str> {
    let more = more.iter().flat_map(|each| each.iter().map(String::as_str));
    line.iter().copied().chain(more).collect()
}

/// An audit that could not look at something says so and goes on; here that counts as well.
fn done(told: Told) -> Result<(), Told> {
    let refused = format!("user/{USER} is not authorized to perform");
    let blind = told.command.starts_with("cleanup") && told.text.contains(&refused);
    if told.result.is_err() || blind {
        return Err(told);
    }
    Ok(())
}

async fn put_back(world: &World, package: &Path) {
    let bucket = format!("driftlab-code-{ACCOUNT}-{REGION}-{STACK}");
    let key = format!("by-hand-{}", package.file_name().unwrap().display());
    let mut put =
        sandbox::protocol::Operation::new("PutObject", json!({"Bucket": bucket, "Key": key}));
    put.body = fs::read(package).unwrap().into();
    world
        .sandbox
        .perform(&world.target(), Service::S3, &put)
        .await
        .unwrap();
    let code = json!({"FunctionName": FUNCTION, "S3Bucket": bucket, "S3Key": key});
    world
        .call(Service::Lambda, "UpdateFunctionCode", code)
        .await;
}
