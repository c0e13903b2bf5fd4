//! The story, chapter by chapter.

use super::books::Books;
use super::error::Error;
use super::explorer::Explorer;
use super::node::{Node, TOKEN};
use super::stage::Stage;
use super::terminal::{narrate, quote, show};
use crate::money::stranger;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;
use stegos_common::address::{Address, Network};
use stegos_common::amount::Amount;
use tokio::time::sleep;

/// The users.
const USERS: [&str; 3] = ["alice", "bob", "carol"];

/// The exchange's own account.
pub(super) const TREASURY: &str = "hot";

/// What the signer is willing to sign.
const POLICY: &str = "\
[[rules]]
rule = \"policy-change\"
action = \"deny\"
accounts = [\"hot\"]

[[rules]]
rule = \"policy-recipient-amount\"
action = \"deny\"
most = \"20 STG\"

[[rules]]
rule = \"policy-any\"
action = \"allow\"
";

/// The time from block to block while a transaction is waited for.
const HURRIED: Duration = Duration::from_millis(300);

/// The time from block to block afterwards.
const CALM: Duration = Duration::from_secs(2);

/// What plays.
pub(super) struct Story<'a> {
    stage: &'a Stage,
    node: Node,
    explorer: Explorer,
    /// The address of each account.
    addresses: BTreeMap<String, String>,
    books: Books,
    stranger: Address,
}

impl<'a> Story<'a> {
    /// Tells it. What it started runs on until the story ends or is dropped.
    pub(super) async fn tell(stage: &'a Stage, node: Node) -> Result<Self, Error> {
        let addresses = keys(stage).await?;
        narrate("3. The explorer follows the node, and is told whose addresses are whose. It has no key.")?;
        let explorer = Explorer::start(stage, &node).await?;
        stage.explorer(node.address(), &["user", "import", "accounts.jsonl"]).show().await?;
        let stranger = stranger(Network::Dev);
        let mut story = Self { stage, node, explorer, addresses, books: Books::default(), stranger };
        story.deposits().await?;
        story.sweep().await?;
        story.withdraw_privately().await?;
        story.withdraw_change().await?;
        story.balances().await?;
        Ok(story)
    }

