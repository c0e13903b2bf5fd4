//! Where the signer's journal was last known to be. A signer that was set back to an older copy has forgotten what it
//! signed since, and could sign the same outputs away differently.
//!
//! Answers may be broadcast in another order than they were signed in, so a smaller number of records alone proves
//! nothing. But what is asked for now is signed later than everything that was answered before: its journal must have
//! got at least as far. At one number of records there is only one head; and one request has only one transaction.

use super::record::Handoff;
use serde::{Deserialize, Serialize};
use std::fmt;
use stegos_common::api::create_raw_transaction::JournalPosition;
use stegos_common::api::encoding::Timestamp;
use stegos_common::hash::Hash;

/// What is known of the signer's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SignerJournal {
    /// The furthest position that an answer told.
    pub known: Option<JournalPosition>,
    /// The first sign that it went back.
    pub alarm: Option<Alarm>,
    /// The last handoff when an alarm was ended. What is answered to it and those before tells nothing: it may be from
    /// before the journal went back, or from after.
    pub accepted: u64,
    /// The last known position before that: how far whatever is known here goes.
    #[serde(default)]
    pub before: Option<JournalPosition>,
}

/// A sign that the signer forgot something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// The handoff whose answer told.
    pub handoff: u64,
    /// When the answer came.
    pub time: Timestamp,
    /// What it told.
    #[serde(flatten)]
    pub sign: Sign,
}

/// What tells that the signer forgot something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "sign", rename_all = "snake_case")]
pub enum Sign {
    /// Its journal is not where it was, or not the same.
    WentBack {
        /// The position that the answer told.
        position: JournalPosition,
        /// The position that was known.
        known: JournalPosition,
    },
    /// It signed the same request into another transaction.
    SignedTwice {
        /// The transaction that was known.
        known: Hash,
        /// The other one, which is not sent.
        other: Hash,
    },
    /// It does not tell any more where its journal is.
    Silent {
        /// The position that was known.
        known: JournalPosition,
    },
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handoff, time, sign } = self;
        match sign {
            Sign::WentBack { position, known } => write!(
                f,
                "the signer's journal went back: the answer to handoff {handoff} at {time} tells of {} records, head {}; \
                 known were {}, head {}",
                position.count,
                position.head.short(),
                known.count,
                known.head.short()
            ),
            Sign::SignedTwice { known, other } => write!(
                f,
                "the signer forgot what it signed: the answer to handoff {handoff} at {time} is transaction {}, and {} \
                 was signed before",
                other.short(),
                known.short()
            ),
            Sign::Silent { known } => write!(
                f,
                "the signer's answer to handoff {handoff} at {time} does not tell where its journal is; it told of {} \
                 records before",
                known.count
            ),
        }
    }
}

impl SignerJournal {
    /// The same after an answer to a handoff. `same_count` is what another answer told at the same number of records.
    #[must_use]
    pub fn after(
        self,
        handoff: &Handoff,
        position: Option<JournalPosition>,
        same_count: Option<JournalPosition>,
        time: Timestamp,
    ) -> Self {
        if handoff.number <= self.accepted {
            return self;
        }
        let Some(position) = position else {
            return match self.known {
                Some(known) => self.with(handoff, time, Sign::Silent { known }),
                None => self,
            };
        };
        let contradicts =
            |known: &JournalPosition| position.count == known.count && position.head != known.head;
        let further = self.known.is_none_or(|known| known.count < position.count);
        let after = if further { Self { known: Some(position), ..self } } else { self };
        let before = handoff.journal.filter(|asked| position.count < asked.count || contradicts(asked));
        match before.or_else(|| same_count.filter(contradicts)) {
            Some(known) => after.with(handoff, time, Sign::WentBack { position, known }),
            None => after,
        }
    }

    /// The same with an alarm, unless there is one: the first says most.
    #[must_use]
    pub fn with(self, handoff: &Handoff, time: Timestamp, sign: Sign) -> Self {
        let alarm = Alarm { handoff: handoff.number, time, sign };
        Self { alarm: self.alarm.or(Some(alarm)), ..self }
    }

