//! Kills at any moment, while blocks are made and taken back.
//!
//! `CUSTODY_KILL_ROUNDS` says how many rounds, 20 unless it is set; `CUSTODY_KILL_SEED` repeats a run as far as the
//! machine's own timing allows.

use super::player::Player;
use custody_tests::custody::Custody;
use rand_core::{OsRng, RngCore};
use std::env;

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn killed_at_any_moment_no_money_is_lost() {
    let rounds = setting("CUSTODY_KILL_ROUNDS").unwrap_or(20);
    let seed = setting("CUSTODY_KILL_SEED").unwrap_or_else(|| OsRng.next_u64());
    println!("{rounds} rounds, CUSTODY_KILL_SEED={seed}");
    let custody = Custody::new(8, &Player::USERS);
    let mut player = Player::new(&custody, seed);
    for round in 0..rounds {
        println!("round {round}");
        player.play();
        player.finish();
        player.check();
    }
    println!("{}", player.summary());
}
