//! What there is, without what is secret.

use serde_json::Value;

use super::create::id;
use super::secret::Secret;
use super::{accept, invalid};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::listing::{self, PageSize};
use crate::sandbox::Call;

/// Secrets on one page at most, and unless asked for fewer.
const PAGE: usize = 100;

pub(super) fn describe(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept("DescribeSecret", input, &["SecretId"])?;
    let secret = call.here().secretsmanager.require(id(input)?)?;
    Ok(secret.describe("VersionIdsToStages"))
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        "ListSecrets",
        input,
        &[
            "IncludePlannedDeletion",
            "MaxResults",
            "NextToken",
            "Filters",
        ],
    )?;
    let all = input.flag("IncludePlannedDeletion")?.unwrap_or(false);
    let size = PageSize::up_to(PAGE).of(input, "MaxResults", |_| {
        invalid(format!("MaxResults must be between 1 and {PAGE}"))
    })?;
    let filters: Vec<Filter> = input
        .list("Filters")
        .iter()
        .map(Filter::read)
        .collect::<Result<_, _>>()?;
    let secrets = call.here().secretsmanager.secrets.values();
    let wanted = secrets.filter(|secret| {
        (all || secret.deletion.is_none()) && filters.iter().all(|filter| filter.matches(secret))
    });
    let shown = wanted.map(|secret| (&secret.name, secret.describe("SecretVersionsToStages")));
    let page = listing::cut(shown, input.text("NextToken"), size);
    Ok(listing::answer("SecretList", page))
}

/// One condition: any of its values as the beginning of what it looks at; `!` in front turns a value around.
struct Filter {
    key: Key,
    values: Vec<String>,
}

#[derive(Clone, Copy)]
enum Key {
    Name,
    Description,
    Tagged,
    Valued,
}

impl Filter {
    fn read(given: &Value) -> Result<Self, ApiError> {
        let key = match given.text("Key").unwrap_or_default() {
            "name" => Key::Name,
            "description" => Key::Description,
            "tag-key" => Key::Tagged,
            "tag-value" => Key::Valued,
            known @ ("primary-region" | "owning-service" | "all") => {
                let what = format!("ListSecrets with filter {known}");
                return Err(ApiError::not_implemented("secretsmanager", &what));
            }
            other => {
                return Err(ApiError::bad(
                    "ValidationException",
                    format!(
                        "1 validation error detected: Value '{other}' at 'filters.1.member.key' failed to satisfy constraint: Member must satisfy enum value set: [all, name, tag-key, description, tag-value, primary-region, owning-service]"
                    ),
                ));
            }
        };
        Ok(Self {
            key,
            values: given.texts("Values"),
        })
    }

    fn matches(&self, secret: &Secret) -> bool {
        let has = |wanted: &str| match self.key {
            Key::Name => secret.name.starts_with(wanted),
            Key::Description => {
                let text = secret.description.as_deref().unwrap_or_default();
                text.to_lowercase().starts_with(&wanted.to_lowercase())
            }
            Key::Tagged => secret.tags.keys().any(|key| key.starts_with(wanted)),
            Key::Valued => secret.tags.values().any(|value| value.starts_with(wanted)),
        };
        self.values
            .iter()
            .any(|value| match value.strip_prefix('!') {
                Some(unwanted) => !has(unwanted),
                None => has(value),
            })
    }
}
