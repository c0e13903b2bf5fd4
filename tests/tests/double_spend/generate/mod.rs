//! Writes the scenarios, one file for each class.

mod at_once;
mod copies;
mod interruptions;
mod requests;

use crate::model::{Answer, Payment, Position, Request, Scenario, Send, Spelling, Step};
use crate::wallet::{AMOUNT, names};

type Class = (&'static str, fn() -> Vec<Scenario>);

/// The name of each file, and what is in it.
pub(crate) const CLASSES: [Class; 10] = [
    ("same_request", requests::same_request),
    ("other_spelling", requests::other_spelling),
    ("other_outputs", requests::other_outputs),
    ("overlapping_inputs", requests::overlapping_inputs),
    ("restart", interruptions::restart),
    ("kill", interruptions::kill),
    ("crash", interruptions::crash),
    ("two_stores", copies::two_stores),
    ("copied_store", copies::copied_store),
    ("at_once", at_once::at_once),
];

fn scenario(name: &str, steps: impl IntoIterator<Item = Step>) -> Scenario {
    Scenario {
        name: name.to_owned(),
        why: String::new(),
        steps: steps.into_iter().collect(),
        signed_twice: Vec::new(),
    }
}

impl Scenario {
    fn because(mut self, why: &str) -> Self {
        why.clone_into(&mut self.why);
        self
    }

    fn signs_twice(mut self, outputs: &[&str]) -> Self {
        self.signed_twice = owned(outputs);
        self
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn public(to: &str, amount: i64) -> Payment {
    Payment { to: to.to_owned(), amount, comment: None, with_certificate: false }
}

fn private(to: &str, amount: i64, comment: &str) -> Payment {
    Payment { comment: Some(comment.to_owned()), ..public(to, amount) }
}

/// Spends outputs in one public payment to a stranger.
fn spend(inputs: &[&str]) -> Request {
    let total = AMOUNT * inputs.iter().flat_map(|name| names(name)).map(|_| 1).sum::<i64>();
    let fee = 1000;
    Request {
        spend: owned(inputs),
        pay: vec![public("a stranger", total - fee)],
        fee,
        spelled: Spelling::Plain,
    }
}

/// Spends the same in another transaction.
fn other(inputs: &[&str]) -> Request {
    let mut request = spend(inputs);
    "another stranger".clone_into(&mut request.pay[0].to);
    request
}

impl Request {
    const fn spelled(mut self, spelled: Spelling) -> Self {
        self.spelled = spelled;
        self
    }

    fn answered(self, answer: Answer) -> Step {
        Step::Send(Send { request: self, to: main(), connection: 0, answer, journal: None })
    }

    fn signed(self, name: &str) -> Step {
        self.answered(Answer::Signed(name.to_owned()))
    }

    fn same(self, name: &str) -> Step {
        self.answered(Answer::Same(name.to_owned()))
    }

    fn already_signed(self, by: &str, output: &str) -> Step {
        self.answered(Answer::AlreadySigned { by: by.to_owned(), output: output.to_owned() })
    }

    fn refused(self, code: &str) -> Step {
        self.answered(Answer::Refused(code.to_owned()))
    }

    fn lost(self) -> Step {
        self.answered(Answer::Lost)
    }
}

/// For steps that send.
impl Step {
    fn change(mut self, change: impl FnOnce(&mut Send)) -> Self {
        if let Self::Send(send) = &mut self {
            change(send);
        }
        self
    }

    fn to(self, store: &str) -> Self {
        self.change(|send| store.clone_into(&mut send.to))
    }

    fn over(self, connection: u8) -> Self {
        self.change(|send| send.connection = connection)
    }

    fn journal(self, position: Position) -> Self {
        self.change(|send| send.journal = Some(position))
    }
}

fn main() -> String {
    "main".to_owned()
}

fn stop() -> Step {
    Step::Stop(main())
}

fn kill() -> Step {
    Step::Kill(main())
}

fn copy(from: &str, to: &str) -> Step {
    Step::Copy { from: from.to_owned(), to: to.to_owned() }
}
