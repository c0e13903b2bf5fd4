//! What a subscriber sees: requests, signatures, rotation, filters, pings, whose endpoints are whose.

use crate::receiver::{Manner, Receiver, signs};
use crate::stage::{SETTINGS, Stage, config, ledger, until};
use output_explorer::access::Role;
use output_explorer::access::token::{Token, TokenText};
use output_explorer::event::Event;
use output_explorer::ledger::tokens::TokenRecord;
use output_explorer::ledger::webhooks::EndpointError;
use output_explorer::settings::WebhookConfig;
use output_explorer::view::webhook::{EndpointChange, NewEndpoint};
use output_explorer::webhook::Clock;
use output_explorer::webhook::{Outcome, TargetError, WebhookError};
use rand_core::OsRng;
use std::process::Command;
use std::time::Duration;
use stegos_common::api::encoding::Timestamp;

#[tokio::test]
async fn a_request_is_as_documented() {
    let stage = Stage::new();
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let (endpoint, secret) = stage.endpoint(&receiver);
    stage.happen(1);
    stage.settle(endpoint.id).await;
    let post = receiver.posts().remove(0);
    assert_eq!(post.headers["content-type"], "application/json");
    assert_eq!(post.headers["webhook-id"], "1-1");
    assert_eq!(post.headers["webhook-event-id"], "1");
    assert_eq!(post.headers["webhook-timestamp"], "1700000000");
    assert!(post.headers["user-agent"].starts_with("output-explorer/"));
    assert!(post.is_signed_with(&secret));
    let id = &post.headers["webhook-id"];
    assert!(!signs(&secret, id, "1700000000", "{}", &post.signatures()), "another body is not signed");
    assert!(!signs(&secret, id, "1700000001", &post.body, &post.signatures()), "nor is another time");
    assert!(!signs(&secret, "9-9", "1700000000", &post.body, &post.signatures()), "nor is another id");
}

#[tokio::test]
async fn during_a_rotation_either_secret_verifies() {
    let stage = Stage::new();
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let (endpoint, old) = stage.endpoint(&receiver);
    let (_, new) = stage.webhooks.rotate(Some("shop"), endpoint.id, None).unwrap();
    for (hours, valid) in [(0, true), (23, true), (2, false)] {
        stage.clock.pass(Duration::from_hours(hours));
        stage.happen(1);
        stage.settle(endpoint.id).await;
        let post = receiver.posts().pop().unwrap();
        assert!(post.is_signed_with(&new));
        assert_eq!((post.is_signed_with(&old), post.signatures().len()), (valid, 1 + usize::from(valid)));
    }
    let week = Some(Duration::from_hours(7 * 24 + 1));
    assert!(matches!(stage.webhooks.rotate(None, endpoint.id, week), Err(WebhookError::Grace)));
}

#[tokio::test]
async fn an_endpoint_gets_what_it_asked_for_from_where_it_asked() {
    let stage = Stage::new();
    let receiver = Receiver::start(Manner::Answer(200)).await;
    stage.happen(3);
    let new =
        NewEndpoint { url: receiver.url(), events: vec!["node.lost".to_owned()], ..NewEndpoint::default() };
    let (lost, _) = stage.webhooks.create("shop", new.clone()).unwrap();
    let other = Receiver::start(Manner::Answer(200)).await;
    let all = NewEndpoint { url: other.url(), after: Some(1), ..NewEndpoint::default() };
    let (all, _) = stage.webhooks.create("shop", all).unwrap();
    let reason = "gone".to_owned();
    stage.ledger.note(Event::NodeLost { address: "node".to_owned(), reason }).unwrap();
    stage.happen(1);
    for endpoint in [lost.id, all.id] {
        stage.settle(endpoint).await;
    }
    assert_eq!(receiver.events().into_keys().collect::<Vec<_>>(), [4]);
    assert_eq!(other.events().into_keys().collect::<Vec<_>>(), [2, 3, 4, 5]);
    let ahead = NewEndpoint { after: Some(99), ..new.clone() };
    assert!(matches!(stage.webhooks.create("shop", ahead), Err(WebhookError::Events(_))));
    let unknown = NewEndpoint { events: vec!["node.gone".to_owned()], ..new };
    assert!(matches!(stage.webhooks.create("shop", unknown), Err(WebhookError::Filter(_))));
}

