//! Drift: the incident as CloudFormation sees it.

use super::*;

impl World {
    /// Looks for drift, and answers with how that ended.
    async fn detect(&self, stack: &str) -> Value {
        let started = self
            .ok("DetectStackDrift", json!({"StackName": stack}))
            .await;
        self.idle().await;
        self.ok("DescribeStackDriftDetectionStatus", started).await
    }

    async fn drifts(&self, stack: &str) -> Vec<Value> {
        let input = json!({"StackName": stack});
        let answer = self.ok("DescribeStackResourceDrifts", input).await;
        answer["StackResourceDrifts"].as_array().unwrap().clone()
    }

    async fn open(&self, group: &str, port: i64, net: &str) {
        let input = json!({"GroupId": group, "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": net}]},
        ]});
        self.of(Ec2)
            .ok("AuthorizeSecurityGroupIngress", input)
            .await;
    }
}

#[tokio::test]
async fn the_incident_is_drift_until_it_is_healed() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    let id = world.physical("s", "Group").await;
    assert!(world.drifts("s").await.is_empty());
    let stack = world.stack("s").await;
    assert_eq!(stack["DriftInformation"]["StackDriftStatus"], "NOT_CHECKED");

    let clean = world.detect("s").await;
    assert_eq!(clean["DetectionStatus"], "DETECTION_COMPLETE");
    assert_eq!(clean["StackDriftStatus"], "IN_SYNC");
    // The log group is not looked at, so it is not told about.
    assert_eq!(world.drifts("s").await.len(), 1);

    world.open(&id, 465, "0.0.0.0/0").await;
    world.open(&id, 993, "0.0.0.0/0").await;
    let drifted = world.detect("s").await;
    assert_eq!(drifted["StackDriftStatus"], "DRIFTED");
    assert_eq!(drifted["DriftedStackResourceCount"], 1);
    let drifts = world.drifts("s").await;
    assert_eq!(drifts[0]["StackResourceDriftStatus"], "MODIFIED");
    let differences = drifts[0]["PropertyDifferences"].as_array().unwrap();
    assert_eq!(differences.len(), 2);
    assert_eq!(differences[0]["PropertyPath"], "/SecurityGroupIngress/1");
    assert_eq!(differences[0]["DifferenceType"], "ADD");
    assert_eq!(differences[0]["ExpectedValue"], "null");
    let added: Value =
        serde_json::from_str(differences[0]["ActualValue"].as_str().unwrap()).unwrap();
    assert_eq!(
        added,
        json!({"CidrIp": "0.0.0.0/0", "FromPort": 465, "IpProtocol": "tcp", "ToPort": 465})
    );
    let stack = world.stack("s").await;
    assert_eq!(stack["DriftInformation"]["StackDriftStatus"], "DRIFTED");

    for port in [465, 993] {
        let input = json!({"GroupId": id, "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "0.0.0.0/0"});
        world.of(Ec2).ok("RevokeSecurityGroupIngress", input).await;
    }
    let one = world
        .ok(
            "DetectStackResourceDrift",
            json!({"StackName": "s", "LogicalResourceId": "Group"}),
        )
        .await;
    assert_eq!(
        one["StackResourceDrift"]["StackResourceDriftStatus"],
        "IN_SYNC"
    );
    let refused = world
        .refusal(
            "DetectStackResourceDrift",
            json!({"StackName": "s", "LogicalResourceId": "Lines"}),
        )
        .await;
    assert_eq!(refused.code, "NotImplemented");
}

#[tokio::test]
async fn what_is_gone_or_reworded_is_told_too() {
    let world = World::new();
    let template = "
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: g
      SecurityGroupIngress: [{IpProtocol: '6', FromPort: '80', ToPort: 80, CidrIp: 10.1.2.3/8, Description: web}]
      SecurityGroupEgress: [{IpProtocol: '-1', CidrIp: 0.0.0.0/0}]
      Tags: [{Key: own, Value: x}]
  Rule: {Type: AWS::EC2::SecurityGroupIngress, Properties: {GroupId: !Ref Group, IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8}}
";
    let more = json!({"Tags": [{"Key": "team", "Value": "blue"}]});
    assert_eq!(
        world.create_with("s", template, more).await,
        "CREATE_COMPLETE"
    );
    let status = world.detect("s").await;
    assert_eq!(
        status["StackDriftStatus"],
        "IN_SYNC",
        "{:?}",
        world.drifts("s").await
    );

    let (group, rule) = (
        world.physical("s", "Group").await,
        world.physical("s", "Rule").await,
    );
    world
        .of(Ec2)
        .ok(
            "RevokeSecurityGroupIngress",
            json!({"GroupId": group, "SecurityGroupRuleId": [rule]}),
        )
        .await;
    let input = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "shop"}]}]});
    world
        .of(Ec2)
        .ok("UpdateSecurityGroupRuleDescriptionsIngress", input)
        .await;
    world
        .of(Ec2)
        .ok(
            "CreateTags",
            json!({"ResourceId": [group], "Tag": [{"Key": "own", "Value": "y"}]}),
        )
        .await;
    let status = world.detect("s").await;
    assert_eq!(status["DriftedStackResourceCount"], 2);
    let drifts = world.drifts("s").await;
    let paths: Vec<&str> = drifts[0]["PropertyDifferences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|difference| difference["PropertyPath"].as_str().unwrap())
        .collect();
    assert_eq!(
        paths,
        ["/SecurityGroupIngress/0/Description", "/Tags/0/Value"]
    );
    assert_eq!(drifts[1]["StackResourceDriftStatus"], "DELETED");
    assert!(drifts[1]["ActualProperties"].is_null());
}
