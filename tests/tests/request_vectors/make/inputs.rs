//! What a request spends: ids, blobs, and outputs that cannot be spent.

use super::{Suite, set, unset};
use crate::world::{good, key, pay, payment, private, public, spend};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use custody_tests::money::{blob, from_blob};
use custody_tests::vectors::vectors;
use serde_json::{Value, json};
use stegos_common::group::Encoded;
use stegos_common::output::{Output, PaymentOutput, PublicPaymentOutput, Unspent};

pub(crate) fn add(suite: &mut Suite) {
    ids(suite);
    blobs(suite);
    unspendable(suite);
    tampered(suite);
    owners(suite);
}

fn ids(suite: &mut Suite) {
    let request = good("inputs");
    let id = request["txins"][0].as_str().unwrap();
    let none = set(set(request.clone(), "/txins", json!([])), "/unspent_list", json!([]));
    suite.refused("inputs/none", "Nothing is spent.", "no_inputs", &none);
    let many: Vec<Unspent> =
        (0..101).map(|place| public(&format!("inputs {place}"), "alice", 50_000)).collect();
    let many = spend(&many.iter().collect::<Vec<_>>(), &[pay("bob", 5_049_000)], 1000);
    suite.refused("inputs/101", "One more than a node takes.", "too_many_inputs", &many).with("says", 101);
    for (name, about, again) in [
        ("twice", "An output is spent twice.", id.to_owned()),
        ("twice-in-capitals", "An output is spent twice, its id in other letters.", id.to_uppercase()),
    ] {
        let twice = set(request.clone(), "/txins/-", again);
        suite.refused(&format!("inputs/{name}"), about, "duplicate_input", &twice).with("says", id);
    }
    for (name, about, bad) in [
        ("id-of-62-digits", "An id of 31 bytes.", id[2..].to_owned()),
        ("id-of-63-digits", "An id that lost a digit.", id[1..].to_owned()),
        ("id-of-66-digits", "An id of 33 bytes.", format!("{id}00")),
        ("id-empty", "An empty id.", String::new()),
        ("id-no-hex", "An id with a letter that is no digit.", format!("{}g", &id[1..])),
        ("id-with-0x", "An id as other chains write it.", format!("0x{id}")),
        ("id-with-blank", "A blank after an id.", format!("{id} ")),
    ] {
        suite
            .refused(&format!("inputs/{name}"), about, "bad_input_id", &set(request.clone(), "/txins/0", bad))
            .with("says", "txins[0]");
    }
}

fn blobs(suite: &mut Suite) {
    let (one, two) = (public("inputs", "alice", 3_000_000), public("inputs", "bob", 2_000_000));
    let request = spend(&[&one, &two], &[pay("merchant", 4_999_000)], 1000);
    let more = |bad: &str| set(request.clone(), "/unspent_list/-", bad);
    let lacking = unset(request.clone(), "/unspent_list/1");
    suite
        .refused("inputs/blob-missing", "One of two blobs is missing.", "missing_blob", &lacking)
        .with("says", two.id());
    let foreign = public("inputs", "merchant", 1_000_000);
    suite
        .refused(
            "inputs/blob-of-a-stranger",
            "A blob of an output that is not spent.",
            "extra_blob",
            &more(&blob(&foreign)),
        )
        .with("says", foreign.id());
    let own = private("inputs", "hot", 1_000_000);
    suite
        .refused(
            "inputs/blob-of-another",
            "A blob of an own output that is not spent.",
            "extra_blob",
            &more(&blob(&own)),
        )
        .with("says", own.id());
    suite
        .refused("inputs/blob-twice", "A blob twice.", "duplicate_blob", &more(&blob(&one)))
        .with("says", one.id());
    suite.refused(
        "inputs/blob-twice-in-capitals",
        "A blob twice, once in capitals.",
        "duplicate_blob",
        &more(&blob(&two).to_uppercase()),
    );
    let good = blob(&one);
    let signed =
        vectors("traffic/create_raw_public_to_public")["response"]["data"].as_str().unwrap().to_owned();
    for (name, about, bad) in [
        ("odd", "A blob of half a byte.", good[1..].to_owned()),
        ("empty", "An empty blob.", String::new()),
        ("base64", "A blob in base64.", STANDARD.encode(hex::decode(&good).unwrap())),
        ("with-0x", "A blob as other chains write it.", format!("0x{good}")),
        ("with-newline", "A newline after a blob.", format!("{good}\n")),
        ("half", "A blob that was cut.", good[..good.len() / 4 * 2].to_owned()),
        ("byte-more", "A byte after a blob.", format!("{good}00")),
        ("garbage", "Bytes that are no protobuf.", "deadbeef".to_owned()),
        ("transaction", "A transaction instead of an output.", signed),
        ("id", "An id instead of an output.", one.id().to_string()),
    ] {
        suite
            .refused(&format!("inputs/blob-{name}"), about, "bad_blob", &more(&bad))
            .with("says", "unspent_list[2]");
    }
}