    async fn deposits(&mut self) -> Result<(), Error> {
        let [ten, twenty, five, little] = [stg("10")?, stg("20")?, stg("5")?, stg("0.005")?];
        narrate(
            "4. Deposits: 10 STG for alice, 5 STG and 0.005 STG for carol, 20 STG for bob in the next block.",
        )?;
        self.pay("deposits.json", &[("alice", ten), ("carol", five), ("carol", little)]).await?;
        self.mine().await?;
        self.pay("bob.json", &[("bob", twenty)]).await?;
        self.mine().await?;
        self.ask(&["balance", "bob"]).await?;
        narrate(
            "The node takes that block back, with bob's money. No real node tells anybody; the explorer notices.",
        )?;
        self.node.control(r#"{"type":"revert","blocks":1,"keep_transactions":false}"#).await?;
        self.explorer.reach(&self.node).await?;
        self.ask(&["balance", "bob"]).await?;
        narrate("He is sent it again. At the end of the epoch a macro block makes all of it final.")?;
        self.node.control_file("bob.json").await?;
        self.node.control(r#"{"type":"finish_epoch"}"#).await?;
        self.explorer.reach(&self.node).await?;
        for (account, amount) in [("alice", ten), ("bob", twenty), ("carol", five), ("carol", little)] {
            self.books.deposit(account, amount)?;
        }
        self.ask(&["balance", "bob"]).await?;
        Ok(())
    }

    async fn sweep(&mut self) -> Result<(), Error> {
        narrate(
            "5. What users were sent goes to the treasury, the account hot. The explorer writes a request:",
        )?;
        self.ask(&["handoff", "sweep", "--all", "--treasury", TREASURY]).await?;
        narrate("A stick would carry it to the signer. There it is looked at, and signed:")?;
        self.stage.signer(&["inspect", "handoff-1.request.json"]).show().await?;
        self.sign(1).await?;
        narrate(
            "The answer goes back to the explorer, which sends it to the node. Blocks are made meanwhile:",
        )?;
        self.broadcast(1).await?;
        for (user, amount) in [("alice", stg("10")?), ("bob", stg("20")?), ("carol", stg("5")?)] {
            self.books.gather(user, TREASURY, amount)?;
        }
        self.books.fee(TREASURY, 1)
    }

    async fn withdraw_privately(&mut self) -> Result<(), Error> {
        narrate(
            "6. Somebody withdraws 7 STG in private: the chain hides recipient and amount, of the change too.",
        )?;
        let (to, amount) = (self.stranger.to_string(), stg("7")?);
        let command = ["handoff", "withdraw", "--to", &to, "--amount", "7 STG", "--id", "w-1"];
        let private = [
            "--private",
            "--comment",
            "thanks for waiting",
            "--with-certificate",
            "--private-change",
            "true",
            "--treasury",
            TREASURY,
        ];
        self.ask(&[&command[..], &private].concat()).await?;
        self.sign(2).await?;
        let said = self.broadcast(2).await?;
        self.books.pay(TREASURY, amount)?;
        self.books.fee(TREASURY, 2)?;
        narrate(
            "The certificate proves to anybody what was paid to whom. The node is asked whether it is valid:",
        )?;
        let claim = said.lines().find_map(|line| line.strip_prefix("Certificate "));
        let claim = claim.ok_or_else(|| Error::Answer(said.clone()))?;
        let mut claim: Value = serde_json::from_str(claim).map_err(|_| Error::Answer(said.clone()))?;
        if let Some(fields) = claim.as_object_mut() {
            fields.insert("type".to_owned(), "validate_certificate".into());
        }
        self.stage.file("certificate.json", &claim.to_string())?;
        let paid = self.node.validate("certificate.json").await?;
        if paid == amount { Ok(()) } else { Err(Error::Answer(format!("{paid} instead of {amount}"))) }
    }

    async fn withdraw_change(&mut self) -> Result<(), Error> {
        narrate(
            "7. Nobody but the treasury sees its private change; the explorer knows it from its own request.",
        )?;
        self.ask(&["balance", TREASURY]).await?;
        narrate("A second withdrawal spends it:")?;
        let to = self.stranger.to_string();
        let command = ["handoff", "withdraw", "--to", &to, "--amount", "20 STG", "--id", "w-2"];
        self.ask(&[&command[..], &["--treasury", TREASURY]].concat()).await?;
        self.sign(3).await?;
        self.broadcast(3).await?;
        self.books.pay(TREASURY, stg("20")?)?;
        self.books.fee(TREASURY, 2)
    }

    async fn balances(&mut self) -> Result<(), Error> {
        narrate("8. Everything is derived anew from the node and compared with the explorer's ledger:")?;
        self.explorer.reach(&self.node).await?;
        self.ask(&["audit"]).await?;
        narrate("What must be there after all that, and what `output-explorer balance` says:")?;
        let row = |name: &str, must: Amount, has: Amount| show(&format!("  {name:<10} {must:>12} {has:>12}"));
        let Books { given, paid_out, fees, .. } = self.books;
        let mut sum = vec![paid_out, fees];
        let mut right = true;
        show("  account       must have          has")?;
        for account in USERS.into_iter().chain([TREASURY]) {
            let (must, has) = (self.books.of(account), self.explorer.balance(account).await?);
            row(account, must, has)?;
            right &= must == has;
            sum.push(has);
        }
        let sum = Amount::checked_sum(sum).ok_or(Error::Books)?;
        let line = |name: &str, amount: Amount| show(&format!("  {name:<23} {amount:>12}"));
        line("paid to a stranger", paid_out)?;
        line("fees", fees)?;
        line("together", sum)?;
        line("the faucet gave", given)?;
        if right && sum == given { Ok(()) } else { Err(Error::Books) }
    }

    /// Makes blocks and looks after the explorer until something fails.
    pub(super) async fn go_on(&mut self) -> Result<(), Error> {
        let blocks = async {
            loop {
                sleep(CALM).await;
                self.node.mine()?;
            }
        };
        tokio::select! {
            end = blocks => end,
            end = self.explorer.fail() => end,
        }
    }

    /// Says where everything listens, and how to talk to it.
    pub(super) async fn show_how_to_ask(&self) -> Result<(), Error> {
        show(&format!("The web page is {} . Log in with one of these tokens:", self.explorer.page()?))?;
        self.ask(&["token", "create", "--role", "operator"]).await?;
        self.ask(&["token", "create", "--role", "auditor"]).await?;
        let (api, control) = (self.node.address(), self.node.control_address());
        show(&format!(
            "The node's API is {api}, its control port {control}; both take the token in {TOKEN}."
        ))?;
        show("In another terminal:\n")?;
        self.stage.show_setup(Some(api))?;
        let faucet = self.faucet(&[("alice", stg("3")?)]);
        quote("# 3 STG more for alice. They are final at the end of the epoch, in ten seconds at most.")?;
        show(&format!(
            "  echo '{faucet}' \\\n    | stegos-devnode client - --node {control} --token-file {TOKEN}"
        ))?;
        for command in [
            "output-explorer balance alice",
            "output-explorer handoff sweep --all --treasury hot",
            "cold-signer sign handoff-4.request.json --out handoff-4.response.json",
            "output-explorer broadcast handoff-4.response.json --wait final",
        ] {
            quote(command)?;
        }
        Ok(())
    }

    /// Stops everything.
    pub(super) async fn end(self) -> Result<(), Error> {
        self.explorer.stop().await
    }

    /// Runs a command of the explorer.
    async fn ask(&self, args: &[&str]) -> Result<String, Error> {
        self.stage.explorer(self.node.address(), args).show().await
    }

    /// Signs the request of a handoff.
    async fn sign(&self, number: u64) -> Result<(), Error> {
        let [request, response] = ["request", "response"].map(|what| format!("handoff-{number}.{what}.json"));
        self.stage.signer(&["sign", &request, "--out", &response]).show().await?;
        Ok(())
    }

    /// Hands the answer to the explorer, and makes blocks until the transaction is final.
    async fn broadcast(&self, number: u64) -> Result<String, Error> {
        let response = format!("handoff-{number}.response.json");
        let step = self.stage.explorer(self.node.address(), &["broadcast", &response, "--wait", "final"]);
        // The rest was shown when the request was made.
        let worth =
            |line: &str| ["Handoff", "Transaction", "Certificate"].iter().any(|word| line.starts_with(word));
        let mut said = std::pin::pin!(step.show_only(worth));
        loop {
            tokio::select! {
                said = &mut said => return said,
                () = sleep(HURRIED) => self.node.mine()?,
            }
        }
    }

    /// Lets the faucet pay by a command in a file.
    async fn pay(&self, file: &str, payments: &[(&str, Amount)]) -> Result<(), Error> {
        self.stage.file(file, &self.faucet(payments))?;
        self.node.control_file(file).await
    }

    /// The command that lets the faucet pay, in the order in which people read it.
    fn faucet(&self, payments: &[(&str, Amount)]) -> String {
        let payment = |(account, amount): &(&str, Amount)| {
            let recipient = self.addresses.get(*account).map_or("", String::as_str);
            let micro = amount.micro();
            format!(r#"{{"output_type":"public_payment","recipient":"{recipient}","amount":{micro}}}"#)
        };
        let payments: Vec<String> = payments.iter().map(payment).collect();
        format!(r#"{{"type":"faucet","payments":[{}]}}"#, payments.join(","))
    }

    /// Makes a block and waits until the explorer has it.
    async fn mine(&mut self) -> Result<(), Error> {
        self.node.control(r#"{"type":"mine","blocks":1}"#).await?;
        self.explorer.reach(&self.node).await
    }
}

/// The signer gets keys. Answers the address of each account.
async fn keys(stage: &Stage) -> Result<BTreeMap<String, String>, Error> {
    if stage.isolated() {
        narrate("2. The signer has no network interface but an unconnected loopback. This is what it sees:")?;
        stage.beside_the_signer("cut", &["-c", "1-56", "/proc/self/net/dev"]).show().await?;
        narrate("It makes keys, and hands out addresses:")?;
    } else {
        narrate("2. The signer. This machine allows no network namespaces to us: it runs without one.")?;
    }
    // What follows is said to somebody who goes on by himself.
    stage
        .signer(&["init", "--network", "dev"])
        .show_only(|line| ["Created", "Store", "Master"].iter().any(|word| line.starts_with(word)))
        .await?;
    stage.signer(&[&["key", "add"], &USERS[..], &[TREASURY]].concat()).show().await?;
    stage.signer(&["key", "export-public", "--out", "accounts.jsonl"]).show().await?;
    narrate(
        "Its policy says what it signs, whoever asks. This one: change to hot, 20 STG at most for anybody.",
    )?;
    stage.file("policy.toml", POLICY)?;
    stage.signer(&["policy", "check", "policy.toml"]).show().await?;
    let lines = fs::read_to_string("accounts.jsonl")?;
    let address = |line: &str| {
        let account: Value = serde_json::from_str(line).ok()?;
        let text = |field| Some(account.get(field)?.as_str()?.to_owned());
        Some((text("account")?, text("address")?))
    };
    Ok(lines.lines().filter_map(address).collect())
}

fn stg(text: &str) -> Result<Amount, Error> {
    Ok(text.parse()?)
}
