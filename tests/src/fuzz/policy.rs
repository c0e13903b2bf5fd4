//! Policy files.

use super::assert_shown;
use crate::money::{amount, key};
use cold_signer::policy::{Facts, Payment, Policy, Totals, Verdict};
use stegos_common::address::Network;
use stegos_common::hash::Hash;

/// Friday, 27 November 2026, noon.
const NOON: u64 = 1_795_780_800_000;

/// A day before the calendar ends.
const LATE: u64 = 253_402_120_800_000;

/// The text of a policy file.
pub(super) fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let policy = match Policy::parse(text, Network::Dev) {
        Ok(policy) => policy,
        // It shows the line in which something is wrong, so it is as long as that, and has lines of its own.
        Err(error) => return error.to_string().lines().for_each(assert_shown),
    };
    assert_eq!(policy.digest(), Some(Hash::digest(text)));
    for totals in [Totals::default(), busy()] {
        for facts in [sweep(), withdrawal(NOON), withdrawal(0), withdrawal(LATE)] {
            let decision = policy.judge(&facts, &totals);
            assert_shown(&decision.reason);
            match decision.verdict {
                Verdict::Limited(until) => assert!(until > facts.time, "it is time already: {decision:?}"),
                Verdict::Allowed | Verdict::Denied | Verdict::Asked => {}
            }
            assert_eq!(policy.judge(&facts, &totals), decision);
        }
    }
}

/// Of an exchange that paid a lot in the last week, and once at a time that is yet to come.
fn busy() -> Totals {
    let mut totals = Totals::default();
    for (minutes, stg) in [(9000, 1_000_000), (1000, 4), (50, 3), (1, 2)] {
        totals.add(NOON - minutes * 60_000, amount(stg * 1_000_000));
    }
    totals
}

/// Deposits are brought together.
fn sweep() -> Facts {
    let treasury = Payment {
        recipient: key("a treasury").1.encoded(),
        account: Some("treasury".to_owned()),
        amount: amount(70_000_000),
        private: false,
        with_certificate: false,
    };
    Facts {
        inputs: 40,
        own_inputs: true,
        payments: vec![treasury],
        fee: amount(1000),
        request_key: false,
        unknown_field: None,
        time: NOON,
    }
}

/// A stranger is paid, by a request that has everything a rule may ask for.
fn withdrawal(time: u64) -> Facts {
    let stranger = Payment {
        recipient: key("a stranger").1.encoded(),
        account: None,
        amount: amount(50_000_000),
        private: true,
        with_certificate: false,
    };
    let Facts { mut payments, .. } = sweep();
    payments.push(stranger);
    Facts {
        inputs: 2,
        payments,
        fee: amount(20_000),
        request_key: true,
        unknown_field: Some("colour".to_owned()),
        time,
        ..sweep()
    }
}