#[tokio::test]
async fn whose_token_is_over_is_told_nothing_more() {
    let stage = Stage::new();
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let text = TokenText::random(&mut OsRng);
    let hour = Duration::from_hours(1);
    let end = stage.clock.now().unix_nanos() + u64::try_from(hour.as_nanos()).unwrap();
    let token = Token {
        id: text.id(),
        name: "shop".to_owned(),
        role: Role::Service,
        created: stage.clock.now(),
        expires: Some(Timestamp::from_unix_nanos(end)),
        revoked: None,
    };
    let subscriber = token.id.to_string();
    stage.ledger.add_token(&TokenRecord { token, digest: text.digest() }).unwrap();
    let new = NewEndpoint { url: receiver.url(), ..NewEndpoint::default() };
    let (endpoint, _) = stage.webhooks.create(&subscriber, new).unwrap();
    stage.happen(1);
    stage.settle(endpoint.id).await;
    stage.clock.pass(hour);
    stage.happen(1);
    let is_enabled = || stage.webhooks.endpoints(None).unwrap()[0].enabled;
    until("it is disabled", || !is_enabled()).await;
    assert_eq!(receiver.posts().len(), 1);
    // Nor does it help to enable it again.
    let change = EndpointChange { enabled: Some(true), ..EndpointChange::default() };
    stage.webhooks.update(None, endpoint.id, change).unwrap();
    until("it is disabled", || !is_enabled()).await;
    assert_eq!(receiver.posts().len(), 1);
}

#[tokio::test]
async fn a_ping_is_sent_once_and_tells_what_came_of_it() {
    let stage = Stage::new();
    let mut receiver = Receiver::start(Manner::Answer(418)).await;
    let (endpoint, secret) = stage.endpoint(&receiver);
    let attempt = stage.webhooks.ping(Some("shop"), endpoint.id).await.unwrap();
    assert!(matches!(attempt.outcome, Outcome::Answered { status: 418, .. }) && !attempt.is_success());
    receiver.behave(Manner::Babble);
    let attempt = stage.webhooks.ping(Some("shop"), endpoint.id).await.unwrap();
    assert!(attempt.is_success(), "an answer is not read to an end that never comes");
    receiver.stop().await;
    let attempt = stage.webhooks.ping(Some("shop"), endpoint.id).await.unwrap();
    let Outcome::NotAnswered { reason } = attempt.outcome else { panic!("nobody answers") };
    assert!(reason.contains("refused") && !reason.contains("/hook"), "{reason}");
    let posts = receiver.posts();
    assert_eq!(posts.iter().map(|post| post.event()).collect::<Vec<_>>(), [0, 0]);
    assert!(posts.iter().all(|post| post.is_signed_with(&secret)));
    assert_ne!(posts[0].headers["webhook-id"], posts[1].headers["webhook-id"]);
    assert!(stage.log(endpoint.id).is_empty());
}

