//! Whose credentials they are, as their ARN says it.

/// A principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The account's root user.
    Root,
    /// An IAM user.
    User {
        /// Its ARN.
        arn: String,
    },
    /// A session of a role, as from a profile with `role_arn`, from IAM Identity Center or on an instance.
    Session {
        /// The role's name; the session's ARN leaves its path out.
        role: String,
    },
    /// Anything else, like a federated user: IAM cannot be asked about it.
    Other,
}

impl Caller {
    /// From the ARN that STS answers.
    pub fn of(arn: &str) -> Self {
        let mut parts = arn.splitn(6, ':').skip(2);
        let service = parts.next().unwrap_or_default();
        let resource = parts.nth(2).unwrap_or_default();
        match (service, resource.split_once('/')) {
            ("iam", None) if resource == "root" => Self::Root,
            ("iam", Some(("user", _))) => Self::User {
                arn: arn.to_owned(),
            },
            ("sts", Some(("assumed-role", rest))) => Self::Session {
                role: rest.split('/').next().unwrap_or_default().to_owned(),
            },
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_principal_is_told_apart_in_every_partition() {
        let user = "arn:aws:iam::123456789012:user/team/ann".to_owned();
        for (arn, expected) in [
            ("arn:aws:iam::123456789012:root", Caller::Root),
            ("arn:aws-cn:iam::123456789012:root", Caller::Root),
            (&user, Caller::User { arn: user.clone() }),
            // A user may be called root.
            (
                "arn:aws:iam::123456789012:user/root",
                Caller::User {
                    arn: "arn:aws:iam::123456789012:user/root".to_owned(),
                },
            ),
            (
                "arn:aws-us-gov:sts::123456789012:assumed-role/Admin/ann@example.com",
                Caller::Session {
                    role: "Admin".to_owned(),
                },
            ),
            (
                "arn:aws:sts::123456789012:federated-user/ann",
                Caller::Other,
            ),
            ("", Caller::Other),
        ] {
            assert_eq!(Caller::of(arn), expected, "{arn}");
        }
    }
}
