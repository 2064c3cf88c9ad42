//! What EventBridge's patterns and SNS's filter policies have in common: both are read by AWS's Event Ruler.

use serde_json::Value;

/// Refuses the operand of `numeric` unless it is one value (`=`), or an interval that is open or closed on either side,
/// the lower end first. The words are those that LocalStack recorded on AWS on 2024-05-14 for SNS
/// (`test_validate_policy_numeric_operator`) and on 2025-10-15 for EventBridge (`content_numeric_EXC`).
///
/// # Errors
/// What is wrong, as a sentence.
pub(crate) fn check_numeric(items: &[Value]) -> Result<(), String> {
    let Some((Value::String(operator), rest)) = items.split_first() else {
        let member = items
            .first()
            .map_or_else(|| "]".to_owned(), Value::to_string);
        return Err(format!("Invalid member in numeric match: {member}"));
    };
    let bottom = match operator.as_str() {
        "=" => number(rest, "equals")?,
        "<" | "<=" | ">" | ">=" => number(rest, operator)?,
        other => return Err(format!("Unrecognized numeric range operator: {other}")),
    };
    let Some((second, rest)) = rest.get(1..).and_then(<[Value]>::split_first) else {
        return Ok(());
    };
    if !operator.starts_with('>') {
        return Err("Too many elements in numeric expression".to_owned());
    }
    let Value::String(second) = second else {
        return Err(format!("Bad value in numeric range: {second}"));
    };
    if !matches!(second.as_str(), "<" | "<=") {
        return Err(format!("Bad numeric range operator: {second}"));
    }
    let top = number(rest, second)?;
    if rest.len() > 1 {
        return Err("Too many terms in numeric range expression".to_owned());
    }
    if bottom >= top {
        return Err("Bottom must be less than top".to_owned());
    }
    Ok(())
}

fn number(items: &[Value], operator: &str) -> Result<f64, String> {
    items
        .first()
        .and_then(Value::as_f64)
        .ok_or_else(|| format!("Value of {operator} must be numeric"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numeric_is_a_value_or_an_interval() {
        for (operand, refused) in [
            (json!(["=", 1]), None),
            (json!(["<", 1.5]), None),
            (json!([">", 1, "<=", 5]), None),
            (json!([]), Some("Invalid member in numeric match: ]")),
            (json!([1, "<="]), Some("Invalid member in numeric match: 1")),
            (
                json!(["operator"]),
                Some("Unrecognized numeric range operator: operator"),
            ),
            (json!(["=", "000"]), Some("Value of equals must be numeric")),
            (json!([">="]), Some("Value of >= must be numeric")),
            (
                json!(["<", 100, ">", 10]),
                Some("Too many elements in numeric expression"),
            ),
            (
                json!([">=", 1, ">", 2]),
                Some("Bad numeric range operator: >"),
            ),
            (
                json!([">", 0, ">", 0]),
                Some("Bad numeric range operator: >"),
            ),
            (
                json!([">", 3, "<", 1]),
                Some("Bottom must be less than top"),
            ),
            (json!([">", 20, "<="]), Some("Value of <= must be numeric")),
            (json!([">", 20, 30]), Some("Bad value in numeric range: 30")),
            (
                json!([">", 20, "test"]),
                Some("Bad numeric range operator: test"),
            ),
            (
                json!([">", "20", "<", "30"]),
                Some("Value of > must be numeric"),
            ),
            (
                json!([">", 20, "<", "30"]),
                Some("Value of < must be numeric"),
            ),
            (
                json!([">", 20, "<", 30, "<", 50]),
                Some("Too many terms in numeric range expression"),
            ),
        ] {
            let items = operand.as_array().expect("a list");
            let refusal = check_numeric(items).err();
            assert_eq!(refusal.as_deref(), refused, "{operand}");
        }
    }
}
