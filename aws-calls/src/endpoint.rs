//! Where each service is.

use crate::config::Config;
use http::Uri;

/// The services that are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Ec2,
    ConfigService,
}

impl Service {
    /// The name in signatures and in AWS's host names; the two agree for both services.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::ConfigService => "config",
        }
    }
}

/// The partitions of AWS by the start of their regions' names, with the suffix of their hosts
/// (from the partitions file that AWS's SDKs share). Everything else is `amazonaws.com`,
/// GovCloud (`us-gov-`) included.
const SUFFIXES: [(&str, &str); 7] = [
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("us-gov-", "amazonaws.com"),
];

/// An endpoint that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an endpoint like `https://ec2.us-east-1.amazonaws.com`")]
pub struct EndpointError(String);

/// The URI that requests to `service` are posted to.
pub(crate) fn resolve(config: &Config, service: Service) -> Result<Uri, EndpointError> {
    let own = match service {
        Service::Ec2 => &config.ec2_endpoint_url,
        Service::ConfigService => &config.config_service_endpoint_url,
    };
    let url = match own.as_ref().or(config.endpoint_url.as_ref()) {
        Some(url) => url.clone(),
        None => default_url(&config.region, service)?,
    };
    let error = || EndpointError(url.clone());
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

fn default_url(region: &str, service: Service) -> Result<String, EndpointError> {
    // A region is a host label: anything else would send signed requests somewhere else.
    let label = !region.is_empty()
        && region
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !label {
        return Err(EndpointError(format!("(region {region})")));
    }
    let suffix = SUFFIXES
        .iter()
        .find(|(start, _)| region.starts_with(start))
        .map_or("amazonaws.com", |(_, suffix)| suffix);
    Ok(format!("https://{}.{region}.{suffix}", service.name()))
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
            resolve(config, Service::ConfigService).unwrap().to_string(),
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
