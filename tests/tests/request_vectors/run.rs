//! Brings vectors to real signers: over the socket of `serve`, and as files.

use crate::check::{Answers, check};
use crate::raw;
use crate::vector::{Expected, Vector, Way, folder};
use crate::world::{NETWORK, store};
use custody_tests::store::{ALLOW_ALL, Signer, Store};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};
use std::thread;
use stegos_common::address::Network;

/// Vectors of one folder for signers that are set up alike. One store does for all of them: none spends what another
/// spends, unless it comes after it.
pub(crate) struct Group<'a> {
    network: Network,
    policy: &'a str,
    flags: Vec<&'a str>,
    vectors: Vec<&'a Vector>,
}

/// Groups at one time: signers wait for the disk.
const AT_ONCE: usize = 8;

/// Calls a function with every group of vectors.
pub(crate) fn each_group(vectors: &[Vector], run: impl Fn(&Group<'_>) + Sync) {
    let setup = |vector: &Vector| {
        let topic = vector.path.split('/').next().map(str::to_owned);
        (topic, ["network", "policy", "flags"].map(|name| vector.get(name).map(str::to_owned)))
    };
    let mut groups: BTreeMap<_, Vec<&Vector>> = BTreeMap::new();
    for vector in vectors {
        groups.entry(setup(vector)).or_default().push(vector);
    }
    let groups = Mutex::new(groups.into_values().map(Group::new));
    let next = || groups.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(group) = next() {
                    run(&group);
                }
            });
        }
    });
}

/// Whoever comes after others comes after them.
fn in_order(mut waiting: Vec<&Vector>) -> Vec<&Vector> {
    let (mut ordered, mut done) = (Vec::new(), BTreeSet::new());
    while !waiting.is_empty() {
        let (ready, later): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|vector| vector.all("after").all(|path| done.contains(path)));
        assert!(!ready.is_empty(), "{}: what it comes after is not in its group", later[0].path);
        done.extend(ready.iter().map(|vector| vector.path.as_str()));
        ordered.extend(ready);
        waiting = later;
    }
    ordered
}

/// Stores with the accounts, one for each network, that are copied for each group.
pub(crate) struct Stores([Store; 2]);

impl Stores {
    pub(crate) fn new() -> Self {
        Self([Network::Dev, Network::Testnet].map(store))
    }

    fn copy_for(&self, group: &Group<'_>) -> Store {
        let store = self.0.iter().find(|store| store.network() == group.network).unwrap().copy();
        store.private_file("policy.toml", &policy(group.policy));
        store
    }
}

fn policy(name: &str) -> String {
    let path = folder().join("policies").join(name).with_extension("toml");
    match name {
        // There the variable that names it is taken away.
        "none" => ALLOW_ALL.to_owned(),
        _ => fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    }
}

impl<'a> Group<'a> {
    fn new(vectors: Vec<&'a Vector>) -> Self {
        let first = vectors[0];
        Self {
            network: first.get("network").map_or(NETWORK, |name| name.parse().unwrap()),
            policy: first.get("policy").unwrap_or("any"),
            flags: first.get("flags").into_iter().flat_map(|flags| flags.split(' ')).collect(),
            vectors: in_order(vectors),
        }
    }

    fn command(&self, store: &Store, args: &[&str]) -> Command {
        let mut command = store.command(&[args, &self.flags].concat());
        if self.policy == "none" {
            command.env_remove("COLD_SIGNER_POLICY");
        }
        command
    }

    /// Brings every vector over the Unix socket.
    pub(crate) fn over_the_socket(&self, stores: &Stores) {
        let store = stores.copy_for(self);
        let signer = Signer::start(&store, self.command(&store, &["serve"]));
        let mut session = signer.connect();
        let mut answers = Answers::new();
        for vector in &self.vectors {
            let answer = match std::str::from_utf8(&vector.body) {
                Ok(text) => session.text(text).map(|answer| parse(vector, &answer)),
                Err(_) => {
                    let answer = raw::send(&signer.socket(), &store.dir().join("api.token"), &vector.body);
                    (!answer.is_empty()).then(|| Value::String(hex::encode(answer)))
                }
            };
            check(vector, Way::Socket, answer.as_ref(), &answers);
            match answer {
                Some(answer) => drop(answers.insert(vector.path.clone(), answer)),
                // The others must not suffer from it.
                None => session = signer.connect(),
            }
        }
        assert_eq!(signer.stop().0.code(), Some(0));
    }

    /// Brings every vector as a file of one folder; and, to a signer that remembers them, one for each outcome alone.
    pub(crate) fn by_files(&self, stores: &Stores) {
        let store = stores.copy_for(self);
        let spool = store.path("spool");
        fs::create_dir(&spool).unwrap();
        for (place, vector) in self.vectors.iter().enumerate() {
            fs::write(spool.join(format!("{place:04}.request.json")), &vector.body).unwrap();
        }
        let output =
            self.command(&store, &["sign", "--once", "--spool", &spool.to_string_lossy()]).output().unwrap();
        let mut answers = Answers::new();
        for (place, vector) in self.vectors.iter().enumerate() {
            let files = ["response", "refused", "pending"].map(|end| format!("{place:04}.{end}.json"));
            let answers_there = files.map(|file| fs::read_to_string(spool.join(file)).ok());
            let mut answers_there = answers_there.into_iter().flatten();
            let answer = answers_there.next().map(|answer| parse(vector, &answer));
            assert_eq!(answers_there.next(), None, "{}: {output:?}", vector.path);
            check(vector, Way::File, answer.as_ref(), &answers);
            answers.extend(answer.map(|answer| (vector.path.clone(), answer)));
        }
        let mut met = BTreeSet::new();
        for vector in &self.vectors {
            if met.insert(format!("{:?}", vector.expected(Way::File))) {
                self.alone(vector, &store, &answers);
            }
        }
    }

    fn alone(&self, vector: &Vector, store: &Store, answers: &Answers) {
        let file = store.path("request.json");
        fs::write(&file, &vector.body).unwrap();
        let Output { status, stdout, .. } =
            self.command(store, &["sign", &file.to_string_lossy()]).output().unwrap();
        let answer = (!stdout.is_empty()).then(|| parse(vector, &String::from_utf8_lossy(&stdout)));
        let code = match vector.expected(Way::File) {
            Expected::Signed => {
                let (again, first) = (answer.as_ref().unwrap(), &answers[&vector.path]);
                assert_eq!(again["data"], first["data"], "{}: signed anew", vector.path);
                0
            }
            Expected::Refused(_) => 3,
            Expected::Nothing => 1,
        };
        assert_eq!(status.code(), Some(code), "{}", vector.path);
        check(vector, Way::File, answer.as_ref(), answers);
    }
}

fn parse(vector: &Vector, answer: &str) -> Value {
    serde_json::from_str(answer).unwrap_or_else(|error| panic!("{}: {error} in {answer}", vector.path))
}
