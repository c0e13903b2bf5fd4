//! The story, chapter by chapter.

use super::books::Books;
use super::error::Error;
use super::explorer::Explorer;
use super::node::{Node, TOKEN};
use super::stage::Stage;
use super::terminal::{narrate, quote, show};
use crate::money::stranger;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;
use stegos_common::address::{Address, Network};
use stegos_common::amount::Amount;
use tokio::time::sleep;

/// The users.
const USERS: [&str; 3] = ["alice", "bob", "carol"];

/// The exchange's own account.
const TREASURY: &str = "hot";

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
    pub(super) async fn tell(stage: &'a Stage) -> Result<Self, Error> {
        narrate(
            "1. A node: a Stegos chain of its own that verifies like the real one. Nothing on it has value.",
        )?;
        let node = Node::start(stage).await?;
        quote(&format!("stegos-devnode for dev listens on {}", node.address()))?;
        let addresses = keys(stage).await?;
        narrate("3. The explorer follows the node, and is told whose addresses are whose. It has no key.")?;
        let explorer = Explorer::start(stage, &node).await?;
        stage.explorer(node.address(), &["user", "import", "accounts.jsonl"]).await?;
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
            "4. Deposits: alice is sent 10 STG, carol 5 STG and 0.005 STG, and bob 20 STG in the block after that.",
        )?;
        self.pay("deposits.json", &[("alice", ten), ("carol", five), ("carol", little)]).await?;
        self.mine().await?;
        self.pay("bob.json", &[("bob", twenty)]).await?;
        self.mine().await?;
        self.ask(&["balance", "bob"]).await?;
        narrate(
            "The node takes that block back, with bob's money. No real node tells anybody; the explorer notices.",
        )?;
        self.node.control("{\"type\":\"revert\",\"blocks\":1,\"keep_transactions\":false}").await?;
        self.explorer.reach(&self.node).await?;
        self.ask(&["balance", "bob"]).await?;
        narrate("He is sent it again. At the end of the epoch a macro block makes all of it final.")?;
        self.pay("bob.json", &[("bob", twenty)]).await?;
        self.node.control("{\"type\":\"finish_epoch\"}").await?;
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
        narrate("It is carried to the signer on a stick, looked at there, and signed:")?;
        self.stage.signer(&["inspect", "handoff-1.request.json"]).await?;
        self.sign_and_send(1).await?;
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
        let said = self.sign_and_send(2).await?;
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
        let valid = self.node.api_file("certificate.json", "certificate_valid").await?;
        if valid.get("amount").and_then(Value::as_i64) == Some(amount.micro()) {
            Ok(())
        } else {
            Err(Error::Answer(valid.to_string()))
        }
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
        self.sign_and_send(3).await?;
        self.books.pay(TREASURY, stg("20")?)?;
        self.books.fee(TREASURY, 2)
    }

    async fn balances(&mut self) -> Result<(), Error> {
        narrate("8. Everything is derived anew from the node and compared with the explorer's ledger:")?;
        self.explorer.reach(&self.node).await?;
        self.ask(&["audit"]).await?;
        narrate("What everybody must have after that, and what `output-explorer balance` says:")?;
        let row = |name: &str, must: &str, has: &str| show(&format!("  {name:<18} {must:>12} {has:>12}"));
        row("account", "must have", "has")?;
        let mut sum = Vec::new();
        let mut right = true;
        for account in USERS.into_iter().chain([TREASURY]) {
            let (must, has) = (self.books.of(account), self.explorer.balance(account).await?);
            row(account, &must.to_string(), &has.to_string())?;
            right &= must == has;
            sum.push(has);
        }
        row("paid out", &self.books.paid_out.to_string(), "")?;
        row("fees", &self.books.fees.to_string(), "")?;
        sum.extend([self.books.paid_out, self.books.fees]);
        let sum = Amount::checked_sum(sum).ok_or(Error::Books)?;
        row("the faucet's gifts", &self.books.given.to_string(), &sum.to_string())?;
        if right && sum == self.books.given { Ok(()) } else { Err(Error::Books) }
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
    pub(super) fn show_how_to_ask(&self) -> Result<(), Error> {
        let (api, control) = (self.node.address(), self.node.control_address());
        show(&format!(
            "The node's API is {api}, its control port {control}; both take the token in {TOKEN}."
        ))?;
        show("In another terminal:\n")?;
        self.stage.show_setup(Some(api))?;
        let alice = self.addresses.get("alice").map_or("ADDRESS", String::as_str);
        let payment = json!([{ "output_type": "public_payment", "recipient": alice, "amount": 3_000_000 }]);
        let faucet = json!({ "type": "faucet", "payments": payment });
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
        self.stage.explorer(self.node.address(), args).await
    }

    /// Signs the request of a handoff, and makes blocks until its transaction is final.
    async fn sign_and_send(&self, number: u64) -> Result<String, Error> {
        let [request, response] = ["request", "response"].map(|what| format!("handoff-{number}.{what}.json"));
        self.stage.signer(&["sign", &request, "--out", &response]).await?;
        let args = ["broadcast", &response, "--wait", "final"];
        let mut sent = std::pin::pin!(self.ask(&args));
        loop {
            tokio::select! {
                said = &mut sent => return said,
                () = sleep(HURRIED) => self.node.mine()?,
            }
        }
    }

    /// Lets the faucet pay.
    async fn pay(&self, file: &str, payments: &[(&str, Amount)]) -> Result<(), Error> {
        let payment = |(account, amount): &(&str, Amount)| {
            json!({
                "output_type": "public_payment",
                "recipient": self.addresses.get(*account),
                "amount": amount.micro(),
            })
        };
        let payments: Vec<Value> = payments.iter().map(payment).collect();
        if !fs::exists(file)? {
            self.stage.file(file, &json!({ "type": "faucet", "payments": payments }).to_string())?;
        }
        self.node.control_file(file).await?;
        Ok(())
    }

    /// Makes a block and waits until the explorer has it.
    async fn mine(&mut self) -> Result<(), Error> {
        self.node.control("{\"type\":\"mine\",\"blocks\":1}").await?;
        self.explorer.reach(&self.node).await
    }
}

/// The signer gets keys. Answers the address of each account.
async fn keys(stage: &Stage) -> Result<BTreeMap<String, String>, Error> {
    if stage.isolated() {
        narrate("2. The signer has no network interface but an unconnected loopback. This is what it sees:")?;
        stage.beside_the_signer(&["cut", "-c", "1-56", "/proc/self/net/dev"]).await?;
        narrate("It makes keys, and hands out addresses:")?;
    } else {
        narrate("2. The signer. This machine allows no network namespaces to us: it runs without one.")?;
    }
    stage.signer(&["init", "--network", "dev"]).await?;
    stage.signer(&[&["key", "add"], &USERS[..], &[TREASURY]].concat()).await?;
    stage.signer(&["key", "export-public", "--out", "accounts.jsonl"]).await?;
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
