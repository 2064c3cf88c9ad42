//! From what a scenario says to what is sent or expected.

use std::collections::BTreeMap;
use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

/// Replaces `${name}` in texts, `{$json: x}` by the text of `x`, `{$zip: {name: text}}` by the bytes of such an archive,
/// `{$text: [text, count]}` by a repeated text, `{$list: [count, x]}` by a list whose items have `${i}` from 1,
/// `{$int: text}` by the number that the text is, `{$lists: [x, y]}` by one list of the items of these.
///
/// # Errors
/// When there is no such variable.
pub(crate) fn fill(value: &Value, variables: &BTreeMap<String, Value>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => fill_text(text, variables)?,
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| fill(item, variables))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(members) => {
            if let Some(content) = members.get("$json") {
                return Ok(json!(fill(content, variables)?.to_string()));
            }
            if let Some(Value::Object(files)) = members.get("$zip") {
                return Ok(json!({"$bytes": BASE64_STANDARD.encode(archive(files))}));
            }
            if let Some(text) = members.get("$int") {
                let text = fill(text, variables)?;
                let number = text.as_str().and_then(|text| text.parse::<i64>().ok());
                return number
                    .map_or_else(|| Err(format!("{text} is no number")), |n| Ok(json!(n)));
            }
            if let Some(repeated) = members.get("$text") {
                let count = repeated[1].as_u64().unwrap_or_default();
                let text = repeated[0].as_str().unwrap_or_default();
                return Ok(json!(
                    text.repeat(usize::try_from(count).unwrap_or_default())
                ));
            }
            if let Some(list) = members.get("$list") {
                let mut variables = variables.clone();
                let mut items = Vec::new();
                for i in 1..=list[0].as_u64().unwrap_or_default() {
                    variables.insert("i".to_owned(), json!(i.to_string()));
                    items.push(fill(&list[1], &variables)?);
                }
                return Ok(Value::Array(items));
            }
            if let Some(Value::Array(lists)) = members.get("$lists") {
                let mut items = Vec::new();
                for list in lists {
                    match fill(list, variables)? {
                        Value::Array(more) => items.extend(more),
                        other => return Err(format!("{other} is no list")),
                    }
                }
                return Ok(Value::Array(items));
            }
            let mut filled = Map::new();
            for (name, member) in members {
                filled.insert(name.clone(), fill(member, variables)?);
            }
            Value::Object(filled)
        }
        other => other.clone(),
    })
}

fn fill_text(text: &str, variables: &BTreeMap<String, Value>) -> Result<Value, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or("`${` without `}`")?;
        // `${!name}` is CloudFormation's business: it stands for a literal `${name}`.
        if let Some(literal) = name.strip_prefix('!') {
            filled.push_str(before);
            filled.push_str(&format!("${{{literal}}}"));
            rest = after;
            continue;
        }
        let value = variables
            .get(name)
            .ok_or_else(|| format!("there is no variable `{name}`"))?;
        // A text that is nothing but a variable keeps the variable's type.
        if before.is_empty() && after.is_empty() && filled.is_empty() {
            return Ok(value.clone());
        }
        filled.push_str(before);
        match value {
            Value::String(text) => filled.push_str(text),
            other => filled.push_str(&other.to_string()),
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(Value::String(filled))
}

fn archive(files: &Map<String, Value>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    for (name, text) in files {
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(text.as_str().unwrap_or_default().as_bytes())
            .unwrap();
    }
    zip.finish().unwrap().into_inner()
}
