//! Inputs that are grown from valid calls: one or a few things about them are changed.

use fastrand::Rng;
use serde_json::Value;

use super::values;
use super::wire::Wire;

/// A changed copy of `seed`; parts may come from `others`, which are valid calls as well, or name another one of
/// `operations`, those of its service.
pub(crate) fn grow(rng: &mut Rng, seed: &Wire, others: &[Wire], operations: &[String]) -> Wire {
    let mut wire = seed.clone();
    for _ in 0..rng.usize(1..4) {
        match rng.u8(..16) {
            0 => target(rng, &mut wire),
            1 => header(rng, &mut wire),
            2 => operation(rng, &mut wire, others, operations),
            _ => body(rng, &mut wire, others),
        }
    }
    wire
}

fn is_form(wire: &Wire) -> bool {
    wire.header("content-type")
        .contains("x-www-form-urlencoded")
}

/// Another operation of the same service with the input of this one.
fn operation(rng: &mut Rng, wire: &mut Wire, others: &[Wire], operations: &[String]) {
    let Some(operation) = rng.choice(operations) else {
        return;
    };
    let target = wire.headers.iter_mut();
    let mut target = target.filter(|(name, _)| name == "x-amz-target");
    if let Some((_, target)) = target.next() {
        let prefix = target.rsplit_once('.').map_or("", |(prefix, _)| prefix);
        *target = format!("{prefix}.{operation}");
    } else if is_form(wire) {
        let mut changed = pairs(&wire.body);
        if let Some((_, action)) = changed.iter_mut().find(|(name, _)| name == "Action") {
            action.clone_from(operation);
        }
        wire.body = form(&changed);
    } else if let Some(other) = rng.choice(same_service(wire, others)) {
        match rng.u8(..3) {
            0 => wire.method.clone_from(&other.method),
            1 => wire.path.clone_from(&other.path),
            _ => wire.query.clone_from(&other.query),
        }
    }
}

fn same_service<'a>(wire: &Wire, others: &'a [Wire]) -> Vec<&'a Wire> {
    let others = others.iter();
    others
        .filter(|other| other.service == wire.service)
        .collect()
}

/// The path or the query.
fn target(rng: &mut Rng, wire: &mut Wire) {
    let odd = encoded(&values::text(rng));
    match rng.u8(..4) {
        0 if wire.path.len() > 1 => {
            let mut parts: Vec<&str> = wire.path.split('/').collect();
            let at = rng.usize(1..parts.len());
            match rng.u8(..3) {
                0 => parts[at] = &odd,
                1 => parts.insert(at, &odd),
                _ => drop(parts.remove(at)),
            }
            wire.path = format!("/{}", parts.join("/").trim_start_matches('/'));
        }
        1 if !wire.query.is_empty() => {
            let mut changed = pairs(wire.query.as_bytes());
            change_pairs(rng, &mut changed);
            wire.query = String::from_utf8(form(&changed)).unwrap_or_default();
        }
        2 => {
            let joint = if wire.query.is_empty() { "" } else { "&" };
            let name = encoded(&values::member(rng));
            wire.query = format!("{}{joint}{name}={odd}", wire.query);
        }
        _ => {}
    }
}

fn header(rng: &mut Rng, wire: &mut Wire) {
    // What could not be sent as a header's value would be refused by HTTP itself.
    let odd: String = values::text(rng)
        .chars()
        .filter(|c| c.is_ascii_graphic())
        .take(2_000)
        .collect();
    if rng.bool() && !wire.headers.is_empty() {
        let at = rng.usize(..wire.headers.len());
        if wire.headers[at].0 != "x-amz-target" {
            wire.headers[at].1 = odd;
        }
    } else {
        const NAMES: [&str; 9] = [
            "content-md5",
            "if-match",
            "if-none-match",
            "range",
            "x-amz-checksum-crc32",
            "x-amz-copy-source",
            "x-amz-invocation-type",
            "x-amz-tagging",
            "x-amz-meta-a",
        ];
        let name = rng.choice(NAMES).unwrap_or(NAMES[0]);
        wire.headers.push((name.to_owned(), odd));
    }
}

