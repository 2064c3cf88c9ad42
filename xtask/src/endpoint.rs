//! Which AWS a program that xtask starts will talk to: a sandbox here, or the user's own account.

use std::env;
use std::process::Command;

use crate::failure::{Exit, Failure};
use crate::sandbox::Sandbox;
use crate::sandbox::keys::Keys;

/// The account that the sandbox shows unless another is asked for; AWS's documentation uses it as an example.
pub(crate) const DEFAULT_ACCOUNT: &str = "123456789012";
pub(crate) const DEFAULT_REGION: &str = "us-east-1";

/// Who is told about changes inside a sandbox, where mail goes nowhere; the domain is reserved for examples.
pub(crate) const SANDBOX_EMAIL: &str = "student@example.com";

/// An AWS account id: twelve digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account(String);

impl std::str::FromStr for Account {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("an AWS account is twelve digits".to_owned())
        }
    }
}

impl std::fmt::Display for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who is speaking to the sandbox, and where.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Identity {
    /// The account inside the sandbox: twelve digits
    #[arg(long, default_value = DEFAULT_ACCOUNT, value_name = "ID")]
    pub(crate) account: Account,
    /// The region inside the sandbox
    #[arg(long, default_value = DEFAULT_REGION, value_name = "REGION")]
    pub(crate) region: String,
}

/// What opens `/_sandbox/`, as `Authorization: Bearer …`.
const SECRET: &str = "DRIFTLAB_SANDBOX_SECRET";

/// Variables that would win over what is set here, or lead a client away from it.
const CONFLICTING: [&str; 7] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
];

impl Identity {
    /// What any AWS client needs in its environment to find the sandbox, and nothing but the sandbox.
    fn variables(&self, sandbox: &Sandbox, keys: &Keys) -> [(&'static str, String); 9] {
        [
            ("AWS_ENDPOINT_URL", sandbox.endpoint.clone()),
            ("AWS_ACCESS_KEY_ID", keys.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key.clone()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_DEFAULT_REGION", self.region.clone()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("NO_PROXY", "127.0.0.1".to_owned()),
        ]
    }

    /// Points a program at the sandbox; nothing of the user's own AWS settings reaches it.
    pub(crate) fn apply(&self, command: &mut Command, sandbox: &Sandbox, keys: &Keys) {
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        // Some clients prefer the lower-case spelling.
        command.env_remove("no_proxy");
        // A client of AWS's API has no use for what opens `/_sandbox/`.
        command.env_remove(SECRET);
        command.envs(self.variables(sandbox, keys));
    }

    /// The same for a shell: lines that `eval` understands.
    pub(crate) fn shell_lines(&self, sandbox: &Sandbox, keys: &Keys) -> Result<String, Failure> {
        // The region is the only free text; a shell must not be able to read anything else into it.
        if self.region.is_empty()
            || !self
                .region
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            return Err(Failure::new(
                Exit::Usage,
                format!("`{}` is no region", self.region),
            ));
        }
        let mut lines = format!("unset {}\n", CONFLICTING.join(" "));
        let secret = (SECRET, keys.bearer.clone());
        for (name, value) in self.variables(sandbox, keys).into_iter().chain([secret]) {
            lines.push_str(&format!("export {name}='{value}'\n"));
        }
        Ok(lines.trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    #[test]
    fn an_account_is_twelve_digits() {
        assert_eq!(
            "000000000042".parse::<Account>().unwrap().to_string(),
            "000000000042"
        );
        for text in [
            "",
            "12345678901",
            "1234567890123",
            "12345678901a",
            "१२३४५६७८९०१२",
        ] {
            assert!(text.parse::<Account>().is_err(), "{text}");
        }
    }

    fn sandbox() -> (Sandbox, Keys) {
        let sandbox = Sandbox {
            endpoint: "http://127.0.0.1:1".to_owned(),
            pid: 1,
            instance: "one".to_owned(),
            state_file: "/nowhere".into(),
        };
        let keys = Keys {
            access_key_id: DEFAULT_ACCOUNT.to_owned(),
            secret_access_key: "secret".to_owned(),
            bearer: "bearer".to_owned(),
        };
        (sandbox, keys)
    }

    fn identity(region: &str) -> Identity {
        Identity {
            account: DEFAULT_ACCOUNT.parse().unwrap(),
            region: region.to_owned(),
        }
    }

    #[test]
    fn program_at_the_sandbox_gets_neither_the_bearer_nor_a_second_list_of_proxies() {
        let (sandbox, keys) = sandbox();
        let mut command = Command::new("true");
        command.env(SECRET, "bearer").env("no_proxy", "example.com");
        identity(DEFAULT_REGION).apply(&mut command, &sandbox, &keys);
        let given = |wanted: &str| {
            let mut all = command.get_envs();
            let found = all.find(|(name, _)| *name == wanted);
            found
                .and_then(|(_, value)| value)
                .map(|value| value.to_str().unwrap())
        };
        assert_eq!(given(SECRET), None);
        assert_eq!(given("no_proxy"), None);
        assert_eq!(given("NO_PROXY"), Some("127.0.0.1"));
        assert_eq!(given("AWS_ENDPOINT_URL"), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn a_region_cannot_smuggle_a_command_into_the_shell() {
        let (sandbox, keys) = sandbox();
        assert!(
            identity("eu-west-1")
                .shell_lines(&sandbox, &keys)
                .unwrap()
                .contains("export AWS_REGION='eu-west-1'")
        );
        assert!(
            identity("x'; touch /tmp/x; '")
                .shell_lines(&sandbox, &keys)
                .is_err()
        );
    }
}
