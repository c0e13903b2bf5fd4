//! Amounts of money: whole micro-STG, never negative, checked arithmetic only (protocol page §1).

use crate::text::excerpt;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// An amount of STG in micro-units: 1 STG = 1 000 000.
///
/// It lies between 0 and `i64::MAX` micro-STG, the range of the protocol. Text form: `12.5 STG`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(i64);

/// A number or text that is no amount.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AmountError {
    /// Below zero.
    #[error("negative amount: {0} micro-STG")]
    Negative(i64),
    /// Above what the protocol can carry.
    #[error("amount too large: {0:?} (at most 9223372036854.775807 STG)")]
    TooLarge(String),
    /// More than six decimals: less than a micro-STG does not exist.
    #[error("more than 6 decimals in {0:?}: 1 STG is 1000000 micro-STG")]
    TooPrecise(String),
    /// Not a decimal number of STG.
    #[error("not an amount: {0:?} (write it like 12.5 STG)")]
    Malformed(String),
    /// A bare number where it could be one of micro-STG.
    #[error("amount {0:?} has no unit: write it like \"12.5 STG\"")]
    NoUnit(String),
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount of the protocol, `i64::MAX` micro-STG.
    pub const MAX: Self = Self(i64::MAX);
    /// Micro-units in one STG.
    pub const MICRO_PER_STG: i64 = 1_000_000;

    /// Takes a number of micro-STG.
    ///
    /// # Errors
    /// [`AmountError::Negative`] below zero.
    pub const fn from_micro(micro: i64) -> Result<Self, AmountError> {
        if micro < 0 { Err(AmountError::Negative(micro)) } else { Ok(Self(micro)) }
    }

    /// Parses decimal STG whose unit is written: a bare number could be one of micro-STG.
    ///
    /// # Errors
    /// [`AmountError::NoUnit`], and those of parsing.
    pub fn with_unit(text: &str) -> Result<Self, AmountError> {
        if text.trim_end().ends_with("STG") { text.parse() } else { Err(AmountError::NoUnit(excerpt(text))) }
    }

    /// The number of micro-STG, never negative.
    #[must_use]
    pub const fn micro(self) -> i64 {
        self.0
    }

    /// The number of micro-STG without a sign, as range proofs and commitments take it.
    #[must_use]
    pub const fn unsigned_micro(self) -> u64 {
        self.0.unsigned_abs()
    }

    /// Whether this is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or `None` above [`Amount::MAX`].
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` below zero.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).filter(|micro| *micro >= 0).map(Self)
    }

    /// The multiple, or `None` above [`Amount::MAX`].
    #[must_use]
    pub fn checked_mul(self, factor: usize) -> Option<Self> {
        self.0.checked_mul(i64::try_from(factor).ok()?).map(Self)
    }

    /// The sum of many, or `None` above [`Amount::MAX`].
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0 / Self::MICRO_PER_STG;
        let micro = self.0 % Self::MICRO_PER_STG;
        let text = if micro == 0 {
            format!("{whole} STG")
        } else {
            let decimals = format!("{micro:06}");
            format!("{whole}.{} STG", decimals.trim_end_matches('0'))
        };
        f.pad(&text)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    /// Parses decimal STG with up to six decimals, with or without the unit: `12.5 STG`, `12.5`, `0.000001`.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let shown = || excerpt(text);
        let number = text.trim();
        let number = number.strip_suffix("STG").map_or(number, str::trim_end);
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) {
            return Err(AmountError::Malformed(shown()));
        }
        if decimals.len() > 6 {
            return Err(AmountError::TooPrecise(shown()));
        }
        // Six decimals are whole micro-units; fewer are padded on the right.
        format!("{whole}{decimals:0<6}").parse().map(Self).map_err(|_| AmountError::TooLarge(shown()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_forms() {
        for (micro, text) in [
            (0, "0 STG"),
            (1, "0.000001 STG"),
            (12_500_000, "12.5 STG"),
            (400_000_000, "400 STG"),
            (i64::MAX, "9223372036854.775807 STG"),
        ] {
            let amount = Amount::from_micro(micro).unwrap();
            assert_eq!(amount.to_string(), text);
            assert_eq!(text.parse(), Ok(amount));
        }
        assert_eq!("7".parse(), Ok(Amount(7_000_000)));
        assert_eq!(" 7.10STG ".parse(), Ok(Amount(7_100_000)));
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for text in [
            "",
            "STG",
            "-1",
            "+1",
            "1e3",
            "1E3 STG",
            "0x1",
            "1.",
            ".5",
            "1.5.5",
            "1,5",
            "1 000",
            "NaN",
            "inf",
            "1 BTC",
            "\u{661}",
            "1 STG STG",
        ] {
            assert_eq!(text.parse::<Amount>(), Err(AmountError::Malformed(text.to_owned())), "{text:?}");
        }
        assert_eq!("0.0000001".parse::<Amount>(), Err(AmountError::TooPrecise("0.0000001".into())));
        for text in ["9223372036854.775808", "99999999999999999999"] {
            assert_eq!(text.parse::<Amount>(), Err(AmountError::TooLarge(text.into())));
        }
        assert_eq!(Amount::from_micro(-1), Err(AmountError::Negative(-1)));
        assert_eq!(Amount::from_micro(i64::MIN), Err(AmountError::Negative(i64::MIN)));
    }

    proptest! {
        #[test]
        fn arithmetic_is_that_of_integers(a in 0..=i64::MAX, b in 0..=i64::MAX, n in 0usize..200) {
            let (x, y) = (Amount(a), Amount(b));
            prop_assert_eq!(x.checked_add(y).map(Amount::micro), a.checked_add(b));
            prop_assert_eq!(x.checked_sub(y).map(Amount::micro), (a >= b).then(|| a - b));
            let product = i128::from(a) * i128::try_from(n).unwrap();
            prop_assert_eq!(
                x.checked_mul(n).map(|p| i128::from(p.micro())),
                (product <= i128::from(i64::MAX)).then_some(product)
            );
            prop_assert_eq!(Amount::checked_sum([x, y]), x.checked_add(y));
        }

        #[test]
        fn text_round_trips(micro in 0..=i64::MAX) {
            prop_assert_eq!(Amount(micro).to_string().parse(), Ok(Amount(micro)));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Amount>();
        }
    }
}
