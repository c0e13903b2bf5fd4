//! Somebody to whom webhooks are posted, and who answers 200 to all of them.

use custody_tests::custody::until;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

/// What was posted.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

/// See the module. Its thread ends with the test.
pub(super) struct Receiver {
    pub(super) url: String,
    posts: Arc<Mutex<Vec<Post>>>,
    secret: Mutex<String>,
}

impl Receiver {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let posts = Arc::<Mutex<Vec<Post>>>::default();
        let kept = Arc::clone(&posts);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let post = take(&stream.unwrap());
                kept.lock().unwrap().push(post);
            }
        });
        Self { url, posts, secret: Mutex::default() }
    }

    /// Takes over the endpoint's secret.
    pub(super) fn knows(&self, secret: &str) {
        secret.clone_into(&mut self.secret.lock().unwrap());
    }

    /// The last of so many posts of a type, as soon as they are here; all have the same id.
    pub(super) fn wait(&self, kind: &str, times: usize) -> Post {
        let is_wanted =
            |post: &&Post| serde_json::from_str::<Value>(&post.body).is_ok_and(|it| it["type"] == kind);
        let posts: Vec<Post> = until(|| {
            let posts: Vec<Post> = self.posts.lock().unwrap().iter().filter(is_wanted).cloned().collect();
            if posts.len() >= times { Ok(posts) } else { Err(json!(posts.len())) }
        });
        assert!(posts.iter().all(|post| post.headers["webhook-id"] == posts[0].headers["webhook-id"]));
        posts.last().unwrap().clone()
    }

    /// Holds every signature against the first secret, by the code that docs/webhooks.md gives to receivers.
    pub(super) fn verify(&self) {
        let text = include_str!("../../../docs/webhooks.md");
        let code = text.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
        let secret = self.secret.lock().unwrap().clone();
        let posts = self.posts.lock().unwrap().clone();
        assert!(posts.len() >= 3, "{posts:?}");
        for Post { headers, body } in posts {
            let call = "import json, sys\nsecret, headers, body = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3].encode()\n\
 print(is_genuine(secret, headers, body, int(headers['webhook-timestamp'])))";
            let mut python = Command::new("python3");
            python.args(["-c", &format!("{code}\n{call}"), &secret, &json!(headers).to_string(), &body]);
            let Ok(output) = python.output() else {
                eprintln!("there is no python3 here");
                return;
            };
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "True", "{output:?} {headers:?}");
        }
    }
}

fn take(stream: &TcpStream) -> Post {
    let mut reader = BufReader::new(stream);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) => drop(headers.insert(name.to_lowercase(), value.to_owned())),
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let mut stream = stream;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").unwrap();
    Post { headers, body: String::from_utf8(body).unwrap() }
}
