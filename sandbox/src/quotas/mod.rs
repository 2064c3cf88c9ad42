//! Service Quotas: how much there may be. The numbers are AWS's defaults, and those that the sandbox enforces; nothing
//! raises them here.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::Access;
use crate::ids::AccountId;
use crate::listing::PageSize;
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};
use crate::{ec2, events, iam, lambda};

#[cfg(test)]
mod tests;

/// How many quotas a page has at most, and unless asked for fewer.
const PAGE: usize = 100;

/// A quota.
struct Quota {
    service: &'static str,
    code: &'static str,
    name: &'static str,
    /// AWS's default.
    default: usize,
    adjustable: bool,
    /// Whether it is one for all regions.
    global: bool,
}

const fn regional(
    service: &'static str,
    code: &'static str,
    name: &'static str,
    default: usize,
) -> Quota {
    Quota {
        service,
        code,
        name,
        default,
        adjustable: true,
        global: false,
    }
}

/// Every quota that the sandbox enforces and that Service Quotas knows, ordered by service and code.
const QUOTAS: &[Quota] = &[
    regional("events", "L-244521F2", "Number of rules", events::MAX_RULES),
    Quota {
        global: true,
        ..regional(
            "iam",
            "L-0DA4ABF3",
            "Managed policies per role",
            iam::MAX_ATTACHED,
        )
    },
    Quota {
        global: true,
        ..regional("iam", "L-FE177D64", "Roles per account", iam::MAX_ROLES)
    },
    regional(
        "lambda",
        CONCURRENCY,
        "Concurrent executions",
        lambda::ACCOUNT_LIMIT as usize,
    ),
    regional(
        "vpc",
        "L-0EA8095F",
        "Inbound or outbound rules per security group",
        ec2::MAX_RULES_PER_GROUP,
    ),
    regional(
        "vpc",
        "L-A4707A72",
        "Internet gateways per Region",
        ec2::MAX_GATEWAYS,
    ),
    regional(
        "vpc",
        "L-E79EC296",
        "VPC security groups per Region",
        ec2::MAX_GROUPS,
    ),
    regional("vpc", "L-F678F1CE", "VPCs per Region", ec2::MAX_VPCS),
];

/// The one quota whose value the sandbox can be told.
const CONCURRENCY: &str = "L-B99A9384";

/// The services by their codes.
const SERVICES: &[(&str, &str)] = &[
    ("events", "Amazon EventBridge (CloudWatch Events)"),
    ("iam", "AWS Identity and Access Management (IAM)"),
    ("lambda", "AWS Lambda"),
    ("s3", "Amazon Simple Storage Service (Amazon S3)"),
    ("vpc", "Amazon Virtual Private Cloud (Amazon VPC)"),
];

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let input = &operation.input;
    let answer = match operation.name.as_str() {
        "GetServiceQuota" => one(call, input, applied)?,
        "GetAWSDefaultServiceQuota" => one(call, input, by_default)?,
        "ListServiceQuotas" => list(call, input, applied)?,
        "ListAWSDefaultServiceQuotas" => list(call, input, by_default)?,
        "ListServices" => {
            let services = SERVICES
                .iter()
                .map(|(code, name)| json!({"ServiceCode": code, "ServiceName": name}));
            page(input, "Services", services.collect())?
        }
        name => return Err(ApiError::not_implemented("servicequotas", name)),
    };
    Ok(answer.into())
}

pub(crate) fn required_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let input = &operation.input;
    // Reading one quota can be limited to it; the lists know no resources.
    let resource = match (input.text("ServiceCode"), input.text("QuotaCode")) {
        (Some(service), Some(code)) => call.arn("servicequotas", &format!("{service}/{code}")),
        (Some(_) | None, _) => "*".to_owned(),
    };
    vec![Access::on("servicequotas", &operation.name, resource)]
}

