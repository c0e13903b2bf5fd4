//! Amounts as callers write them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stegos_common::amount::Amount;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// An amount in micro-STG: a number, or the same digits as text for languages that cannot write the number exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Micro(pub(super) Amount);

impl Micro {
    /// Less is not worth a sweep: 0.01 STG.
    pub(super) fn dust() -> Self {
        Self(Amount::from_micro(10_000).unwrap_or_default())
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "an amount is a whole number of micro-STG, as a number or as text: 1 STG is 1000000"
)]
enum Written {
    Number(i64),
    Text(String),
}

impl<'de> Deserialize<'de> for Micro {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let micro = match Written::deserialize(deserializer)? {
            Written::Number(number) => number,
            Written::Text(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().map_err(serde::de::Error::custom)?
            }
            Written::Text(_) => {
                return Err(serde::de::Error::custom("an amount as text is digits: micro-STG"));
            }
        };
        Amount::from_micro(micro).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Micro {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.micro().serialize(serializer)
    }
}

impl PartialSchema for Micro {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(0));
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]{1,18}$"));
        let description = "An amount in micro-STG (1 STG is 1000000): a number, or the same digits as text.";
        OneOfBuilder::new().item(number).item(text).description(Some(description)).into()
    }
}

impl ToSchema for Micro {
    fn name() -> std::borrow::Cow<'static, str> {
        "MicroStg".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_numbers_or_digits() {
        for text in ["1500000", "\"1500000\"", "9223372036854775807", "\"9223372036854775807\"", "0"] {
            let micro: Micro = serde_json::from_str(text).unwrap();
            assert_eq!(micro.0.micro().to_string(), text.trim_matches('"'));
        }
        for text in [
            "-1",
            "1.5",
            "1e3",
            "\"1.5\"",
            "\"\"",
            "\"+1\"",
            "\" 1\"",
            "\"9223372036854775808\"",
            "null",
            "9223372036854775808",
        ] {
            assert!(serde_json::from_str::<Micro>(text).is_err(), "{text}");
        }
    }
}
