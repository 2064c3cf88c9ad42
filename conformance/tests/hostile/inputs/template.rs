//! Templates of CloudFormation.

use fastrand::Rng;

use super::{FORM, Place, encoded, request};
use crate::values;

pub(super) fn make(place: &Place, rng: &mut Rng) -> Vec<u8> {
    const TYPES: [&str; 8] = [
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::VPC",
        "AWS::SNS::Topic",
        "AWS::IAM::Role",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::Lambda::Permission",
        "AWS::No::Such",
    ];
    let kind = rng.choice(TYPES).unwrap_or("");
    let value = match rng.u8(..9) {
        0 => "!Ref A".to_owned(),
        1 => "!GetAtt A.B.C".to_owned(),
        2 => format!("!Sub {:?}", values::text(rng)),
        3 => "!Select [99999999999999999999, [a]]".to_owned(),
        4 => "!Split ['', a]".to_owned(),
        5 => "!Cidr [10.0.0.0/8, 999999999, 99]".to_owned(),
        6 => "!If [A, B, C]".to_owned(),
        7 => "!Join [!Join [a, [b]], !GetAZs '']".to_owned(),
        _ => values::json(rng, 0),
    };
    let member = rng.choice([
        "GroupDescription",
        "CidrBlock",
        "TopicName",
        "RoleName",
        "Tags",
        "LogGroupName",
    ]);
    let member = member.unwrap_or("");
    let body = match rng.u8(..8) {
        0 => format!("{{Resources: {}", "{a: ".repeat(rng.usize(..3_000))),
        1 => "a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d]\nResources: [*e,*e,*e,*e,*e,*e]".to_owned(),
        2 => values::object(rng, 0),
        3 => format!("Resources: {{A: {{Type: {kind}, DependsOn: B}}, B: {{Type: {kind}, DependsOn: A}}}}"),
        4 => format!("Parameters: {{P: {}}}\nResources: {{A: {{Type: {kind}}}}}", values::object(rng, 0)),
        5 => format!("Conditions: {{C: {value}}}\nResources: {{A: {{Type: {kind}, Condition: C}}}}"),
        _ => format!("Resources: {{A: {{Type: {kind}, Properties: {{{member}: {value}}}}}}}\nOutputs: {{O: {{Value: {value}}}}}"),
    };
    let action = rng.choice([
        "CreateStack",
        "ValidateTemplate",
        "GetTemplateSummary",
        "UpdateStack",
    ]);
    let form = format!(
        "Action={}&StackName=s{}&Capabilities.member.1=CAPABILITY_NAMED_IAM&TemplateBody={}",
        action.unwrap_or(""),
        rng.u16(..),
        encoded(&body)
    );
    request(
        place,
        "POST",
        "/",
        "cloudformation",
        &FORM,
        form.as_bytes(),
        rng,
    )
}
