//! Who delivers is killed and started anew.

use crate::receiver::{Manner, Receiver};
use crate::stage::{SETTINGS, Stage, config, until};
use output_explorer::ledger::Ledger;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, path::Path};
use tempfile::tempdir;

/// The one before may still be about to let go of it.
async fn open(dir: &Path) -> Arc<Ledger> {
    let mut ledger = None;
    until("the ledger can be opened", || {
        ledger = Ledger::open(dir, SETTINGS, 16).ok();
        ledger.is_some()
    })
    .await;
    Arc::new(ledger.unwrap())
}

#[tokio::test]
async fn what_was_under_way_is_sent_again_and_what_was_done_is_not() {
    let dir = tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let stage = Stage::with(open(dir.path()).await, &config());
    let (endpoint, secret) = stage.endpoint(&receiver);
    stage.happen(3);
    stage.settle(endpoint.id).await;
    receiver.behave(Manner::Silent);
    stage.happen(2);
    until("both are under way", || receiver.posts().len() == 5).await;
    receiver.behave(Manner::Answer(500));
    stage.happen(1);
    until("one has failed", || stage.log(endpoint.id)[0].attempts.len() == 1).await;
    let clock = Arc::clone(&stage.clock);
    drop(stage);
    receiver.behave(Manner::Answer(200));
    let stage = Stage::at(open(dir.path()).await, &config(), clock);
    stage.settle(endpoint.id).await;
    stage.happen(1);
    stage.settle(endpoint.id).await;
    let counts: Vec<_> = receiver.events().into_iter().collect();
    assert_eq!(counts, [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 1), (7, 1)]);
    stage.clock.pass(Duration::from_mins(2));
    until("the one that had failed is there", || receiver.events()[&6] == 2).await;
    assert!(receiver.posts().iter().all(|post| post.is_signed_with(&secret)));
}
