//! A vector as it stands in its file: headers, an empty line, the bytes of a request.

use std::fs;
use std::path::{Path, PathBuf};

/// How the name of a vector's file ends.
const END: &str = ".vector";

/// Every header there is; the README of the suite says what they mean.
const NAMES: [&str; 15] = [
    "about", "source", "expect", "file", "says", "network", "policy", "rule", "flags", "after", "same-as",
    "input", "fee", "output", "spender",
];

/// One request, and what must come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vector {
    /// Its path below the suite's folder, without the end of the file's name.
    pub(crate) path: String,
    /// Names and values, in order.
    pub(crate) headers: Vec<(String, String)>,
    /// The request, byte for byte.
    pub(crate) body: Vec<u8>,
}

/// What must come of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A signed transaction.
    Signed,
    /// A refusal with one of these codes.
    Refused(Vec<String>),
    /// No answer at all.
    Nothing,
}

/// How a request is brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Socket,
    File,
}

/// The suite's folder.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/requests")
}

/// All vectors that are checked in, in the order of their paths.
pub(crate) fn read_all() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for topic in fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|it| it.is_dir()) {
        for file in fs::read_dir(&topic).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if let Some(name) = name.strip_suffix(END) {
                let path = format!("{}/{name}", topic.file_name().unwrap().to_string_lossy());
                vectors.push(Vector::parse(path, &fs::read(&file).unwrap()));
            }
        }
    }
    vectors.sort_by(|one, other| one.path.cmp(&other.path));
    vectors
}

impl Vector {
    fn parse(path: String, bytes: &[u8]) -> Self {
        let end = bytes.windows(2).position(|two| two == b"\n\n");
        let end = end.unwrap_or_else(|| panic!("{path}: no empty line after the headers"));
        let text = std::str::from_utf8(&bytes[..end]).unwrap_or_else(|error| panic!("{path}: {error}"));
        let header = |line: &str| {
            let (name, value) =
                line.split_once(": ").unwrap_or_else(|| panic!("{path}: {line:?} is no header"));
            assert!(NAMES.contains(&name), "{path}: there is no header {name:?}");
            (name.to_owned(), value.to_owned())
        };
        let headers = text.lines().map(header).collect();
        Self { headers, body: bytes[end + 2..].to_vec(), path }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        [headers.as_bytes(), b"\n", &self.body].concat()
    }

    /// Writes its file.
    pub(crate) fn write(&self) {
        let path = folder().join(format!("{}{END}", self.path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, self.to_bytes()).unwrap();
    }

    /// Removes its file.
    pub(crate) fn remove(&self) {
        fs::remove_file(folder().join(format!("{}{END}", self.path))).unwrap();
    }

    /// The values of a header.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The value of a header that stands there once at most.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(it, _)| it == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{}: a second {name}", self.path);
        value
    }

    /// What must come of it.
    pub(crate) fn expected(&self, way: Way) -> Expected {
        let expect = self.get("expect").unwrap_or_else(|| panic!("{}: no expect", self.path));
        match (expect, way) {
            ("closed", Way::Socket) => Expected::Nothing,
            ("closed", Way::File) => self.get("file").map_or(Expected::Nothing, outcome),
            (expect, _) => outcome(expect),
        }
    }

    /// Whether it is signed, however it is brought.
    pub(crate) fn is_positive(&self) -> bool {
        self.get("expect") == Some("signed")
    }
}

fn outcome(expect: &str) -> Expected {
    match expect {
        "signed" => Expected::Signed,
        codes => Expected::Refused(codes.split(" or ").map(str::to_owned).collect()),
    }
}
