//! Requests with something wrong about what they spend.

use crate::world::{Row, World, row};
use custody_tests::money::{self, payment};
use custody_tests::request::{pay, spend};
use custody_tests::vectors::vectors;
use serde_json::{Value, json};
use stegos_common::group::Encoded;
use stegos_common::output::{Output, PaymentOutput, PublicPaymentOutput, Unspent};

pub(crate) fn rows(world: &World) -> Vec<Row> {
    [txins(world), spent(world), blobs(world), public(world), tampered(world), owners(world)]
        .into_iter()
        .flatten()
        .collect()
}

fn txins(world: &World) -> Vec<Row> {
    let id = world.public.id().to_string();
    let mut rows = vec![
        row("no inputs", world.with("/txins", json!([])), "no_inputs", "txins"),
        row("an input twice", world.push("/txins", &*id), "duplicate_input", &id),
        row(
            "an input twice, once in capitals",
            world.push("/txins", id.to_uppercase()),
            "duplicate_input",
            &id,
        ),
        row("no blobs", world.without("/unspent_list"), "missing_blob", &id),
        row("an input without blob", world.push("/txins", "ab".repeat(32)), "missing_blob", "ab".repeat(32)),
    ];
    let many: Vec<String> = (0..101).map(|index| format!("{index:064x}")).collect();
    rows.push(row("101 inputs", world.with("/txins", many), "too_many_inputs", 101));
    for bad in [
        &id[..62],
        &id[..63],
        &format!("{id}00"),
        "",
        "xyz",
        &format!("0x{}", &id[2..]),
        &format!(" {}", &id[1..]),
    ] {
        let request = world.with("/txins/1", bad);
        rows.push(row(
            format!("the input {bad:?}"),
            request,
            "bad_input_id",
            format!("txins[1]: a hash is 64 hex digits, not {bad:?}"),
        ));
    }
    let long = world.with("/txins/0", "a".repeat(100_000));
    rows.push(row("an id of 100000 digits", long, "bad_input_id", "txins[0]"));
    rows
}

fn spent(world: &World) -> Vec<Row> {
    let id = world.spent.id();
    let change = |fee: i64| pay(&world.addresses["bob"], 1_000_000 - fee);
    let with_another = world.spend([&world.spent, &world.private, &public_of(world, 4_000_000)]);
    vec![
        row(
            "an output that was signed away",
            spend([&world.spent], &[change(1000)], 1000),
            "already_signed",
            id,
        ),
        row(
            "with another fee",
            spend([&world.spent], &[change(2000)], 2000),
            "already_signed",
            "in transaction",
        ),
        row("with other outputs", with_another, "already_signed", id),
    ]
}

/// A public output of `alice` that nothing else here spends.
fn public_of(world: &World, micro: i64) -> Unspent {
    money::public(world.addresses["alice"].public_key(), micro)
}

fn blobs(world: &World) -> Vec<Row> {
    let blob = money::blob(&world.public);
    let other = money::public(world.stranger().public_key(), 1);
    let stake = vectors("outputs")["stake_outputs"][0]["blob"].as_str().unwrap().to_owned();
    let stake = money::from_blob(&stake);
    let mut rows = vec![
        row("one blob too many", world.push("/unspent_list", money::blob(&other)), "extra_blob", other.id()),
        row("another blob", world.with("/unspent_list/0", money::blob(&other)), "extra_blob", other.id()),
        row("a blob twice", world.push("/unspent_list", &*blob), "duplicate_blob", world.public.id()),
        row("one blob too few", world.without("/unspent_list/1"), "missing_blob", world.private.id()),
        row("a stake", world.spend([&world.public, &stake]), "stake_input", stake.id()),
    ];
    for (name, bad) in [
        ("an odd number of digits", blob[..blob.len() - 1].to_owned()),
        ("no hex", "xyz!".to_owned()),
        ("control characters", "\u{1b}\u{85}".to_owned()),
        ("half a blob", blob[..blob.len() / 4 * 2].to_owned()),
        ("empty", String::new()),
        ("garbage", "deadbeef".to_owned()),
        ("a prefix of 0x", format!("0x{blob}")),
        (
            "a transaction",
            vectors("traffic/create_raw_public_to_public")["response"]["data"].as_str().unwrap().to_owned(),
        ),
    ] {
        let request = world.with("/unspent_list/0", bad);
        rows.push(row(format!("a blob: {name}"), request, "bad_blob", "unspent_list[0]"));
    }
    rows
}

fn public(world: &World) -> Vec<Row> {
    let alice = world.addresses["alice"].public_key().encoded();
    let worthless = |amount: i64| {
        Unspent::new(Output::PublicPayment(PublicPaymentOutput { recipient: alice, serno: 1, amount }))
    };
    [0, -1, i64::MIN]
        .map(|amount| (amount, worthless(amount)))
        .map(|(amount, input)| {
            row(
                format!("an input of {amount}"),
                world.spend([&world.private, &input]),
                "bad_input_amount",
                amount,
            )
        })
        .into()
}

