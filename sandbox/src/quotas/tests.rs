#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::*;
use crate::sandbox::Settings;
use crate::service::Service;
use crate::testing::World;

async fn quota(world: &World, service: &str, code: &str) -> Result<f64, ApiError> {
    let input = json!({"ServiceCode": service, "QuotaCode": code});
    let answer = world.call("GetServiceQuota", input).await?;
    Ok(answer["Quota"]["Value"].as_f64().unwrap())
}

/// What is said is what is enforced: as many as the quota allows can be made, and one more cannot.
#[tokio::test]
async fn the_quotas_of_the_network_hold() {
    let world: World = World::start(Service::Quotas);
    for (code, name, input, there, refusal) in [
        (
            "L-F678F1CE",
            "CreateVpc",
            json!({"CidrBlock": "10.0.0.0/16"}),
            // The default VPC and its gateway are there already.
            1,
            "VpcLimitExceeded",
        ),
        (
            "L-A4707A72",
            "CreateInternetGateway",
            json!({}),
            1,
            "InternetGatewayLimitExceeded",
        ),
    ] {
        let most = quota(&world, "vpc", code).await.unwrap();
        for _ in there..most as usize {
            world.of(Service::Ec2).ok(name, input.clone()).await;
        }
        let refused = world.of(Service::Ec2).refusal(name, input).await;
        assert_eq!(refused.code, refusal);
    }
}

#[tokio::test]
async fn lambdas_quota_is_what_the_sandbox_was_told() {
    let settings = Settings {
        lambda_concurrency: Some(10),
        ..Settings::default()
    };
    let world: World = World::start_with(Service::Quotas, settings);
    assert_eq!(quota(&world, "lambda", CONCURRENCY).await.unwrap(), 10.0);
    let input = json!({"ServiceCode": "lambda", "QuotaCode": CONCURRENCY});
    let default = world.call("GetAWSDefaultServiceQuota", input);
    assert_eq!(default.await.unwrap()["Quota"]["Value"], json!(1000.0));
}

#[tokio::test]
async fn what_is_not_known_is_refused() {
    let world: World = World::start(Service::Quotas);
    for (service, code) in [("vpc", "L-00000000"), ("kms", "L-F678F1CE")] {
        let refused = quota(&world, service, code).await.unwrap_err();
        assert_eq!(refused.code, "NoSuchResourceException", "{service}");
    }
    let list = |input| world.call("ListServiceQuotas", input);
    let refused = list(json!({"ServiceCode": "kms"})).await.unwrap_err();
    assert_eq!(refused.code, "NoSuchResourceException");
    let refused = list(json!({"ServiceCode": "vpc", "NextToken": "x"})).await;
    assert_eq!(refused.unwrap_err().code, "InvalidPaginationTokenException");
    let by_quota = list(json!({"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"})).await;
    assert_eq!(by_quota.unwrap_err().code, "NotImplemented");
}

#[tokio::test]
async fn pages_cover_everything_once() {
    let world: World = World::start(Service::Quotas);
    let mut seen = Vec::new();
    let mut input = json!({"ServiceCode": "vpc", "MaxResults": 3});
    loop {
        let page = world.call("ListServiceQuotas", input.clone());
        let page = page.await.unwrap();
        for quota in page["Quotas"].as_array().unwrap() {
            seen.push(quota["QuotaCode"].as_str().unwrap().to_owned());
        }
        match page.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(
        seen,
        ["L-0EA8095F", "L-A4707A72", "L-E79EC296", "L-F678F1CE"]
    );
}
