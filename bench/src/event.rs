//! What AWS Config tells of a changed group.

use serde_json::{Value, json};

/// A change of a group that was not seen before, with the whole item.
pub(crate) fn change(number: u64, ports: &[u16]) -> Vec<u8> {
    let notification = json!({
        "configurationItemDiff": null,
        "configurationItem": item(&format!("sg-{number:017x}"), ports),
        "notificationCreationTime": "2026-11-22T08:00:06.000Z",
        "messageType": "ConfigurationItemChangeNotification",
        "recordVersion": "1.3",
    });
    let parameters = json!({"debug": "false", "baseline": "ipv4", "mode": "enforce"});
    json!({
        "version": "1.0",
        "invokingEvent": notification.to_string(),
        "ruleParameters": parameters.to_string(),
        "resultToken": "t".repeat(400),
        "eventLeftScope": false,
        "executionRoleArn": "arn:aws:iam::123456789012:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
        "configRuleArn": "arn:aws:config:us-east-1:123456789012:config-rule/config-rule-0a1b2c",
        "configRuleName": "EC2SecurityGroup",
        "configRuleId": "config-rule-0a1b2c",
        "accountId": "123456789012",
        "evaluationMode": "DETECTIVE",
    })
    .to_string()
    .into_bytes()
}

fn item(group: &str, ports: &[u16]) -> Value {
    let permissions: Vec<Value> = ports
        .iter()
        .map(|port| permission(&json!({"fromPort": port, "ipProtocol": "tcp", "toPort": port})))
        .collect();
    json!({
        "relatedEvents": [],
        "relationships": [{
            "resourceId": "vpc-0123456789abcdef0",
            "resourceName": null,
            "resourceType": "AWS::EC2::VPC",
            "name": "Is contained in Vpc",
        }],
        "configuration": {
            "description": "a group",
            "groupName": "LabSG1",
            "ipPermissions": permissions,
            "ownerId": "123456789012",
            "groupId": group,
            "ipPermissionsEgress": [permission(&json!({"ipProtocol": "-1"}))],
            "tags": [{"key": "Name", "value": "LabSG1"}],
            "vpcId": "vpc-0123456789abcdef0",
        },
        "supplementaryConfiguration": {},
        "tags": {"Name": "LabSG1"},
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": "2026-11-22T08:00:05.000Z",
        "configurationStateId": 1_795_334_405_000_u64,
        "awsAccountId": "123456789012",
        "configurationItemStatus": "OK",
        "resourceType": "AWS::EC2::SecurityGroup",
        "resourceId": group,
        "resourceName": "LabSG1",
        "ARN": format!("arn:aws:ec2:us-east-1:123456789012:security-group/{group}"),
        "awsRegion": "us-east-1",
        "availabilityZone": "Not Applicable",
        "configurationStateMd5Hash": "",
        "resourceCreationTime": null,
    })
}

/// What `of` names, for all of IPv4.
fn permission(of: &Value) -> Value {
    let mut permission = json!({
        "ipv6Ranges": [],
        "prefixListIds": [],
        "userIdGroupPairs": [],
        "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}],
        "ipRanges": ["0.0.0.0/0"],
    });
    if let (Some(all), Some(of)) = (permission.as_object_mut(), of.as_object()) {
        all.extend(of.clone());
    }
    permission
}
