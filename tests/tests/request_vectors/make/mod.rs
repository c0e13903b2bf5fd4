//! The tables from which the files are written.

mod accepted;
mod accounts;
mod amounts;
mod certificates;
mod fields;
mod inputs;
mod keys;
mod limits;
mod outputs;
mod policy;
mod recorded;
mod repeats;
mod shape;

use crate::check::facts;
use crate::vector::Vector;
use crate::world;
pub(crate) use custody_tests::request::{set, unset};
use serde_json::Value;

/// Every vector, in the order of the paths.
pub(crate) fn all() -> Vec<Vector> {
    let mut suite = Suite::default();
    for add in [
        accepted::add,
        accounts::add,
        amounts::add,
        certificates::add,
        fields::add,
        inputs::add,
        keys::add,
        limits::add,
        outputs::add,
        policy::add,
        recorded::add,
        repeats::add,
        shape::add,
    ] {
        add(&mut suite);
    }
    suite.0.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(suite.0.windows(2).all(|two| two[0].path != two[1].path), "two vectors of one name");
    suite.0
}

/// The text of `accounts.json`.
pub(crate) fn accounts() -> String {
    format!("{:#}\n", world::accounts())
}

/// Vectors that are being made.
#[derive(Default)]
pub(crate) struct Suite(Vec<Vector>);

impl Suite {
    /// A request, whether it is signed or not.
    pub(crate) fn add(
        &mut self,
        path: &str,
        about: &str,
        expect: &str,
        body: impl Into<Vec<u8>>,
    ) -> &mut Vector {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        self.0.push(Vector {
            path: path.to_owned(),
            headers: vec![header("about", about), header("expect", expect)],
            body: body.into(),
        });
        self.0.last_mut().unwrap()
    }

    /// A request that is refused.
    pub(crate) fn refused(&mut self, path: &str, about: &str, code: &str, request: &Value) -> &mut Vector {
        self.add(path, about, code, format!("{request:#}"))
    }

    /// A request that is signed as it stands.
    pub(crate) fn signed(&mut self, path: &str, about: &str, request: &Value) -> &mut Vector {
        let vector = self.add(path, about, "signed", format!("{request:#}"));
        vector.headers.extend(facts(request));
        vector
    }
}

impl Vector {
    /// One more header.
    pub(crate) fn with(&mut self, name: &str, value: impl ToString) -> &mut Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

/// A text with something in it replaced, once.
pub(crate) fn edit(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?} is in it once");
    text.replace(from, to)
}
