//! From a template's text to one tree. JSON and YAML alike; the short forms of YAML (`!Ref`, `!Sub`, …) become the
//! long ones, so that nobody after this knows in which form a template was written.

mod json;
mod yaml;

use serde_json::Value;

use super::invalid;
use super::limits::DEPTH;
use crate::error::ApiError;

/// Reads a template. Line and column of every error count from one.
///
/// The tree nests at most [`DEPTH`] levels, so everything that walks it may recurse.
///
/// # Errors
/// `ValidationError` with `Template format error: …`.
pub(super) fn parse(text: &str) -> Result<Value, ApiError> {
    let tree = if text.trim_start().starts_with('{') {
        // What is nearly JSON may still be YAML, a comma too many at the end for example.
        json::read(text).or_else(|error| yaml::read(text).map_err(|_| error))?
    } else {
        yaml::read(text)?
    };
    if !tree.is_object() {
        return Err(invalid("Template format error: unsupported structure."));
    }
    check(&tree, 1).map_err(Wrong::told)?;
    Ok(tree)
}

/// What is wrong somewhere in a tree, with the way to it from the inside out.
struct Wrong {
    what: Fault,
    way: Vec<String>,
}

enum Fault {
    Null,
    TooDeep,
}

impl Wrong {
    fn told(mut self) -> ApiError {
        self.way.reverse();
        match self.what {
            Fault::Null => invalid(format!(
                "[/{}] 'null' values are not allowed in templates",
                self.way.join("/")
            )),
            Fault::TooDeep => too_deep(),
        }
    }
}

/// Refuses nulls and what is nested too deeply. The way to a fault is put together only where there is one: put
/// together for each value, it would cost the length of its keys each time.
fn check(value: &Value, depth: usize) -> Result<(), Wrong> {
    let nested = value.is_array() || value.is_object();
    let what = match value {
        Value::Null => Fault::Null,
        _ if nested && depth > DEPTH => Fault::TooDeep,
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check(item, depth + 1).map_err(|wrong| wrong.below(index))?;
            }
            return Ok(());
        }
        Value::Object(members) => {
            for (name, member) in members {
                check(member, depth + 1).map_err(|wrong| wrong.below(name))?;
            }
            return Ok(());
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => return Ok(()),
    };
    Err(Wrong {
        what,
        way: Vec::new(),
    })
}

impl Wrong {
    fn below(mut self, step: impl ToString) -> Self {
        self.way.push(step.to_string());
        self
    }
}

