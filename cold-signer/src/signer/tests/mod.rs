//! What two at once, a clock and a policy do to a request: at moments that no client can choose.

mod approvals;

use super::draft::Draft;
use super::history::now;
use super::*;
use crate::disk::Disk;
use crate::journal::{Entry, Signed, Verdict};
use crate::keystore::{Cost, Keystore};
use crate::passphrase::Passphrase;
use crate::policy::Policy;
use crate::signer::Rules;
use rand_core::OsRng;
use serde_json::json;
use stegos_common::address::{Address, Network};
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::CreateRawTransaction;
use stegos_common::keys::SecretKey;
use stegos_common::output::PublicPaymentOutput;

/// A signer of one account, and what it is asked by.
struct Scene {
    signer: Signer,
    recipient: Address,
    _temp: tempfile::TempDir,
}

fn scene(policy: Policy) -> Scene {
    let temp = tempfile::tempdir().unwrap();
    let passphrase = Passphrase::new("x".to_owned().into()).unwrap();
    let master = SecretKey::random(&mut OsRng);
    let recipient = Address::new(Network::Dev, master.public_key());
    let dir = temp.path().join("store");
    let keystore =
        Keystore::create(&dir, &passphrase, Network::Dev, master, Cost::TEST, Disk::default()).unwrap();
    let (signer, _) = Signer::open(keystore, Rules::default(), policy).unwrap();
    Scene { signer, recipient, _temp: temp }
}

impl Scene {
    fn restarted(self) -> Self {
        let Self { signer, recipient, _temp } = self;
        let dir = signer.keystore.dir().to_owned();
        drop(signer);
        let passphrase = Passphrase::new("x".to_owned().into()).unwrap();
        let keystore = Keystore::open(&dir, &passphrase, None, Disk::default()).unwrap();
        let (signer, _) = Signer::open(keystore, Rules::default(), policy("")).unwrap();
        Self { signer, recipient, _temp }
    }

    /// A request that pays 4000 micro-STG of a new output to somebody.
    fn request(&self, to: &Address) -> String {
        let amount = Amount::from_micro(5000).unwrap();
        let output = PublicPaymentOutput::new(self.recipient.public_key(), amount, &mut OsRng);
        let output = Output::PublicPayment(output);
        let json = json!({
            "type": "create_raw_transaction",
            "txins": [output.id()],
            "txouts": [{"output_type": "public_payment", "recipient": to, "amount": 4000}],
            "fee": 1000,
            "unspent_list": [hex::encode(output.to_bytes())],
        });
        json.to_string()
    }

    fn draft(&self, json: &str) -> Draft {
        let request: CreateRawTransaction<'_> = serde_json::from_str(json).unwrap();
        Draft::new(&request, json, Network::Dev, &Rules::default()).unwrap()
    }
}

fn policy(rules: &str) -> Policy {
    let any = "[[rules]]\nrule = \"policy-any\"\naction = \"allow\"\n";
    Policy::parse(&format!("{rules}{any}"), Network::Dev).unwrap()
}

/// Both were judged before either was recorded.
#[test]
fn what_was_allowed_before_another_left_is_judged_again() {
    for rule in
        ["rule = \"policy-hour-total\"\nmost = \"0.009 STG\"", "rule = \"policy-delay\"\nseconds = 60"]
    {
        let scene = scene(policy(&format!("[[rules]]\naction = \"deny\"\n{rule}\n")));
        let stranger = Address::new(Network::Dev, SecretKey::from_seed(b"stranger").public_key());
        let drafts = [(); 2].map(|()| scene.draft(&scene.request(&stranger)));
        let built = drafts.each_ref().map(|draft| scene.signer.build(draft).unwrap());
        let judged = drafts.each_ref().map(|draft| scene.signer.judge(draft));
        let [first, second] = built;
        scene.signer.record(&drafts[0], first, &judged[0]).unwrap();
        let refused = scene.signer.record(&drafts[1], second, &judged[1]).unwrap_err();
        assert_eq!(refused.code(), "limited", "{rule}");
    }
}

/// The same request twice at once is signed once, and whoever comes second is not told that it is too much.
#[test]
fn who_asks_the_same_and_is_slower_is_not_limited() {
    let scene = scene(policy("[[rules]]\nrule = \"policy-delay\"\naction = \"deny\"\nseconds = 60\n"));
    let json = scene.request(&scene.recipient);
    let draft = scene.draft(&json);
    let first = scene.signer.answer(&json).text;
    let (second, _) = scene.signer.sign_new(&draft).unwrap();
    assert!(first.contains(&hex::encode(second.data.0)));
}

#[test]
fn a_clock_that_jumped_is_confirmed_by_a_record() {
    let scene = scene(policy(""));
    let last = Entry { fee: 1000, verdict: signed(), ..Entry::clock_confirmed(now() + 2 * 3_600_000) };
    scene.signer.journal.commit(&last).unwrap();
    let json = scene.request(&scene.recipient);
    let refused = scene.signer.answer(&json);
    assert!(
        refused.text.contains("policy-clock") && refused.text.contains("clock confirm"),
        "{}",
        refused.text
    );
    scene.signer.confirm_clock(now()).unwrap();
    assert_eq!(scene.signer.answer(&json).refusal, None);
    // And so it is after a start.
    let scene = scene.restarted();
    assert_eq!(scene.signer.answer(&scene.request(&scene.recipient)).refusal, None);
}

fn signed() -> Verdict {
    Verdict::Signed(Signed { transaction: Vec::new(), certificates: Vec::new() })
}

#[test]
fn a_policy_that_is_replaced_meanwhile_is_asked_instead() {
    let scene = scene(policy(""));
    let draft = scene.draft(&scene.request(&scene.recipient));
    let built = scene.signer.build(&draft).unwrap();
    let judged = scene.signer.judge(&draft);
    scene.signer.set_policy(policy("[[rules]]\nrule = \"policy-inputs\"\naction = \"deny\"\nmost = 0\n"));
    assert_eq!(scene.signer.record(&draft, built, &judged).unwrap_err().code(), "denied");
}

/// Two clients ask the same at once: the second looks before the first has signed, and builds after that.
#[test]
fn who_asks_the_same_at_the_same_time_gets_the_same() {
    let scene = scene(Policy::default());
    let json = scene.request(&scene.recipient);
    let draft = scene.draft(&json);
    let first = scene.signer.answer(&json).text;
    let (second, position) = scene.signer.sign_new(&draft).unwrap();
    assert!(first.contains(&hex::encode(second.data.0)));
    assert_eq!(position.count, 1);
}