/// Private outputs that open, but are not what they say.
fn tampered(world: &World) -> Vec<Row> {
    let hot = world.addresses["hot"].public_key();
    let (one, other) = (payment(hot, 3_000_000), payment(hot, 3_000_000));
    let nowhere = Encoded::from_bytes([0xff; 32]);
    let changed = |change: &dyn Fn(&mut PaymentOutput)| {
        let mut output = one.clone();
        change(&mut output);
        Unspent::new(Output::Payment(output))
    };
    // In the payload, the amount is at byte 68, the sender's signature at 76, the kind of data at 140.
    let mut rows = Vec::new();
    for (name, input, says) in [
        ("the proof of another output", changed(&|it| it.proof = other.proof.clone()), "commitment"),
        ("a commitment to nowhere", changed(&|it| it.proof.commitment = nowhere), "commitment"),
        ("another cloaked key", changed(&|it| it.recipient = other.recipient), "cloaked key"),
        ("its owner's plain key", changed(&|it| it.recipient = hot.encoded()), "cloaked key"),
        ("one byte of payload too few", changed(&|it| it.payload.ciphertext.truncate(1023)), "1023"),
        ("one byte of payload too many", changed(&|it| it.payload.ciphertext.push(0)), "1025"),
        ("another amount", changed(&|it| it.payload.ciphertext[68] ^= 1), "amount"),
        ("a negative amount", changed(&|it| it.payload.ciphertext[75] ^= 0x80), "negative"),
        ("a blinding that is no scalar", changed(&|it| it.payload.ciphertext[35] ^= 0xff), "gamma"),
        ("data of no kind", changed(&|it| it.payload.ciphertext[140] ^= 0x70), "unknown kind 112"),
    ] {
        let id = input.id().to_string();
        let mut request = world.spend([&world.public, &input]);
        rows.push(row(format!("a private input with {name}"), &request, "mismatched_input", says));
        rows.push(row(format!("… names the input: {name}"), &request, "mismatched_input", &id));
        request["accounts"] = json!({ id: "hot" });
        rows.push(row(format!("… with a hint: {name}"), request, "mismatched_input", says));
    }
    let unreadable = changed(&|it| it.payload.hint = nowhere);
    let mut request = world.spend([&world.public, &unreadable]);
    rows.push(row("a private input that nobody can open", &request, "input_not_owned", unreadable.id()));
    request["accounts"] = json!({ unreadable.id().to_string(): "hot" });
    rows.push(row("… with a hint", request, "mismatched_input", "hint"));
    rows
}

fn owners(world: &World) -> Vec<Row> {
    let (public, private) = (world.public.id().to_string(), world.private.id().to_string());
    let (stranger, former) = (world.stranger(), world.addresses["former"]);
    let mut rows = Vec::new();
    for (name, owner) in [("a stranger", stranger), ("an archived account", former)] {
        for input in
            [money::public(owner.public_key(), 3_000_000), money::private(owner.public_key(), 3_000_000)]
        {
            let request = world.spend([&world.public, &input]);
            rows.push(row(format!("an input of {name}"), &request, "input_not_owned", input.id()));
            rows.push(row("… in the network's words", request, "input_not_owned", "key does not own input"));
        }
    }
    let mut with_key = |name: &str, request: Value| {
        rows.push(row(name, request, "input_not_owned", "key does not own input"));
    };
    let key = json!(*world.guest.to_bytes());
    let guest = world.guest.public_key();
    with_key("a key that owns neither input", world.with("/secret_key", key.clone()));
    for (name, own) in
        [("public", money::public(&guest, 5_000_000)), ("private", money::private(&guest, 5_000_000))]
    {
        let mut request = world.spend([&own, &world.private]);
        request["secret_key"] = key.clone();
        with_key(&format!("a key that owns the {name} input only"), request);
    }
    for (name, input, account) in [
        ("a public input", &public, "bob"),
        ("a private input", &private, "alice"),
        ("an input of another", &private, "master"),
    ] {
        let request = world.hint(input, account);
        rows.push(row(
            format!("a hint: {account} for {name}"),
            &request,
            "input_not_owned",
            format!("{account:?}"),
        ));
        rows.push(row("… names the input", request, "input_not_owned", input));
    }
    for account in ["nobody", "former", "", "Alice", "alice "] {
        let says = format!("{account:?} as the owner of input {private}");
        rows.push(row(
            format!("a hint: {account:?}"),
            world.hint(&private, account),
            "unknown_account",
            says,
        ));
    }
    let long = world.hint(&private, &"x".repeat(100_000));
    rows.push(row("a hint of 100000 letters", long, "unknown_account", "x".repeat(128)));
    let long = world.hint(&"x".repeat(100_000), "hot");
    let upper = private.to_uppercase();
    let mut twice = world.hint(&private, "hot");
    twice["accounts"][&upper] = "alice".into();
    rows.push(row("two owners of one input", twice, "duplicate_hint", &private));
    rows.push(row("a hint about 100000 letters", long, "unused_hint", "x".repeat(80)));
    rows.push(row("a hint for a terminal", world.hint(&private, "\u{1b}[2J"), "unknown_account", "[2J"));
    for id in ["ab".repeat(32).as_str(), "\u{1b}[2J", "", "no hash", &private[..62]] {
        rows.push(row(
            format!("a hint about {id:?}"),
            world.hint(id, "hot"),
            "unused_hint",
            format!("{:?}", id.replace('\u{1b}', "\u{fffd}")),
        ));
    }
    rows
}
