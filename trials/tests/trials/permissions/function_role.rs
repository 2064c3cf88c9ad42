//! The function's role: nothing in its policies is superfluous.

use std::time::Duration;

use sandbox::service::Service;
use serde_json::json;
use trials::groups::lab_group;
use trials::options::Kept;
use trials::trial::all;
use trials::{ACCOUNT, Lab, Options, World, package};

use super::roles::{FUNCTION_ROLE, Right, rights, set};

pub(super) const FUNCTION: &str = "evaluate_remediate_security_group";

/// A way to deploy in which the function's role is another one.
#[derive(Debug, Clone, Copy)]
struct Way {
    arguments: &'static [&'static str],
    /// With every option of the template, the address of the webhook kept there, and all that is read encrypted with a key of
    /// one's own.
    options: Option<Kept>,
}

const BY_TAG: &[&str] = &["--scope", "tag:Name=LabSG1", "--account", ACCOUNT];

const WAYS: [Way; 4] = [
    Way {
        arguments: &[],
        options: None,
    },
    Way {
        arguments: BY_TAG,
        options: None,
    },
    Way {
        arguments: &[],
        options: Some(Kept::Parameter),
    },
    Way {
        arguments: BY_TAG,
        options: Some(Kept::Secret),
    },
];

impl Way {
    /// Deploys; the answer is what was made around the lab for its options.
    async fn deploy(self, world: &World, lab: &Lab<'_>) -> Option<Options> {
        let mut line = vec!["deploy"];
        line.extend(self.arguments);
        let Some(kept) = self.options else {
            lab.ok(&line).await;
            world.idle().await;
            return None;
        };
        let options = Options::under_own_key(world).await;
        let more = [options.paths(), options.told(kept)].concat();
        line.extend(more.iter().map(String::as_str));
        lab.ok(&line).await;
        // People are told of the first repair after its report, and that is none of the next one's.
        world.idle().await;
        Some(options)
    }
}

/// What the function does for a lab, and if something is missing also what the function's log says of it.
async fn missing(world: &World, lab: &Lab<'_>, options: Option<&Options>) -> Option<String> {
    let what = not_done(world, lab, options).await?;
    let log = lab.run(&["logs"]).await.text;
    let errors: Vec<&str> = log.lines().filter(|line| line.contains("error")).collect();
    Some(format!("{what}: {errors:#?}"))
}

/// How long something may take that the function is to do. Where the fast path was quicker than AWS Config, the function doubts
/// what it reads for fifteen seconds.
const PATIENCE: Duration = Duration::from_secs(25);

/// It heals, reports, and logs what it did; with options it also looks after outbound rules and tells people. Answers with
/// what of it is not done.
async fn not_done(world: &World, lab: &Lab<'_>, options: Option<&Options>) -> Option<String> {
    // What the deployment caused may still be told of, with the rights that the function had then.
    world.calm().await;
    let mark = world.mark();
    let posts = || options.map_or(0, |options| options.told_webhook(world));
    let posted = posts();
    // The next process of the function is a new one, with a log stream of its own.
    let input = json!({"FunctionName": FUNCTION, "MemorySize": 192});
    let configure = "UpdateFunctionConfiguration";
    world.call(Service::Lambda, configure, input).await;
    // Somebody also closes a port that has to be open: opening it again is half of a repair.
    if !reopened(world).await {
        return Some("the port that was closed stays closed".to_owned());
    }
    let patience = format!("{}s", PATIENCE.as_secs());
    let incident = ["simulate-incident", "--timeout", &patience];
    let incident = lab.run(&incident).await;
    if incident.result.is_err() {
        return Some(incident.failure());
    }
    let logs = lab.ok(&["logs"]).await;
    if !logs.text.contains("revoking for") {
        return Some("no line tells of the repair".to_owned());
    }
    let options = options?;
    if !outbound_is_put_right(world).await {
        return Some("the outbound rules are not put right".to_owned());
    }
    world.idle().await;
    if !options.topic_was_told(world, mark) {
        return Some("the topic was not told".to_owned());
    }
    (posts() == posted).then(|| "the webhook was not told".to_owned())
}

/// Has one outbound rule too many and one too few put right.
async fn outbound_is_put_right(world: &World) -> bool {
    let group = lab_group(world).await;
    let everything = json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]});
    let mail = json!({"IpProtocol": "tcp", "FromPort": 25, "ToPort": 25,
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}]});
    for (operation, permission) in [
        ("AuthorizeSecurityGroupEgress", mail),
        ("RevokeSecurityGroupEgress", everything),
    ] {
        let input = json!({"GroupId": group["groupId"], "IpPermissions": [permission]});
        world.call(Service::Ec2, operation, input).await;
    }
    let right = group["ipPermissionsEgress"].clone();
    until(async || lab_group(world).await["ipPermissionsEgress"] == right).await
}

/// Whether something comes true within a time that is ample.
async fn until(come_true: impl AsyncFn() -> bool) -> bool {
    let waiting = async {
        while !come_true().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.is_ok()
}

async fn reopened(world: &World) -> bool {
    let https = json!({"GroupId": lab_group(world).await["groupId"],
        "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
    let revoke = "RevokeSecurityGroupIngress";
    world.call(Service::Ec2, revoke, https).await;
    // Not the digits alone, which any id may have.
    let open = r#""fromPort":443"#;
    until(async || lab_group(world).await.to_string().contains(open)).await
}

#[test]
fn the_function_needs_every_right_of_its_role() {
    let package = package::path();
    // What there is to take away is known once a lab is deployed, and that is one trial more for each way.
    let found = std::sync::Mutex::new(Vec::new());
    let what = "ways to deploy";
    let name = |way: &Way| format!("{way:?}");
    all(what, &WAYS, name, |way| {
        let (way, package, found) = (*way, &package, &found);
        async move {
            let world = World::start().await;
            let lab = Lab::new(&world, package);
            let options = way.deploy(&world, &lab).await;
            assert_eq!(
                missing(&world, &lab, options.as_ref()).await,
                None,
                "nothing is taken away yet: {way:?}"
            );
            let rights = rights(&world, FUNCTION_ROLE).await;
            let cases = rights.into_iter().map(|right| (way, right));
            found.lock().unwrap().extend(cases);
            world.end().await;
        }
    });
    let mut cases = found.into_inner().unwrap();
    // A right that several ways have is taken from the one with the fewest options.
    cases.sort_by_key(|(way, right)| (right.name(), way.options.is_some()));
    cases.dedup_by_key(|(_, right)| right.name());
    let what = "the function's role, less one right";
    let name = |(_, right): &(Way, Right)| format!("{:?}", right.name());
    all(what, &cases, name, |(way, right)| {
        let (way, right, package) = (*way, right.clone(), &package);
        async move {
            let world = World::start().await;
            let lab = Lab::new(&world, package);
            let options = way.deploy(&world, &lab).await;
            // The ids in the documents are others than in the world where the right was found.
            let mut rights = rights(&world, FUNCTION_ROLE).await.into_iter();
            let right = rights.find(|here| here.name() == right.name()).unwrap();
            set(&world, FUNCTION_ROLE, &right.policy, &right.taken()).await;
            let missing = missing(&world, &lab, options.as_ref()).await;
            let Some(missing) = missing else {
                panic!("{:?} is superfluous", right.name())
            };
            if right.action == "kms:Decrypt" {
                // Secrets Manager does not tell which right is missing.
                let told = ["kms:Decrypt", "Access to KMS is not allowed"];
                assert!(told.iter().any(|told| missing.contains(told)), "{missing}");
            }
            world.end().await;
        }
    });
}
