//! Amounts for programs in any language, and for people.

use serde::Serialize;
use stegos_common::amount::Amount;
use utoipa::ToSchema;

/// An amount of money, three times the same: 1 STG is 1000000 micro-STG.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Money {
    /// Micro-STG. In JavaScript a number above 2^53 - 1 is not exact: take `micro_stg_string`.
    #[schema(minimum = 0, example = 12_500_000)]
    pub micro_stg: i64,
    /// The same digits as text.
    #[schema(pattern = "^[0-9]{1,19}$", example = "12500000")]
    pub micro_stg_string: String,
    /// STG with the unit, to be read.
    #[schema(pattern = r"^[0-9]{1,13}(\.[0-9]{1,6})? STG$", example = "12.5 STG")]
    pub text: String,
}

impl From<Amount> for Money {
    fn from(amount: Amount) -> Self {
        Self {
            micro_stg: amount.micro(),
            micro_stg_string: amount.micro().to_string(),
            text: amount.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_exact_in_every_language() {
        let json = serde_json::to_string(&Money::from(Amount::MAX)).unwrap();
        let expected = r#"{"micro_stg":9223372036854775807,"micro_stg_string":"9223372036854775807","text":"9223372036854.775807 STG"}"#;
        assert_eq!(json, expected);
    }
}
