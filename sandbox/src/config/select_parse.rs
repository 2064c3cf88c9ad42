//! Reading the query language of `SelectResourceConfig`, as far as it is answered.

use std::fmt;
use std::iter::Peekable;
use std::vec;

use serde_json::{Value, json};

use super::select_schema::{self, Kind};
use crate::error::ApiError;

/// A wildcard replaces no fewer characters than these may stand before it.
const LEAST_BEFORE_WILDCARD: usize = 3;

/// `configuration.vpcId`: one name after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(pub(super) Vec<String>);

impl Path {
    pub(super) fn root(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    fn parse(text: &str) -> Result<Self, ApiError> {
        if !select_schema::exists(text) {
            return Err(invalid(format!(
                "{text} is no property of what the sandbox records"
            )));
        }
        Ok(Self(text.split('.').map(str::to_owned).collect()))
    }

    /// What is compared; a property with members cannot be, and addresses AWS compares in its own way.
    fn kind(&self) -> Result<Kind, ApiError> {
        match select_schema::kind(&self.to_string()) {
            Some(Kind::Addresses) => Err(invalid(format!(
                "{self} holds IP addresses, which AWS compares as ranges; the sandbox does not"
            ))),
            Some(kind @ (Kind::Text | Kind::Number)) => Ok(kind),
            None => Err(invalid(format!(
                "{self} has members and cannot be compared"
            ))),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// A question.
#[derive(Debug)]
pub(super) struct Query {
    /// `None` for `*`.
    pub(super) fields: Option<Vec<Path>>,
    /// All of them must hold.
    pub(super) conditions: Vec<Condition>,
    pub(super) order: Vec<(Path, Direction)>,
}

#[derive(Debug)]
pub(super) struct Condition {
    pub(super) path: Path,
    pub(super) test: Test,
}

#[derive(Debug)]
pub(super) enum Test {
    /// `=` and `IN`.
    OneOf(Vec<Value>),
    /// `LIKE`.
    Prefix { prefix: String, rest: Rest },
}

/// What may follow the prefix.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rest {
    Nothing,
    OneCharacter,
    Anything,
}

impl Rest {
    pub(super) fn accepts(self, text: &str) -> bool {
        match self {
            Self::Nothing => text.is_empty(),
            Self::OneCharacter => text.chars().count() == 1,
            Self::Anything => true,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A keyword or a property.
    Word(String),
    /// A quoted text or a number.
    Literal(Value),
    /// One of `* , = ( )`.
    Sign(char),
}

pub(super) fn invalid(why: impl fmt::Display) -> ApiError {
    ApiError::bad(
        "InvalidExpressionException",
        format!(
            "The query cannot be answered: {why}. The sandbox knows SELECT of properties or *, WHERE with =, IN and LIKE joined by AND, and ORDER BY."
        ),
    )
}

pub(super) fn parse(expression: &str) -> Result<Query, ApiError> {
    let mut parser = Parser(tokens(expression)?.into_iter().peekable());
    parser.expect("SELECT")?;
    let fields = if parser.takes_sign('*') {
        None
    } else {
        Some(parser.list(Parser::path)?)
    };
    let mut conditions = Vec::new();
    if parser.takes("WHERE") {
        conditions.push(parser.condition()?);
        while parser.takes("AND") {
            conditions.push(parser.condition()?);
        }
    }
    let mut order = Vec::new();
    if parser.takes("ORDER") {
        parser.expect("BY")?;
        order = parser.list(|parser| {
            let path = parser.path()?;
            let descending = parser.takes("DESC");
            if descending {
                return Ok((path, Direction::Descending));
            }
            parser.takes("ASC");
            Ok((path, Direction::Ascending))
        })?;
    }
    match parser.0.next() {
        None => Ok(Query {
            fields,
            conditions,
            order,
        }),
        Some(token) => Err(invalid(format!("{} is not expected there", shown(&token)))),
    }
}

struct Parser(Peekable<vec::IntoIter<Token>>);

impl Parser {
    /// Takes a keyword, in capitals or not, if it comes next.
    fn takes(&mut self, keyword: &str) -> bool {
        self.0
            .next_if(
                |token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword)),
            )
            .is_some()
    }

    fn takes_sign(&mut self, sign: char) -> bool {
        self.0.next_if_eq(&Token::Sign(sign)).is_some()
    }

    fn expect(&mut self, keyword: &str) -> Result<(), ApiError> {
        if self.takes(keyword) {
            return Ok(());
        }
        Err(invalid(format!("{keyword} is missing")))
    }

    fn list<T>(
        &mut self,
        one: impl Fn(&mut Self) -> Result<T, ApiError>,
    ) -> Result<Vec<T>, ApiError> {
        let mut all = vec![one(self)?];
        while self.takes_sign(',') {
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn path(&mut self) -> Result<Path, ApiError> {
        match self.0.next() {
            Some(Token::Word(word)) => Path::parse(&word),
            Some(token) => Err(invalid(format!("{} is no property", shown(&token)))),
            None => Err(invalid("a property is missing")),
        }
    }

    fn literal(&mut self, path: &Path) -> Result<Value, ApiError> {
        let kind = path.kind()?;
        match self.0.next() {
            Some(Token::Literal(value)) => {
                let fits = match kind {
                    Kind::Number => value.is_number(),
                    Kind::Text | Kind::Addresses => value.is_string(),
                };
                if fits {
                    return Ok(value);
                }
                Err(invalid(format!("{path} cannot be compared with {value}")))
            }
            Some(token) => Err(invalid(format!("{} is no value", shown(&token)))),
            None => Err(invalid("a value is missing")),
        }
    }

    fn condition(&mut self) -> Result<Condition, ApiError> {
        let path = self.path()?;
        let test = if self.takes_sign('=') {
            Test::OneOf(vec![self.literal(&path)?])
        } else if self.takes("IN") {
            self.sign('(')?;
            let values = self.list(|parser| parser.literal(&path))?;
            self.sign(')')?;
            Test::OneOf(values)
        } else if self.takes("LIKE") {
            match self.literal(&path)? {
                Value::String(pattern) => like(&pattern)?,
                other => return Err(invalid(format!("{other} is no pattern"))),
            }
        } else {
            return Err(invalid(format!("=, IN or LIKE is missing after {path}")));
        };
        Ok(Condition { path, test })
    }

    fn sign(&mut self, sign: char) -> Result<(), ApiError> {
        if self.takes_sign(sign) {
            return Ok(());
        }
        Err(invalid(format!("{sign} is missing")))
    }
}

/// A wildcard can only be the last character, and three others must stand before it; an underscore is one,
/// wherever it stands (AWS Config Developer Guide, "Limitations").
fn like(pattern: &str) -> Result<Test, ApiError> {
    let (prefix, rest) = match (pattern.strip_suffix('%'), pattern.strip_suffix('_')) {
        (Some(prefix), _) => (prefix, Rest::Anything),
        (None, Some(prefix)) => (prefix, Rest::OneCharacter),
        (None, None) => (pattern, Rest::Nothing),
    };
    if prefix.contains(['%', '_']) || prefix.chars().count() < LEAST_BEFORE_WILDCARD {
        return Err(invalid(format!(
            "the pattern '{pattern}' must be at least three characters, and a wildcard only at its end"
        )));
    }
    Ok(Test::Prefix {
        prefix: prefix.to_owned(),
        rest,
    })
}

fn tokens(expression: &str) -> Result<Vec<Token>, ApiError> {
    let mut tokens = Vec::new();
    let mut left = expression.trim_start();
    while let Some(first) = left.chars().next() {
        let (token, rest) = match first {
            '*' | ',' | '=' | '(' | ')' => (Token::Sign(first), &left[1..]),
            '\'' => quoted(&left[1..])?,
            '-' | '0'..='9' => number(left)?,
            'A'..='Z' | 'a'..='z' => {
                let end = left
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'))
                    .unwrap_or(left.len());
                (Token::Word(left[..end].to_owned()), &left[end..])
            }
            other => return Err(invalid(format!("{other} is not expected there"))),
        };
        tokens.push(token);
        left = rest.trim_start();
    }
    Ok(tokens)
}

/// A text up to its closing quote; two quotes stand for one.
fn quoted(mut left: &str) -> Result<(Token, &str), ApiError> {
    let mut text = String::new();
    loop {
        let Some(end) = left.find('\'') else {
            return Err(invalid("a quote is not closed"));
        };
        text.push_str(&left[..end]);
        left = &left[end + 1..];
        match left.strip_prefix('\'') {
            Some(more) => {
                text.push('\'');
                left = more;
            }
            None => return Ok((Token::Literal(json!(text)), left)),
        }
    }
}

fn number(left: &str) -> Result<(Token, &str), ApiError> {
    let end = left
        .find(|c: char| !(c.is_ascii_digit() || c == '-' || c == '.'))
        .unwrap_or(left.len());
    let (text, rest) = left.split_at(end);
    match text.parse::<f64>() {
        Ok(number) => Ok((Token::Literal(json!(number)), rest)),
        Err(_) => Err(invalid(format!("{text} is no number"))),
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Word(word) => word.clone(),
        Token::Literal(value) => value.to_string(),
        Token::Sign(sign) => sign.to_string(),
    }
}