fn body(rng: &mut Rng, wire: &mut Wire, others: &[Wire]) {
    if is_form(wire) {
        let mut changed = pairs(&wire.body);
        change_pairs(rng, &mut changed);
        wire.body = form(&changed);
        return;
    }
    if let Ok(mut tree) = serde_json::from_slice::<Value>(&wire.body) {
        let graft = rng
            .choice(same_service(wire, others))
            .and_then(|other| serde_json::from_slice::<Value>(&other.body).ok());
        change_tree(rng, &mut tree, graft.as_ref());
        wire.body = tree.to_string().into_bytes();
        return;
    }
    if let Ok(text) = std::str::from_utf8(&wire.body) {
        wire.body = change_text(rng, text).into_bytes();
    } else if !wire.body.is_empty() {
        let at = rng.usize(..wire.body.len());
        wire.body[at] = rng.u8(..);
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

fn form(pairs: &[(String, String)]) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
        .into_bytes()
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The parameters of a form but the two that say which operation is meant.
fn change_pairs(rng: &mut Rng, pairs: &mut Vec<(String, String)>) {
    let kept = |name: &str| matches!(name, "Action" | "Version");
    let places: Vec<usize> = (0..pairs.len()).filter(|at| !kept(&pairs[*at].0)).collect();
    let Some(at) = rng.choice(places) else {
        pairs.push((values::member(rng), values::text(rng)));
        return;
    };
    let (name, value) = pairs[at].clone();
    match rng.u8(..10) {
        0 => drop(pairs.remove(at)),
        1 => pairs.push((name, values::text(rng))),
        2 => {
            // Another place in a list, or deeper.
            let parts: Vec<String> = name
                .split('.')
                .map(|part| match part.parse::<u64>() {
                    Ok(_) if rng.bool() => rng.u64(..).to_string(),
                    Ok(number) => (number + rng.u64(..3)).to_string(),
                    Err(_) => part.to_owned(),
                })
                .collect();
            pairs.push((parts.join("."), value));
        }
        3 => pairs[at].0 = format!("{name}.{}", values::member(rng)),
        4 => {
            pairs[at].0 = name
                .rsplit_once('.')
                .map_or("", |(head, _)| head)
                .to_owned()
        }
        5 => {
            let count = rng.usize(..300);
            pairs.extend((0..count).map(|i| (format!("{name}.{i}"), value.clone())));
        }
        6 | 7 => pairs[at].1 = values::text(rng),
        _ => {
            pairs[at].1 = match serde_json::from_str::<Value>(&value) {
                Ok(mut tree @ (Value::Object(_) | Value::Array(_))) => {
                    change_tree(rng, &mut tree, None);
                    tree.to_string()
                }
                _ => change_text(rng, &value),
            };
        }
    }
}

/// Changes something somewhere in the tree.
fn change_tree(rng: &mut Rng, tree: &mut Value, graft: Option<&Value>) {
    let mut places = Vec::new();
    paths(tree, &mut String::new(), &mut places);
    let place = rng.choice(&places).cloned().unwrap_or_default();
    let from_elsewhere = graft.map(|graft| {
        let mut places = Vec::new();
        paths(graft, &mut String::new(), &mut places);
        let place = rng.choice(&places).cloned().unwrap_or_default();
        graft.pointer(&place).cloned().unwrap_or_default()
    });
    let Some(found) = tree.pointer_mut(&place) else {
        return;
    };
    match rng.u8(..14) {
        0 | 1 => *found = Value::String(values::text(rng)),
        2 => *found = Value::Null,
        3 => *found = number(rng),
        4 => *found = serde_json::from_str(&values::json(rng, 0)).unwrap_or_default(),
        5 => {
            for _ in 0..rng.usize(1..120) {
                let inner = found.take();
                *found = if rng.bool() {
                    Value::Array(vec![inner])
                } else {
                    serde_json::json!({ "a": inner })
                };
            }
        }
        6 => *found = Value::Array(vec![found.clone(); rng.usize(..300)]),
        7 => {
            if let Some(other) = from_elsewhere {
                *found = other;
            }
        }
        _ => match found {
            Value::Object(members) => {
                let names: Vec<String> = members.keys().cloned().collect();
                match (rng.choice(&names), rng.u8(..3)) {
                    (Some(name), 0) => drop(members.remove(name)),
                    (Some(name), 1) => {
                        let value = members.remove(name).unwrap_or_default();
                        members.insert(values::member(rng), value);
                    }
                    _ => {
                        let value = from_elsewhere.unwrap_or_default();
                        members.insert(values::member(rng), value);
                    }
                }
            }
            Value::Array(items) if !items.is_empty() => {
                let at = rng.usize(..items.len());
                if rng.bool() {
                    items.remove(at);
                } else {
                    items.push(items[at].clone());
                }
            }
            Value::String(text) => *text = change_text(rng, text),
            other => *other = number(rng),
        },
    }
}

/// The JSON pointers of all values.
fn paths(tree: &Value, at: &mut String, found: &mut Vec<String>) {
    found.push(at.clone());
    let length = at.len();
    let mut below = |name: &str, value: &Value| {
        at.push('/');
        at.push_str(&name.replace('~', "~0").replace('/', "~1"));
        paths(value, at, found);
        at.truncate(length);
    };
    match tree {
        Value::Object(members) => members.iter().for_each(|(name, value)| below(name, value)),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, value)| below(&index.to_string(), value));
        }
        _ => {}
    }
}

/// A number at a limit, or any.
fn number(rng: &mut Rng) -> Value {
    match rng.u8(..10) {
        0 => 0.into(),
        1 => (-1).into(),
        2 => i32::MAX.into(),
        3 => i32::MIN.into(),
        4 => i64::MAX.into(),
        5 => i64::MIN.into(),
        6 => u64::MAX.into(),
        7 => f64::MAX.into(),
        8 => 1e-300.into(),
        _ => rng.i64(..).into(),
    }
}

/// Text with something cut, doubled, put in or put in place of something; lines where it has some.
fn change_text(rng: &mut Rng, text: &str) -> String {
    let lines = text.contains('\n') && rng.bool();
    let cut: &[char] = if lines {
        &['\n']
    } else {
        &[' ', ':', '/', ',', '-', '.', '<', '>', '"', '=', '\n']
    };
    let mut parts: Vec<&str> = text.split_inclusive(cut).collect();
    if parts.is_empty() {
        return values::text(rng);
    }
    let (at, other) = (rng.usize(..parts.len()), rng.usize(..parts.len()));
    let odd = values::text(rng);
    match rng.u8(..6) {
        0 => drop(parts.remove(at)),
        1 => parts.insert(at, parts[other]),
        2 => parts.swap(at, other),
        3 => parts.insert(at, &odd),
        4 => parts[at] = &odd,
        _ => parts.truncate(at),
    }
    parts.concat()
}