/// Outputs of an account that no node would let it spend.
fn unspendable(suite: &mut Suite) {
    let Output::Stake(recorded) =
        from_blob(vectors("outputs")["stake_outputs"][0]["blob"].as_str().unwrap()).output().clone()
    else {
        panic!("the recorded stake is none")
    };
    let alice = key("alice").public_key().encoded();
    let stake =
        Unspent::new(Output::Stake(stegos_common::output::StakeOutput { recipient: alice, ..recorded }));
    let fee = 1000;
    let request = spend(&[&stake], &[pay("alice", recorded_amount(&stake) - fee)], fee);
    suite
        .refused("inputs/stake", "A stake, of an account of the store.", "stake_input", &request)
        .with("says", stake.id());
    for (name, about, amount) in [
        ("zero", "A public output of nothing.", 0),
        ("negative", "A public output below nothing, beside one that pays for it.", -1),
        ("least", "A public output of the least number there is.", i64::MIN),
    ] {
        let bad =
            Unspent::new(Output::PublicPayment(PublicPaymentOutput { recipient: alice, serno: 1, amount }));
        let rest = public("inputs", "alice", 5_000_000);
        let change = 5_000_000_i64.saturating_add(amount).max(2000) - 1000;
        let request = spend(&[&bad, &rest], &[pay("bob", change)], 1000);
        suite
            .refused(&format!("inputs/amount-{name}"), about, "bad_input_amount", &request)
            .with("says", bad.id());
    }
}

fn recorded_amount(stake: &Unspent) -> i64 {
    match stake.output() {
        Output::Stake(stake) => stake.amount,
        _ => 0,
    }
}

/// Private outputs that open, but are not what they say.
fn tampered(suite: &mut Suite) {
    let (one, other) = (payment("inputs", "hot", 3_000_000), payment("inputs: another", "hot", 3_000_000));
    let hot = key("hot").public_key().encoded();
    let changed = |change: &dyn Fn(&mut PaymentOutput)| {
        let mut output = one.clone();
        change(&mut output);
        Unspent::new(Output::Payment(output))
    };
    // In the payload the amount is at byte 68.
    for (name, about, input) in [
        (
            "proof-of-another",
            "The commitment and proof of another output of the same amount.",
            changed(&|it| it.proof = other.proof.clone()),
        ),
        (
            "commitment-no-point",
            "A commitment that is no point.",
            changed(&|it| it.proof.commitment = Encoded::from_bytes([0xff; 32])),
        ),
        (
            "key-of-another",
            "The cloaked key of another output of the same account.",
            changed(&|it| it.recipient = other.recipient),
        ),
        ("key-uncloaked", "The account's plain key.", changed(&|it| it.recipient = hot)),
        (
            "amount-of-more",
            "The payload says more than the commitment hides.",
            changed(&|it| it.payload.ciphertext[72] ^= 1),
        ),
    ] {
        let request = spend(&[&input], &[pay("merchant", 2_999_000)], 1000);
        suite
            .refused(&format!("inputs/private-{name}"), about, "mismatched_input", &request)
            .with("says", input.id());
    }
}

fn owners(suite: &mut Suite) {
    let code = "input_not_owned";
    let request = |input: &Unspent| spend(&[input], &[pay("bob", 2_999_000)], 1000);
    for (name, about, input) in [
        (
            "public-of-a-stranger",
            "A public output of somebody else.",
            public("inputs", "merchant", 3_000_000),
        ),
        (
            "private-of-a-stranger",
            "A private output of somebody else.",
            private("inputs", "merchant", 3_000_000),
        ),
        (
            "public-of-a-former-account",
            "A public output of an account that is archived.",
            public("inputs", "former", 3_000_000),
        ),
        (
            "private-of-a-former-account",
            "A private output of an account that is archived.",
            private("inputs", "former", 3_000_000),
        ),
    ] {
        suite
            .refused(&format!("inputs/{name}"), about, code, &request(&input))
            .with("says", "key does not own input")
            .with("says", input.id());
    }
    let (own, foreign) = (public("inputs", "alice", 1_000_000), public("inputs", "merchant", 2_000_000));
    let mixed: Value = spend(&[&own, &foreign], &[pay("bob", 2_999_000)], 1000);
    suite
        .refused("inputs/one-of-a-stranger", "One of two outputs is somebody else's.", code, &mixed)
        .with("says", foreign.id());
    let mut unreadable = payment("inputs: unreadable", "hot", 3_000_000);
    unreadable.payload.hint = Encoded::from_bytes([0xff; 32]);
    let unreadable = Unspent::new(Output::Payment(unreadable));
    suite.refused(
        "inputs/private-of-nobody",
        "A private output that no key opens.",
        code,
        &request(&unreadable),
    );
    let far = private("inputs: far", "hot", 3_000_000);
    suite
        .refused(
            "inputs/search-limit",
            "An owner that is not found, since no key but the master's may be tried.",
            code,
            &request(&far),
        )
        .with("flags", "--search-limit 0")
        .with("says", far.id());
}
