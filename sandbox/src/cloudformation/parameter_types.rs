//! The types that parameters can have.

use super::invalid;
use crate::error::ApiError;

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ParameterType {
    pub(super) list: bool,
    pub(super) element: Element,
}

/// What one value of a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Text,
    Number,
    /// The name of something that must exist in the account, by its type in AWS's words.
    Existing(&'static str),
}

const EXISTING: &[&str] = &[
    "AWS::EC2::AvailabilityZone::Name",
    "AWS::EC2::Image::Id",
    "AWS::EC2::Instance::Id",
    "AWS::EC2::KeyPair::KeyName",
    "AWS::EC2::SecurityGroup::GroupName",
    "AWS::EC2::SecurityGroup::Id",
    "AWS::EC2::Subnet::Id",
    "AWS::EC2::VPC::Id",
    "AWS::EC2::Volume::Id",
    "AWS::Route53::HostedZone::Id",
];

impl ParameterType {
    /// Reads the type of the parameter `name`.
    ///
    /// # Errors
    /// `ValidationError` for a type that does not exist, `NotImplemented` for one that the sandbox lacks.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, ApiError> {
        let single = |text: &str| match text {
            "String" => Some(Element::Text),
            "Number" => Some(Element::Number),
            _ => EXISTING
                .iter()
                .find(|known| **known == text)
                .map(|known| Element::Existing(known)),
        };
        if text == "CommaDelimitedList" {
            return Ok(Self {
                list: true,
                element: Element::Text,
            });
        }
        if text.starts_with("AWS::SSM::Parameter::") {
            return Err(ApiError::new(
                501,
                "NotImplemented",
                format!(
                    "parameter {name} is of type {text}: reading parameters from Parameter Store is not implemented by the sandbox's CloudFormation; give the value itself"
                ),
            ));
        }
        let inner = text
            .strip_prefix("List<")
            .and_then(|rest| rest.strip_suffix('>'));
        match (inner, single(inner.unwrap_or(text))) {
            (_, None) => Err(invalid(format!(
                "Template format error: Unrecognized parameter type: {text}"
            ))),
            (_, Some(element)) => Ok(Self {
                list: inner.is_some(),
                element,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test ends where its fixture is wrong")]
    use super::*;

    #[test]
    fn the_types_of_aws_are_known_and_others_are_not() {
        let parse = |text| ParameterType::parse("P", text);
        assert_eq!(
            parse("List<AWS::EC2::Subnet::Id>").unwrap(),
            ParameterType {
                list: true,
                element: Element::Existing("AWS::EC2::Subnet::Id")
            }
        );
        // Documented as CommaDelimitedList alone, and yet accepted: recorded by LocalStack (8b9a79f0).
        assert_eq!(
            parse("List<String>").unwrap(),
            parse("CommaDelimitedList").unwrap()
        );
        assert!(parse("Text").is_err());
        assert_eq!(
            parse("AWS::SSM::Parameter::Value<String>")
                .unwrap_err()
                .status,
            501
        );
    }
}
