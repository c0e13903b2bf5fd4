//! Receivers that fail: everything arrives at least once, and one that fails keeps no other waiting.

use crate::receiver::{Manner, Receiver};
use crate::stage::{SETTINGS, Stage, config, ledger, until};
use output_explorer::ledger::Settings;
use output_explorer::settings::WebhookConfig;
use output_explorer::view::webhook::EndpointChange;
use output_explorer::webhook::{Outcome, State};
use std::time::Duration;

#[tokio::test]
async fn a_receiver_that_is_down_for_a_day_gets_everything_once_it_is_back() {
    let stage = Stage::new();
    let mut receiver = Receiver::start(Manner::Answer(200)).await;
    receiver.stop().await;
    let (endpoint, secret) = stage.endpoint(&receiver);
    for _ in 0..8 {
        stage.happen(5);
        stage.pass(endpoint.id, 3).await;
    }
    assert!(stage.log(endpoint.id).iter().all(|delivery| delivery.attempts.len() > 3));
    receiver.start_again().await;
    stage.happen(2);
    stage.settle(endpoint.id).await;
    assert_eq!(
        receiver.events().into_keys().collect::<Vec<_>>(),
        [41, 42],
        "new events do not wait for old ones"
    );
    stage.pass(endpoint.id, 24).await;
    assert_eq!(
        receiver.events().into_iter().collect::<Vec<_>>(),
        (1..=42).map(|id| (id, 1)).collect::<Vec<_>>()
    );
    assert!(receiver.posts().iter().all(|post| post.is_signed_with(&secret)));
    assert!(stage.log(endpoint.id).iter().all(|delivery| delivery.state == State::Delivered));
}

#[tokio::test]
async fn whatever_a_receiver_does_everything_arrives_in_the_end() {
    let elsewhere = Receiver::start(Manner::Answer(200)).await;
    for (manner, arrives) in [
        (Manner::Answer(500), true),
        (Manner::Answer(404), true),
        (Manner::Redirect(elsewhere.url()), true),
        (Manner::Silent, true),
        (Manner::LoseAnswer, true),
        (Manner::CloseEarly, false),
    ] {
        // Only who says nothing is waited for.
        let limit = Duration::from_secs(if manner == Manner::Silent { 1 } else { 60 });
        let stage = Stage::with(ledger(SETTINGS), &WebhookConfig { limit, ..config() });
        let receiver = Receiver::start(manner.clone()).await;
        let (endpoint, _) = stage.endpoint(&receiver);
        stage.happen(6);
        stage.settle(endpoint.id).await;
        assert_eq!(receiver.events().len(), if arrives { 6 } else { 0 }, "{manner:?}");
        assert!(
            stage.log(endpoint.id).iter().all(|it| matches!(it.state, State::Pending { .. })),
            "{manner:?}"
        );
        receiver.behave(Manner::Answer(204));
        stage.pass(endpoint.id, 1).await;
        let events = receiver.events();
        let times = if arrives { 2 } else { 1 };
        assert_eq!(events.into_iter().collect::<Vec<_>>(), (1..=6).map(|id| (id, times)).collect::<Vec<_>>());
        assert!(stage.log(endpoint.id).iter().all(|it| it.state == State::Delivered), "{manner:?}");
    }
    assert!(elsewhere.posts().is_empty(), "a redirection is not followed");
}

#[tokio::test]
async fn a_receiver_that_says_nothing_keeps_no_other_waiting() {
    let stage = Stage::new();
    let (silent, lively) =
        (Receiver::start(Manner::Silent).await, Receiver::start(Manner::Answer(200)).await);
    let (waiting, _) = stage.endpoint(&silent);
    let (endpoint, _) = stage.endpoint(&lively);
    stage.happen(50);
    stage.settle(endpoint.id).await;
    assert_eq!(lively.events().len(), 50);
    until("four requests are under way", || silent.posts().len() == 4).await;
    assert!(stage.log(waiting.id).iter().all(|delivery| delivery.attempts.is_empty()));
}

#[tokio::test]
async fn what_is_given_up_is_in_the_log_and_can_be_redelivered() {
    let stage = Stage::new();
    let receiver = Receiver::start(Manner::Answer(500)).await;
    let (endpoint, _) = stage.endpoint(&receiver);
    stage.happen(1);
    stage.settle(endpoint.id).await;
    stage.pass(endpoint.id, 24 * 4).await;
    let log = stage.log(endpoint.id);
    assert_eq!((log[0].state, log[0].attempts.len()), (State::Failed, 10));
    let answered = Outcome::Answered { status: 500, body: "as\u{fffd} said".to_owned() };
    assert_eq!(log[0].attempts[9].outcome, answered);
    receiver.behave(Manner::Answer(200));
    stage.happen(1);
    stage.settle(endpoint.id).await;
    assert_eq!(receiver.events()[&2], 1, "what comes later is delivered");
    stage.webhooks.redeliver(Some("shop"), endpoint.id, 1).unwrap();
    stage.settle(endpoint.id).await;
    assert_eq!(receiver.events()[&1], 11);
    assert_eq!(stage.log(endpoint.id)[1].state, State::Delivered);
    assert!(stage.webhooks.redeliver(Some("shop"), endpoint.id, 3).is_err());
}

#[tokio::test]
async fn events_that_are_gone_are_told() {
    let stage = Stage::with(ledger(Settings { keep_events: 10, ..SETTINGS }), &config());
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let (endpoint, _) = stage.endpoint(&receiver);
    let enable = |enabled| {
        let change = EndpointChange { enabled: Some(enabled), ..EndpointChange::default() };
        stage.webhooks.update(Some("shop"), endpoint.id, change).unwrap();
    };
    stage.happen(3);
    stage.settle(endpoint.id).await;
    enable(false);
    stage.happen(30);
    enable(true);
    stage.settle(endpoint.id).await;
    let arrived: Vec<u64> = receiver.events().into_keys().collect();
    assert_eq!(arrived, [1, 2, 3, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33]);
    let missed = stage.webhooks.endpoints(None).unwrap().remove(0).missed;
    assert_eq!(missed.iter().map(|gap| (gap.first, gap.last)).collect::<Vec<_>>(), [(4, 23)]);
}

/// What waits for its next attempt is delivered as it was, though the ledger has dropped the event.
#[tokio::test]
async fn a_delivery_outlives_its_event() {
    let stage = Stage::with(ledger(Settings { keep_events: 1, ..SETTINGS }), &config());
    let receiver = Receiver::start(Manner::Answer(500)).await;
    let (endpoint, _) = stage.endpoint(&receiver);
    for _ in 0..3 {
        stage.happen(1);
        stage.settle(endpoint.id).await;
    }
    assert!(stage.ledger.events(0, 1).is_err());
    receiver.behave(Manner::Answer(200));
    stage.pass(endpoint.id, 1).await;
    let posts = receiver.posts();
    assert_eq!(receiver.events().into_values().collect::<Vec<_>>(), [2, 2, 2]);
    for post in &posts {
        assert!(
            posts.iter().filter(|other| other.event() == post.event()).all(|other| other.body == post.body)
        );
    }
}
