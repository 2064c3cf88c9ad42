//! Where each service is.

use crate::config::Config;
use http::Uri;

/// The services that are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Ec2,
    Config,
    Quotas,
    SecretsManager,
    Sns,
    Ssm,
}

impl Service {
    /// The name in signatures and in AWS's host names; the two agree for all of them.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Config => "config",
            Self::Quotas => "servicequotas",
            Self::SecretsManager => "secretsmanager",
            Self::Sns => "sns",
            Self::Ssm => "ssm",
        }
    }
}

/// A partition of AWS: regions whose names begin alike, and the suffixes of their hosts.
struct Partition {
    /// How the names of its regions begin.
    regions: &'static str,
    suffix: &'static str,
    /// The suffix of hosts that speak IPv6 as well as IPv4.
    dual_stack: &'static str,
}

const fn partition(
    regions: &'static str,
    suffix: &'static str,
    dual_stack: &'static str,
) -> Partition {
    Partition {
        regions,
        suffix,
        dual_stack,
    }
}

/// From the partitions file that AWS's SDKs share. The last one takes every other region.
const PARTITIONS: [Partition; 8] = [
    partition("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    partition("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    partition("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    partition("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    partition("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    partition("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    partition(GOVCLOUD, "amazonaws.com", "api.aws"),
    partition("", "amazonaws.com", "api.aws"),
];

const GOVCLOUD: &str = "us-gov-";

/// An endpoint that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// A text that is no endpoint.
    #[error("`{0}` is not an endpoint like `https://ec2.us-east-1.amazonaws.com`")]
    Unusable(String),
    /// An endpoint was given, and FIPS or dual-stack endpoints were asked for. Which of the two is meant is nobody's to
    /// guess; AWS's own SDKs refuse it too.
    #[error("the endpoint `{url}` cannot be used, because {variant} endpoints are asked for")]
    Contradiction {
        /// The endpoint.
        url: String,
        /// `FIPS` or `dual-stack`.
        variant: &'static str,
    },
}

/// The URI that requests to `service` are posted to.
pub(crate) fn resolve(config: &Config, service: Service) -> Result<Uri, EndpointError> {
    let own = match service {
        Service::Ec2 => &config.ec2_endpoint_url,
        Service::Config => &config.config_service_endpoint_url,
        Service::Quotas => &config.service_quotas_endpoint_url,
        Service::SecretsManager => &config.secrets_manager_endpoint_url,
        Service::Sns => &config.sns_endpoint_url,
        Service::Ssm => &config.ssm_endpoint_url,
    };
    let url = match own.as_ref().or(config.endpoint_url.as_ref()) {
        Some(url) => given(config, url)?,
        None => default_url(config, service)?,
    };
    let error = || EndpointError::Unusable(url.clone());
    let uri: Uri = format!("{}/", url.trim_end_matches('/'))
        .parse()
        .map_err(|_| error())?;
    let supported = matches!(uri.scheme_str(), Some("http" | "https"));
    if supported && uri.host().is_some_and(|host| !host.is_empty()) && uri.query().is_none() {
        Ok(uri)
    } else {
        Err(error())
    }
}

fn given(config: &Config, url: &str) -> Result<String, EndpointError> {
    let variant = match (config.fips, config.dual_stack) {
        (true, _) => "FIPS",
        (false, true) => "dual-stack",
        (false, false) => return Ok(url.to_owned()),
    };
    Err(EndpointError::Contradiction {
        url: url.to_owned(),
        variant,
    })
}

/// AWS's own endpoint, by the endpoint rules in AWS's models of these services.
fn default_url(config: &Config, service: Service) -> Result<String, EndpointError> {
    let region = &config.region;
    // A region is a host label: anything else would send signed requests somewhere else.
    let label = !region.is_empty()
        && region
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let partition = PARTITIONS
        .iter()
        .find(|partition| region.starts_with(partition.regions))
        .filter(|_| label)
        .ok_or_else(|| EndpointError::Unusable(format!("(region {region})")))?;
    // In GovCloud the ordinary endpoints are FIPS endpoints, but for those that speak IPv6 too.
    let named = config.fips && (config.dual_stack || partition.regions != GOVCLOUD);
    let fips = if named { "-fips" } else { "" };
    let suffix = if config.dual_stack {
        partition.dual_stack
    } else {
        partition.suffix
    };
    Ok(format!(
        "https://{}{fips}.{region}.{suffix}",
        service.name()
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;

    fn config(region: &str) -> Config {
        let keys = Credentials::new("AKID", "secret", None, None, "test");
        Config::new(region, SharedCredentialsProvider::new(keys))
    }

    fn check(config: &Config, ec2: &str, config_service: &str) {
        assert_eq!(resolve(config, Service::Ec2).unwrap().to_string(), ec2);
        assert_eq!(
            resolve(config, Service::Config).unwrap().to_string(),
            config_service
        );
    }

    #[test]
    fn every_partition_has_its_suffix() {
        for (region, suffix) in [
            ("us-east-1", "amazonaws.com"),
            ("cn-north-1", "amazonaws.com.cn"),
            ("us-gov-west-1", "amazonaws.com"),
            ("us-iso-east-1", "c2s.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov"),
        ] {
            check(
                &config(region),
                &format!("https://ec2.{region}.{suffix}/"),
                &format!("https://config.{region}.{suffix}/"),
            );
        }
    }

    /// What `endpoint-rule-set-1.json` of EC2, Config and Service Quotas in botocore say.
    #[test]
    fn fips_and_dual_stack_endpoints_follow_the_rules_of_the_models() {
        for (region, fips, dual_stack, expected) in [
            ("us-east-1", true, false, "-fips.us-east-1.amazonaws.com"),
            ("us-east-1", false, true, ".us-east-1.api.aws"),
            ("us-east-1", true, true, "-fips.us-east-1.api.aws"),
            ("us-gov-west-1", true, false, ".us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", true, true, "-fips.us-gov-west-1.api.aws"),
            (
                "cn-north-1",
                false,
                true,
                ".cn-north-1.api.amazonwebservices.com.cn",
            ),
            (
                "cn-north-1",
                true,
                false,
                "-fips.cn-north-1.amazonaws.com.cn",
            ),
        ] {
            let mut config = config(region);
            config.fips = fips;
            config.dual_stack = dual_stack;
            check(
                &config,
                &format!("https://ec2{expected}/"),
                &format!("https://config{expected}/"),
            );
        }
    }

    #[test]
    fn an_endpoint_and_a_variant_contradict_each_other() {
        let mut config = config("us-east-1");
        config.ec2_endpoint_url = Some("http://127.0.0.1:1".to_owned());
        config.fips = true;
        assert_eq!(
            resolve(&config, Service::Ec2).unwrap_err().to_string(),
            "the endpoint `http://127.0.0.1:1` cannot be used, because FIPS endpoints are asked for"
        );
        // The other service has none of its own.
        assert!(resolve(&config, Service::Config).is_ok());
    }

    #[test]
    fn the_more_particular_endpoint_wins() {
        let mut config = config("us-east-1");
        config.endpoint_url = Some("http://127.0.0.1:1/".to_owned());
        check(&config, "http://127.0.0.1:1/", "http://127.0.0.1:1/");
        config.ec2_endpoint_url = Some("https://example.org/proxy".to_owned());
        check(&config, "https://example.org/proxy/", "http://127.0.0.1:1/");
        config.config_service_endpoint_url = Some("http://localhost:2".to_owned());
        check(&config, "https://example.org/proxy/", "http://localhost:2/");
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for url in [
            "",
            "localhost:1",
            "ftp://host",
            "http://",
            "http://host?x=y",
            "not a url",
        ] {
            let mut config = config("us-east-1");
            config.endpoint_url = Some(url.to_owned());
            assert!(resolve(&config, Service::Ec2).is_err(), "{url:?}");
        }
        assert!(resolve(&config("evil.example/#"), Service::Ec2).is_err());
    }
}
