//! Where the signer's journal was last known to be. A signer that was set back to an older copy has forgotten what it
//! signed since, and could sign the same outputs away differently.
//!
//! Answers may be broadcast in another order than they were signed in, so a smaller number of records alone proves
//! nothing. But what is asked for now is signed later than everything that was answered before: its journal must have
//! got at least as far. And at one number of records there is only one head.

use super::record::Handoff;
use serde::{Deserialize, Serialize};
use std::fmt;
use stegos_common::api::create_raw_transaction::JournalPosition;
use stegos_common::api::encoding::Timestamp;

/// What is known of the signer's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SignerJournal {
    /// The furthest position that an answer told.
    pub known: Option<JournalPosition>,
    /// The first sign that it went back.
    pub alarm: Option<Alarm>,
}

/// A journal that went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// The handoff whose answer told.
    pub handoff: u64,
    /// When the answer came.
    pub time: Timestamp,
    /// The position that it told.
    pub position: JournalPosition,
    /// The position that was known before.
    pub known: JournalPosition,
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handoff, time, position, known } = self;
        write!(
            f,
            "the signer's journal went back: the answer to handoff {handoff} at {time} says {} records, head {}; known \
             before were {}, head {}",
            position.count,
            position.head.short(),
            known.count,
            known.head.short()
        )
    }
}

impl SignerJournal {
    /// The same after an answer to a handoff.
    #[must_use]
    pub fn after(self, handoff: &Handoff, position: JournalPosition, time: Timestamp) -> Self {
        let contradicts =
            |known: &JournalPosition| position.count == known.count && position.head != known.head;
        // Accepted as it is, it may be behind what was known when the handoff was made.
        let asked =
            handoff.journal.filter(|asked| self.known.is_some_and(|known| asked.count <= known.count));
        let before = asked
            .filter(|asked| position.count < asked.count || contradicts(asked))
            .or(self.known.filter(contradicts));
        let alarm = before.map(|known| Alarm { handoff: handoff.number, time, position, known });
        let further = self.known.is_none_or(|known| known.count < position.count);
        Self { known: if further { Some(position) } else { self.known }, alarm: self.alarm.or(alarm) }
    }

    /// The same, once somebody has accepted that the journal is where the alarm says.
    #[must_use]
    pub fn accepted(self) -> Self {
        Self { known: self.alarm.map_or(self.known, |alarm| Some(alarm.position)), alarm: None }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Purpose;
    use super::*;
    use stegos_common::amount::Amount;
    use stegos_common::hash::Hash;

    const TIME: Timestamp = Timestamp::from_unix_nanos(0);

    fn at(count: u64, journal: u8) -> JournalPosition {
        JournalPosition { count, head: Hash::from_bytes([journal; 32]) }
    }

    fn made_when(journal: Option<JournalPosition>) -> Handoff {
        Handoff {
            number: 7,
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
        let known = SignerJournal { known: Some(at(10, 1)), alarm: None };
        for (asked, answered, is_alarm) in [
            // It went on, or gave an answer of before again.
            (Some(at(10, 1)), at(11, 2), false),
            (Some(at(10, 1)), at(10, 1), false),
            (None, at(3, 9), false),
            // Answers in another order.
            (Some(at(4, 9)), at(6, 9), false),
            // It forgot something.
            (Some(at(10, 1)), at(9, 9), true),
            (Some(at(10, 1)), at(10, 9), true),
            (Some(at(4, 9)), at(10, 9), true),
            (None, at(10, 9), true),
        ] {
            let after = known.after(&made_when(asked), answered, TIME);
            assert_eq!(after.alarm.is_some(), is_alarm, "{asked:?} {answered:?}");
            assert_eq!(after.known.map(|known| known.count), Some(answered.count.max(10)));
        }
        assert_eq!(SignerJournal::default().after(&made_when(None), at(5, 1), TIME).known, Some(at(5, 1)));
    }

    #[test]
    fn an_alarm_stays_until_it_is_accepted() {
        let known = SignerJournal { known: Some(at(10, 1)), alarm: None };
        let open = made_when(Some(at(10, 1)));
        let alarmed = known.after(&open, at(3, 2), TIME).after(&open, at(11, 2), TIME);
        assert_eq!(alarmed.alarm.map(|alarm| alarm.position), Some(at(3, 2)));
        let accepted = alarmed.accepted();
        assert_eq!((accepted.known, accepted.alarm), (Some(at(3, 2)), None));
        // What was asked for before is no new alarm.
        assert_eq!(accepted.after(&open, at(4, 2), TIME).alarm, None);
    }
}
