//! What the overview adds up: what came and went each day, and what all users have. Both are kept in memory and read on
//! from where they are, a bounded part at a time, so that no page waits for a million users.

use crate::event::Event;
use crate::handoff::record::{Purpose, State};
use crate::http::app::App;
use crate::http::problem::Problem;
use crate::ledger::events::EventsError;
use crate::ledger::record::Balance;
use crate::ledger::users::UserQuery;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;

/// So long a page waits for what it shows.
const PATIENCE: Duration = Duration::from_millis(300);

/// So many events, or users, are read between two looks at the clock.
const STEP: usize = 1000;

/// So long sums are shown before they are made again,
const FRESH: Duration = Duration::from_secs(2);

/// or so many times as long as it took to make them.
const TIMES: u32 = 20;

/// What came from outside and went there on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Day {
    pub(super) deposits: Amount,
    pub(super) withdrawals: Amount,
}

/// Days by their dates (UTC).
#[derive(Default)]
struct Days {
    /// The last event that was read.
    read: u64,
    days: BTreeMap<String, Day>,
}

/// What all users have together, but for the treasury.
#[derive(Clone, Copy, Default)]
pub(super) struct Users {
    pub(super) balance: Balance,
    pub(super) number: u64,
}

/// The sum that is shown, and the one that is being made.
#[derive(Default)]
struct Sums {
    done: Option<(Users, Instant, Duration)>,
    under_way: Option<(Users, Option<String>, Instant)>,
}

/// See the module.
#[derive(Default)]
pub(in crate::http) struct Tally {
    days: Mutex<Days>,
    sums: Mutex<Sums>,
}

impl Tally {
    /// The last days with something in them, at most so many, and whether all events were read.
    pub(super) fn days(&self, app: &App, most: usize) -> Result<(Vec<(String, Day)>, bool), Problem> {
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        let mut is_all = false;
        while !is_all && begun.elapsed() < PATIENCE {
            is_all = days.read_on(app)?;
        }
        let last = days.days.iter().rev().take(most).map(|(date, day)| (date.clone(), *day));
        Ok((last.collect::<Vec<_>>().into_iter().rev().collect(), is_all))
    }

    /// What users have, as it was a moment ago; none while it was never added up to its end.
    pub(super) fn users(&self, app: &App) -> Result<Option<Users>, Problem> {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        if let Some((users, made, took)) = sums.done
            && sums.under_way.is_none()
            && made.elapsed() < FRESH.max(took * TIMES)
        {
            return Ok(Some(users));
        }
        let (mut users, mut after, since) =
            sums.under_way.take().unwrap_or_else(|| (Users::default(), None, begun));
        while begun.elapsed() < PATIENCE {
            let Some(last) = users.add(app, after.as_deref())? else {
                sums.done = Some((users, Instant::now(), since.elapsed()));
                return Ok(Some(users));
            };
            after = Some(last);
        }
        sums.under_way = Some((users, after, since));
        Ok(sums.done.map(|(users, ..)| users))
    }
}

impl Days {
    /// Reads some events. Answers whether there are no more.
    fn read_on(&mut self, app: &App) -> Result<bool, Problem> {
        let page = match app.ledger.events(self.read, STEP) {
            Err(EventsError::Expired { first, .. }) => {
                self.read = first.saturating_sub(1);
                return Ok(false);
            }
            Err(EventsError::Ahead { .. }) => {
                // The ledger was begun anew.
                *self = Self::default();
                return Ok(false);
            }
            page => page?,
        };
        let number = page.events.len();
        let treasury = app.terms.as_ref().map(|terms| terms.treasury.as_str());
        for record in page.events {
            let (deposit, withdrawal) = match &record.event {
                Event::DepositFinal(it) if Some(it.account.as_str()) != treasury => (it.amount, Amount::ZERO),
                Event::TransactionChanged(it) if matches!(it.state, State::Final { .. }) => {
                    (Amount::ZERO, withdrawn(app, it.handoff)?)
                }
                _ => (Amount::ZERO, Amount::ZERO),
            };
            self.read = record.id;
            if deposit != Amount::ZERO || withdrawal != Amount::ZERO {
                let day = self.days.entry(date(record.time)).or_default();
                day.deposits = day.deposits.checked_add(deposit).unwrap_or(Amount::MAX);
                day.withdrawals = day.withdrawals.checked_add(withdrawal).unwrap_or(Amount::MAX);
            }
        }
        Ok(number < STEP)
    }
}

/// What a handoff pays to others; what is swept is not withdrawn.
fn withdrawn(app: &App, number: u64) -> Result<Amount, Problem> {
    let handoff = app.ledger.handoff(number)?;
    Ok(if handoff.purpose == Purpose::Withdrawal { handoff.paid() } else { Amount::ZERO })
}

impl Users {
    /// Adds some users behind an account id. Answers the last one, or none where there are no more.
    fn add(&mut self, app: &App, after: Option<&str>) -> Result<Option<String>, Problem> {
        let query = UserQuery { after, prefix: "", archived: true, descending: false, limit: STEP };
        let users = app.ledger.users(query).map_err(Problem::from)?;
        let treasury = app.terms.as_ref().map(|terms| terms.treasury.as_str());
        for user in users.iter().filter(|user| Some(user.account.as_str()) != treasury) {
            self.number = self.number.saturating_add(1);
            for key in &user.keys {
                let balance = app.ledger.balance(key).map_err(Problem::from)?;
                let sum = self.balance.plus(balance);
                self.balance = sum.ok_or_else(|| Problem::internal("users have more than can be counted"))?;
            }
        }
        Ok(users.last().map(|user| user.account.clone()))
    }
}

/// The day of a time in UTC, as `2026-11-29`.
fn date(time: Timestamp) -> String {
    time.to_string().get(..10).unwrap_or_default().to_owned()
}
