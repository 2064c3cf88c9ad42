//! How a client reaches AWS.

use crate::retry::Retry;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use std::path::PathBuf;
use std::time::Duration;

/// Region, endpoints, credentials, patience.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Like `us-east-1`. Part of every signature and of the default endpoints.
    pub region: String,
    /// One endpoint for every service, like `http://127.0.0.1:4566`; `None`: AWS's own.
    pub endpoint_url: Option<String>,
    /// An endpoint for EC2 alone; wins over `endpoint_url`.
    pub ec2_endpoint_url: Option<String>,
    /// An endpoint for Config alone; wins over `endpoint_url`.
    pub config_service_endpoint_url: Option<String>,
    /// An endpoint for Service Quotas alone; wins over `endpoint_url`.
    pub service_quotas_endpoint_url: Option<String>,
    /// Whether to use AWS's endpoints with validated cryptography.
    pub fips: bool,
    /// Whether to use AWS's endpoints that speak IPv6 as well as IPv4.
    pub dual_stack: bool,
    /// An endpoint for Secrets Manager alone; wins over `endpoint_url`.
    pub secrets_manager_endpoint_url: Option<String>,
    /// An endpoint for SNS alone; wins over `endpoint_url`.
    pub sns_endpoint_url: Option<String>,
    /// An endpoint for SSM alone; wins over `endpoint_url`.
    pub ssm_endpoint_url: Option<String>,
    /// A file of certificates in PEM: the authorities to trust instead of the public ones. For endpoints and webhooks
    /// behind a proxy that opens TLS.
    pub ca_bundle: Option<PathBuf>,
    /// Whence the credentials come. Asked again once they are about to expire.
    pub credentials: SharedCredentialsProvider,
    /// How long to wait for one attempt.
    pub timeouts: Timeouts,
    /// How often to try.
    pub retry: Retry,
}

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a TCP connection.
    pub connect: Duration,
    /// For one attempt as a whole: connection, TLS, request and the complete answer.
    pub attempt: Duration,
}

impl Default for Timeouts {
    /// 3 s to connect: within a region a generous time for a handshake and its repetition. 10 s
    /// for an attempt: EC2 answers in tenths of a second, under load in a few. Four attempts at
    /// several calls in a row may pass a function's time-out; [`Client::until`](crate::Client::until)
    /// keeps them within it.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            attempt: Duration::from_secs(10),
        }
    }
}

/// An environment in which a function cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("environment variable `{name}` is not set")]
pub struct ConfigError {
    /// The variable.
    pub name: &'static str,
}

impl Config {
    /// AWS's own endpoints in `region`, the default patience.
    #[must_use]
    pub fn new(region: impl Into<String>, credentials: SharedCredentialsProvider) -> Self {
        Self {
            region: region.into(),
            endpoint_url: None,
            ec2_endpoint_url: None,
            config_service_endpoint_url: None,
            service_quotas_endpoint_url: None,
            fips: false,
            dual_stack: false,
            secrets_manager_endpoint_url: None,
            sns_endpoint_url: None,
            ssm_endpoint_url: None,
            ca_bundle: None,
            credentials,
            timeouts: Timeouts::default(),
            retry: Retry::default(),
        }
    }

    /// What Lambda puts into a function's environment: region, keys and session token, and the
    /// endpoints if somebody overrides them or asks for others of AWS's.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable that is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let need = |name: &'static str| get(name).ok_or(ConfigError { name });
        let region = match get("AWS_REGION").or_else(|| get("AWS_DEFAULT_REGION")) {
            Some(region) => region,
            None => return Err(ConfigError { name: "AWS_REGION" }),
        };
        let mut credentials = Credentials::builder()
            .access_key_id(need("AWS_ACCESS_KEY_ID")?)
            .secret_access_key(need("AWS_SECRET_ACCESS_KEY")?)
            .provider_name("environment");
        credentials.set_session_token(get("AWS_SESSION_TOKEN"));
        let mut config = Self::new(region, SharedCredentialsProvider::new(credentials.build()));
        config.ca_bundle = get("AWS_CA_BUNDLE").map(PathBuf::from);
        let is = |name: &str| get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        config.fips = is("AWS_USE_FIPS_ENDPOINT");
        config.dual_stack = is("AWS_USE_DUALSTACK_ENDPOINT");
        if !is("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
            config.endpoint_url = get("AWS_ENDPOINT_URL");
            config.ec2_endpoint_url = get("AWS_ENDPOINT_URL_EC2");
            config.ssm_endpoint_url = get("AWS_ENDPOINT_URL_SSM");
            config.secrets_manager_endpoint_url = get("AWS_ENDPOINT_URL_SECRETS_MANAGER");
            config.sns_endpoint_url = get("AWS_ENDPOINT_URL_SNS");
            config.config_service_endpoint_url = get("AWS_ENDPOINT_URL_CONFIG_SERVICE");
            config.service_quotas_endpoint_url = get("AWS_ENDPOINT_URL_SERVICE_QUOTAS");
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn lookup<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    const KEYS: [(&str, &str); 3] = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];

    #[test]
    fn what_is_missing_is_named() {
        for (i, (name, _)) in KEYS.iter().enumerate() {
            let mut pairs = KEYS.to_vec();
            pairs.remove(i);
            assert_eq!(Config::from_lookup(lookup(&pairs)).unwrap_err().name, *name);
            pairs.push((name, ""));
            assert_eq!(Config::from_lookup(lookup(&pairs)).unwrap_err().name, *name);
        }
    }

    #[test]
    fn the_standard_settings_choose_among_the_endpoints() {
        let mut pairs = KEYS.to_vec();
        let chosen = |pairs: &[_]| {
            let config = Config::from_lookup(lookup(pairs)).unwrap();
            (config.fips, config.dual_stack)
        };
        assert_eq!(chosen(&pairs), (false, false));
        pairs.push(("AWS_USE_FIPS_ENDPOINT", "True"));
        assert_eq!(chosen(&pairs), (true, false));
        pairs.push(("AWS_USE_DUALSTACK_ENDPOINT", "true"));
        assert_eq!(chosen(&pairs), (true, true));
        pairs[3].1 = "false";
        assert_eq!(chosen(&pairs), (false, true));
    }

    #[test]
    fn endpoints_come_from_the_environment_unless_ignored() {
        let mut pairs = KEYS.to_vec();
        pairs.push(("AWS_ENDPOINT_URL", "http://127.0.0.1:1"));
        pairs.push(("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:2"));
        let config = Config::from_lookup(lookup(&pairs)).unwrap();
        assert_eq!(config.region, "eu-west-1");
        assert_eq!(config.endpoint_url.as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(
            config.ec2_endpoint_url.as_deref(),
            Some("http://127.0.0.1:2")
        );
        assert_eq!(config.config_service_endpoint_url, None);
        pairs.push(("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"));
        assert_eq!(
            Config::from_lookup(lookup(&pairs)).unwrap().endpoint_url,
            None
        );
    }
}