#[tokio::test]
async fn endpoints_are_their_subscribers_own() {
    let stage = Stage::new();
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let (first, _) = stage.endpoint(&receiver);
    let (mine, theirs) = (Some("shop"), Some("bank"));
    assert!(stage.webhooks.endpoints(theirs).unwrap().is_empty());
    let unknown = |result: Result<(), EndpointError>| matches!(result, Err(EndpointError::Unknown(_)));
    assert!(unknown(stage.webhooks.delete(theirs, first.id)));
    assert!(unknown(stage.webhooks.deliveries(theirs, first.id, None, 1).map(drop)));
    assert!(unknown(stage.webhooks.redeliver(theirs, first.id, 1).map(drop)));
    assert!(unknown(stage.webhooks.ping(theirs, first.id).await.map(drop)));
    assert!(stage.webhooks.update(theirs, first.id, EndpointChange::default()).is_err());
    assert!(stage.webhooks.rotate(theirs, first.id, None).is_err());
    for _ in 0..2 {
        stage.endpoint(&receiver);
    }
    let fourth = NewEndpoint { url: receiver.url(), ..NewEndpoint::default() };
    let refused = stage.webhooks.create("shop", fourth.clone()).map(drop);
    assert!(matches!(refused, Err(WebhookError::Endpoint(EndpointError::TooMany))));
    stage.webhooks.create("bank", fourth.clone()).unwrap();
    stage.happen(1);
    stage.settle(first.id).await;
    stage.webhooks.delete(mine, first.id).unwrap();
    assert_eq!(stage.webhooks.create("shop", fourth).unwrap().0.id, 5, "no id is given twice");
    assert_eq!(stage.webhooks.endpoints(None).unwrap().len(), 4);
    assert!(unknown(stage.webhooks.deliveries(None, first.id, None, 1).map(drop)));
}

#[tokio::test]
async fn nothing_goes_into_a_private_network_unless_that_is_allowed() {
    let ledger = ledger(SETTINGS);
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let endpoint = Stage::with(ledger.clone(), &config()).endpoint(&receiver).0;
    // It was allowed once, and is not any more.
    let stage = Stage::with(ledger, &WebhookConfig { allow_private_targets: false, ..config() });
    stage.happen(1);
    stage.settle(endpoint.id).await;
    let log = stage.log(endpoint.id);
    assert!(
        matches!(&log[0].attempts[0].outcome, Outcome::NotAnswered { reason } if reason.contains("https"))
    );
    let secure = receiver.url().replace("http://", "https://");
    let refused = stage.webhooks.create("shop", NewEndpoint { url: secure, ..NewEndpoint::default() });
    assert!(matches!(refused.map(drop), Err(WebhookError::Target(TargetError::Private(_)))));
    assert!(receiver.posts().is_empty());
}

/// The lines that integrators copy from the documentation, where there is a Python to run them.
#[tokio::test]
async fn the_documented_lines_verify_a_request() {
    let text = include_str!("../../../docs/webhooks.md");
    let code = text.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let stage = Stage::new();
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let (endpoint, _) = stage.endpoint(&receiver);
    let (_, secret) = stage.webhooks.rotate(None, endpoint.id, None).unwrap();
    stage.happen(1);
    stage.settle(endpoint.id).await;
    let post = receiver.posts().remove(0);
    let call = "import sys\nsecret, delivery, timestamp, signature, body, now = sys.argv[1:]\n\
        headers = {'webhook-id': delivery, 'webhook-timestamp': timestamp, 'webhook-signature': signature}\n\
        print(is_genuine(secret, headers, body.encode(), int(now)))";
    let is_genuine = |secret: &str, body: &str, now: &str| {
        let (timestamp, signature) = (&post.headers["webhook-timestamp"], &post.headers["webhook-signature"]);
        let mut python = Command::new("python3");
        python.arg("-c").arg(format!("{code}\n{call}"));
        let output = python
            .args([secret, &post.headers["webhook-id"], timestamp, signature, body, now])
            .output()
            .ok()?;
        Some(String::from_utf8(output.stdout).unwrap().trim() == "True")
    };
    let Some(genuine) = is_genuine(secret.reveal(), &post.body, "1700000000") else {
        eprintln!("there is no python3 here");
        return;
    };
    assert!(genuine);
    assert_eq!(is_genuine(secret.reveal(), "{}", "1700000000"), Some(false), "another body");
    assert_eq!(is_genuine(secret.reveal(), &post.body, "1700000301"), Some(false), "too old");
    assert_eq!(is_genuine("whsec_", &post.body, "1700000000"), Some(false), "another secret");
}
