//! Profiles of the shared AWS configuration files, and whose credentials are used.
//!
//! The SDK for Rust looks for keys in the environment first, whatever profile it is told. Here the order is that of the AWS CLI
//! (botocore, `create_credential_resolver`): a profile on the command line takes the keys of the environment out of the chain,
//! one in `AWS_PROFILE` does not. Unlike there, a profile that was named and holds no credentials is never replaced by those of
//! the machine.

use std::fmt;

use aws_config::SdkConfig;
use aws_config::profile::{self, ProfileFileCredentialsProvider};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};

use super::Target;
use crate::error::{Error, Result};

/// Where the credentials come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// The caller of the library gave a key.
    Given,
    /// The profile on the command line.
    Profile(String),
    /// The keys in the environment; the profile in `AWS_PROFILE` is passed over.
    Keys {
        /// What `AWS_PROFILE` names.
        passed_over: Option<String>,
    },
    /// The profile in `AWS_PROFILE`.
    ProfileVariable(String),
    /// The default profile, or whatever the machine offers.
    Default,
}

impl CredentialSource {
    /// Reads what decides. `variable` looks up the environment, in which an empty value counts as none.
    pub(super) fn of(target: &Target, variable: impl Fn(&str) -> Option<String>) -> Self {
        if target.session.credentials().is_some() {
            return Self::Given;
        }
        if let Some(profile) = &target.profile {
            return Self::Profile(profile.clone());
        }
        let profile = variable("AWS_PROFILE");
        let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        if keys.iter().all(|key| variable(key).is_some()) {
            return Self::Keys {
                passed_over: profile,
            };
        }
        profile.map_or(Self::Default, Self::ProfileVariable)
    }

    /// The profile that was named, whether or not it is used: a name that nobody knows is a mistake either way.
    fn named(&self) -> Option<&str> {
        match self {
            Self::Profile(name) | Self::ProfileVariable(name) => Some(name),
            Self::Keys { passed_over } => passed_over.as_deref(),
            Self::Given | Self::Default => None,
        }
    }

    /// Refuses a profile that the configuration files do not know.
    ///
    /// # Errors
    /// [`crate::error::Kind::Input`], with the profiles that they do know.
    pub(super) async fn check(&self) -> Result<()> {
        let Some(name) = self.named() else {
            return Ok(());
        };
        let files = EnvConfigFiles::default();
        let known = profile::load(&Fs::real(), &Env::real(), &files, None)
            .await
            .map_err(|e| Error::input("cannot read the AWS configuration files").caused_by(e))?;
        if known.get_profile(name).is_some() {
            return Ok(());
        }
        let mut names: Vec<_> = known.profiles().map(|known| format!("`{known}`")).collect();
        names.sort();
        let given = match self {
            Self::Profile(_) => "`--profile`",
            Self::Keys { .. } | Self::ProfileVariable(_) | Self::Given | Self::Default => {
                "`AWS_PROFILE`"
            }
        };
        let hint = if names.is_empty() {
            "make one with `aws configure`: the AWS configuration files have no profile".to_owned()
        } else {
            format!("choose one that there is: {}", names.join(", "))
        };
        Err(Error::input(format!(
            "{given} names `{name}`, and there is no such profile"
        ))
        .hint(hint))
    }

    /// The configuration with the credentials of the profile on the command line and no others.
    pub(super) fn apply(&self, sdk: SdkConfig, http: &SharedHttpClient) -> SdkConfig {
        let Self::Profile(name) = self else {
            return sdk;
        };
        // What a profile needs to ask for credentials: STS, IAM Identity Center.
        let config = ProviderConfig::without_region()
            .with_region(sdk.region().cloned())
            .with_http_client(http.clone())
            .with_use_fips(sdk.use_fips())
            .with_use_dual_stack(sdk.use_dual_stack());
        let provider = ProfileFileCredentialsProvider::builder()
            .configure(&config)
            .profile_name(name)
            .build();
        sdk.into_builder()
            .credentials_provider(SharedCredentialsProvider::new(provider))
            .build()
    }
}

impl fmt::Display for CredentialSource {
    /// As the end of "… in account …": empty where nobody chose.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given | Self::Default => Ok(()),
            Self::Profile(name) => write!(f, ", with the profile `{name}`"),
            Self::ProfileVariable(name) => write!(f, ", with the profile `{name}` (AWS_PROFILE)"),
            Self::Keys { .. } => f.write_str(", with the keys in the environment"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Session;

    /// AWS CLI user guide, "Configuration settings and precedence": command line, environment, then files; and botocore 1.44,
    /// `credentials.py`: keys in the environment win over `AWS_PROFILE` and lose against `--profile`.
    #[test]
    fn credentials_come_from_where_the_aws_cli_takes_them() {
        const KEYS: [(&str, &str); 2] = [
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
        ];
        let check =
            |flag: Option<&str>, environment: &[(&str, &str)], expected: CredentialSource| {
                let target = Target {
                    profile: flag.map(str::to_owned),
                    ..Target::default()
                };
                let variable = |name: &str| {
                    let found = environment.iter().find(|(key, _)| *key == name);
                    found.map(|(_, value)| (*value).to_owned())
                };
                assert_eq!(
                    CredentialSource::of(&target, variable),
                    expected,
                    "{flag:?} {environment:?}"
                );
            };
        let profile = ("AWS_PROFILE", "b");
        let [id, secret] = KEYS;
        let passed_over = Some("b".to_owned());
        check(
            Some("a"),
            &[id, secret, profile],
            CredentialSource::Profile("a".into()),
        );
        check(Some("a"), &[], CredentialSource::Profile("a".into()));
        check(
            None,
            &[id, secret, profile],
            CredentialSource::Keys { passed_over },
        );
        check(None, &KEYS, CredentialSource::Keys { passed_over: None });
        check(
            None,
            &[id, profile],
            CredentialSource::ProfileVariable("b".into()),
        );
        check(
            None,
            &[profile],
            CredentialSource::ProfileVariable("b".into()),
        );
        check(None, &[], CredentialSource::Default);
        let given = Target {
            session: Session::with_key("AKIA", "x", None),
            profile: Some("a".to_owned()),
            ..Target::default()
        };
        assert_eq!(
            CredentialSource::of(&given, |_| None),
            CredentialSource::Given
        );
    }
}