/// How much may be there, and whether AWS's default is meant.
type Meant = fn(&Call<'_>, &Quota) -> usize;

fn applied(call: &Call<'_>, quota: &Quota) -> usize {
    if quota.code == CONCURRENCY {
        return lambda::account_limit(call) as usize;
    }
    quota.default
}

fn by_default(_call: &Call<'_>, quota: &Quota) -> usize {
    quota.default
}

fn one(call: &Call<'_>, input: &Value, meant: Meant) -> Result<Value, ApiError> {
    refuse_others(input, &["ServiceCode", "QuotaCode"])?;
    let (service, code) = (
        required(input, "ServiceCode")?,
        required(input, "QuotaCode")?,
    );
    let quota = QUOTAS
        .iter()
        .find(|quota| quota.service == service && quota.code == code)
        .ok_or_else(no_such)?;
    Ok(json!({"Quota": shown(call, quota, meant)}))
}

fn list(call: &Call<'_>, input: &Value, meant: Meant) -> Result<Value, ApiError> {
    refuse_others(input, &["ServiceCode", "MaxResults", "NextToken"])?;
    let service = required(input, "ServiceCode")?;
    if !SERVICES.iter().any(|(code, _)| *code == service) {
        return Err(no_such());
    }
    let quotas = QUOTAS.iter().filter(|quota| quota.service == service);
    let quotas = quotas.map(|quota| shown(call, quota, meant)).collect();
    page(input, "Quotas", quotas)
}

fn shown(call: &Call<'_>, quota: &Quota, meant: Meant) -> Value {
    let service = SERVICES.iter().find(|(code, _)| *code == quota.service);
    let arn = call.arn(
        "servicequotas",
        &format!("{}/{}", quota.service, quota.code),
    );
    // What is one for all regions has an ARN without a region.
    let arn = if quota.global {
        let account: &AccountId = &call.account.id;
        let partition = call.region.partition();
        format!(
            "arn:{partition}:servicequotas::{account}:{}/{}",
            quota.service, quota.code
        )
    } else {
        arn
    };
    json!({
        "ServiceCode": quota.service,
        "ServiceName": service.map(|(_, name)| name),
        "QuotaArn": arn,
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        // A double in AWS's model.
        "Value": meant(call, quota) as f64,
        "Unit": "None",
        "Adjustable": quota.adjustable,
        "GlobalQuota": quota.global,
        "QuotaAppliedAtLevel": "ACCOUNT",
    })
}

fn page(input: &Value, member: &str, items: Vec<Value>) -> Result<Value, ApiError> {
    let size = PageSize::up_to(PAGE).of(input, "MaxResults", |_| {
        illegal("MaxResults must be from 1 to 100")
    })?;
    let start = match input.text("NextToken") {
        None => 0,
        Some(token) => token
            .parse()
            .ok()
            .filter(|start| (1..items.len()).contains(start))
            .ok_or_else(|| {
                ApiError::bad(
                    "InvalidPaginationTokenException",
                    "Invalid NextToken was provided.",
                )
            })?,
    };
    let rest = items.get(start..).unwrap_or_default();
    let (shown, rest) = rest.split_at(rest.len().min(size));
    let mut answer = json!({ member: shown });
    if !rest.is_empty() {
        answer["NextToken"] = json!((start + size).to_string());
    }
    Ok(answer)
}

/// Refuses members that would be ignored.
fn refuse_others(input: &Value, known: &[&str]) -> Result<(), ApiError> {
    let members = input.as_object().into_iter().flatten();
    match members
        .filter(|(_, value)| !value.is_null())
        .find(|(name, _)| !known.contains(&name.as_str()))
    {
        Some((name, _)) => Err(ApiError::not_implemented(
            "servicequotas",
            &format!("the member {name}"),
        )),
        None => Ok(()),
    }
}

fn required<'a>(input: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    input
        .text(name)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| illegal(format!("{name} must not be empty")))
}

fn illegal(message: impl Into<String>) -> ApiError {
    ApiError::bad("IllegalArgumentException", message)
}

fn no_such() -> ApiError {
    ApiError::bad(
        "NoSuchResourceException",
        "The request failed because the specified service or quota does not exist.",
    )
}