/// The sandbox's own words: AWS documents no limit.
fn too_deep() -> ApiError {
    invalid(format!(
        "Template format error: the template is nested more than {DEPTH} levels deep, which the sandbox does not read; split it or write the inner part more simply"
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test ends where its fixture is wrong")]
    use super::*;
    use crate::cloudformation::limits::YAML_VALUES;
    use serde_json::json;

    #[test]
    fn short_forms_become_long_ones_at_every_depth() {
        let tree = parse(
            "# A comment\nA: !Ref B # and another\n\n# between\nC: !GetAtt D.Outputs.E\nF: !If\n  - G\n  - !Sub ${H}-x\n  - !Ref AWS::NoValue\nI: !GetAtt [J, K]\nL:\n  Fn::Join:\n    - \"\"\n    - - !Select [0, !GetAZs \"\"]\n",
        )
        .unwrap();
        assert_eq!(
            tree,
            json!({
                "A": {"Ref": "B"},
                "C": {"Fn::GetAtt": ["D", "Outputs.E"]},
                "F": {"Fn::If": ["G", {"Fn::Sub": "${H}-x"}, {"Ref": "AWS::NoValue"}]},
                "I": {"Fn::GetAtt": ["J", "K"]},
                "L": {"Fn::Join": ["", [{"Fn::Select": [0, {"Fn::GetAZs": ""}]}]]},
            })
        );
    }

    #[test]
    fn scalars_keep_what_their_text_says() {
        let tree = parse("a: 14\nb: true\nc: \"false\"\nd: 2012-10-17\ne: 012345678901\nf: 1.10\ng: ''\nh: 10.0.0.0/16\n").unwrap();
        assert_eq!(
            tree,
            json!({"a": 14, "b": true, "c": "false", "d": "2012-10-17", "e": "012345678901", "f": "1.10", "g": "", "h": "10.0.0.0/16"})
        );
    }

    #[test]
    fn errors_say_where() {
        let refused = |text: &str| parse(text).unwrap_err().message;
        assert!(
            refused("A: 1\nB:\n  - x\n  A: 1\n")
                .starts_with("Template format error: YAML not well-formed. (line 4, column")
        );
        assert_eq!(
            refused("A: 1\nB: 2\nA: 3\n"),
            "Template format error: the key `A` stands there twice (line 3, column 1)"
        );
        assert_eq!(
            refused("A: !Reff B\n"),
            "Template format error: the tag `!Reff` is unknown (line 1, column 4)"
        );
        assert_eq!(
            refused("A: &x 1\nB: *x\n"),
            "Template format error: YAML aliases are not allowed in CloudFormation templates (line 1, column 7)"
        );
        assert!(
            refused("{\"A\": 1,\n \"A\": 2}")
                .starts_with("Template format error: JSON not well-formed. (line 2, column")
        );
        assert_eq!(
            refused("Resources:\n  A:\n"),
            "[/Resources/A] 'null' values are not allowed in templates"
        );
        assert_eq!(
            refused("just text"),
            "Template format error: unsupported structure."
        );
    }

    #[test]
    fn json_and_yaml_make_the_same_tree() {
        assert_eq!(
            parse("{\"A\": {\"Ref\": \"B\"}, \"C\": [1, true]}").unwrap(),
            parse("A: !Ref B\nC: [1, true]").unwrap()
        );
    }

    /// A list `levels - 1` deep as the value of the one key of a template, so `levels` in all.
    fn nested(levels: usize, open: &str, close: &str) -> String {
        let inner = levels - 1;
        format!("{{\"A\": {}1{}}}", open.repeat(inner), close.repeat(inner))
    }

    #[test]
    fn depth_at_the_limit_is_read_and_past_it_refused() {
        let refused = |text: &str| parse(text).unwrap_err().message;
        for (open, close) in [("[", "]"), ("{\"a\": ", "}")] {
            assert!(parse(&nested(DEPTH, open, close)).is_ok());
            // What its parser still takes, and what it does not.
            for levels in [DEPTH + 1, 127] {
                let deeper = nested(levels, open, close);
                assert!(refused(&deeper).contains("nested more than 64 levels"));
            }
            assert!(parse(&nested(129, open, close)).is_err());
            // The same in YAML: what comes before the brace makes it so.
            let yaml = |levels| format!("---\n{}", nested(levels, open, close));
            assert!(parse(&yaml(DEPTH)).is_ok());
            assert!(refused(&yaml(DEPTH + 1)).contains("nested more than 64 levels"));
        }
        // A short form is a level of its own.
        let tagged =
            |levels: usize| format!("A: {}b{}", "!Not [".repeat(levels), "]".repeat(levels));
        assert!(parse(&tagged(31)).is_ok());
        assert!(refused(&tagged(32)).contains("nested more than 64 levels"));
        let block: String = (0..=DEPTH)
            .map(|level| format!("{}a:\n", " ".repeat(level)))
            .collect();
        assert!(refused(&block).contains("nested more than 64 levels"));
    }

    #[test]
    fn the_way_to_a_null_is_told() {
        let refused = parse("{\"A\": [1, {\"B\": null}]}").unwrap_err().message;
        assert_eq!(
            refused,
            "[/A/1/B] 'null' values are not allowed in templates"
        );
    }

    #[test]
    fn a_template_in_yaml_has_a_number_of_values() {
        // The key, the list, and the ends of both are four.
        let list = |values: usize| format!("A: [{}]", vec!["a"; values - 4].join(","));
        assert!(parse(&list(YAML_VALUES)).is_ok());
        let refused = parse(&list(YAML_VALUES + 1)).unwrap_err().message;
        assert!(refused.contains("more than 100000 values"), "{refused}");
    }
}
