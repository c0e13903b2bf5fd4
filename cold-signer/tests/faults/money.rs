//! Outputs of the account `alice`, the same in every process, and requests that spend them.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::json;
use stegos_common::address::{Address, Network};
use stegos_common::amount::Amount;
use stegos_common::hash::Hash;
use stegos_common::keys::SecretKey;
use stegos_common::output::{Output, PublicPaymentOutput};

/// The seed of the master key.
pub(crate) const MASTER: &[u8] = b"master";

/// A request that spends the `number`-th output of `alice`, to one of two strangers.
pub(crate) fn request(number: u64, stranger: &str) -> String {
    let alice = SecretKey::from_seed(MASTER).account_key("alice").public_key();
    let amount = Amount::from_micro(5000).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(number);
    let output = Output::PublicPayment(PublicPaymentOutput::new(&alice, amount, &mut rng));
    let to = SecretKey::from_seed(stranger.as_bytes()).public_key();
    json!({
        "type": "create_raw_transaction",
        "id": number + 1,
        "txins": [output.id()],
        "txouts": [{"output_type": "public_payment", "recipient": Address::new(Network::Dev, to), "amount": 4000}],
        "fee": 1000,
        "unspent_list": [hex::encode(output.to_bytes())],
    })
    .to_string()
}

/// The id of the input of a request.
pub(crate) fn input(request: &str) -> Hash {
    let request: serde_json::Value = serde_json::from_str(request).unwrap();
    request["txins"][0].as_str().unwrap().parse().unwrap()
}