    /// The same, once somebody has taken the journal as it is. The answer to the next handoff tells where that is.
    #[must_use]
    pub fn accept(self, last_handoff: u64) -> Self {
        Self { known: None, alarm: None, accepted: last_handoff, before: self.latest() }
    }

    /// The last known position of the journal as it is, or, where nothing has been told since an alarm was ended, as it was
    /// before.
    #[must_use]
    pub fn latest(&self) -> Option<JournalPosition> {
        self.known.or(self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Purpose;
    use super::*;
    use stegos_common::amount::Amount;

    const TIME: Timestamp = Timestamp::from_unix_nanos(0);

    fn at(count: u64, journal: u8) -> JournalPosition {
        JournalPosition { count, head: Hash::from_bytes([journal; 32]) }
    }

    fn made_when(number: u64, journal: Option<JournalPosition>) -> Handoff {
        Handoff {
            number,
            purpose: Purpose::Sweep,
            created: TIME,
            expires: TIME,
            inputs: Vec::new(),
            outputs: Vec::new(),
            fee: Amount::ZERO,
            journal,
            ended: None,
            transaction: None,
        }
    }

    #[test]
    fn a_journal_that_went_back_is_noticed() {
        let known = SignerJournal { known: Some(at(10, 1)), ..SignerJournal::default() };
        for (asked, answered, same, is_alarm) in [
            // It went on, or gave an answer of before again.
            (Some(at(10, 1)), Some(at(11, 2)), None, false),
            (Some(at(10, 1)), Some(at(10, 1)), Some(at(10, 1)), false),
            (None, Some(at(3, 9)), None, false),
            // Answers in another order.
            (Some(at(4, 9)), Some(at(6, 9)), None, false),
            // It forgot something.
            (Some(at(10, 1)), Some(at(9, 9)), None, true),
            (Some(at(10, 1)), Some(at(10, 9)), None, true),
            (Some(at(4, 9)), Some(at(6, 9)), Some(at(6, 8)), true),
            (None, Some(at(10, 9)), Some(at(10, 1)), true),
            // It tells no more.
            (Some(at(10, 1)), None, None, true),
        ] {
            let after = known.after(&made_when(7, asked), answered, same, TIME);
            assert_eq!(after.alarm.is_some(), is_alarm, "{asked:?} {answered:?}");
            let furthest = answered.map_or(10, |answered| answered.count.max(10));
            assert_eq!(after.known.map(|known| known.count), Some(furthest));
        }
        let first = SignerJournal::default().after(&made_when(1, None), Some(at(5, 1)), None, TIME);
        assert_eq!((first.known, first.alarm), (Some(at(5, 1)), None));
        // Whoever never told is not silent.
        assert_eq!(
            SignerJournal::default().after(&made_when(1, None), None, None, TIME),
            SignerJournal::default()
        );
    }

    #[test]
    fn the_first_alarm_stays_until_the_journal_is_accepted() {
        let known = SignerJournal { known: Some(at(10, 1)), ..SignerJournal::default() };
        let open = made_when(7, Some(at(10, 1)));
        let first = known.after(&open, Some(at(3, 2)), None, TIME);
        let second = first.after(&open, Some(at(4, 2)), None, TIME);
        assert_eq!(second.alarm, first.alarm);
        let sign = Sign::WentBack { position: at(3, 2), known: at(10, 1) };
        assert_eq!(first.alarm, Some(Alarm { handoff: 7, time: TIME, sign }));

        let accepted = second.accept(7);
        assert_eq!((accepted.known, accepted.latest()), (None, Some(at(10, 1))), "an export still says so");
        // What was asked for before says nothing, whenever its answer comes; what is asked for now does.
        let later = accepted.after(&made_when(8, None), Some(at(12, 2)), None, TIME);
        assert_eq!((later.known, later.alarm), (Some(at(12, 2)), None));
        assert_eq!(later.after(&open, Some(at(5, 2)), None, TIME), later);
        assert!(later.after(&made_when(9, Some(at(12, 2))), Some(at(5, 2)), None, TIME).alarm.is_some());
    }
}
