//! Requests to answers, in the deployed node's words (protocol page §8).

use super::node::Node;
use super::sign::{self, SignError};
use super::subscribers::Outbox;
use stegos_common::api::create_raw_transaction::{CreateRawTransaction, TYPE};
use stegos_common::api::encoding::HexBytes;
use stegos_common::api::request::{CertificateClaim, Request};
use stegos_common::api::response::{NOT_UNDERSTOOD, Response};
use stegos_common::api::transaction::TransactionStatus;
use stegos_common::api::{Message, MessageError};
use stegos_common::certificate;
use stegos_common::hash::Hash;
use stegos_common::output::Output;
use stegos_common::transaction::PaymentTransaction;

/// What `version_info` says: the version of the node whose behaviour this is.
pub const VERSION: &str = concat!("1.3.0 (stegos-devnode ", env!("CARGO_PKG_VERSION"), ")");

impl Node {
    /// Answers the JSON text of a request. `None` where the node would close the connection instead.
    ///
    /// Whatever the request subscribes to goes to `outbox`.
    pub fn answer(&mut self, json: &str, outbox: &Outbox) -> Option<String> {
        let (id, body) = match Message::parse(json) {
            Ok(Message { id, body }) => (id, self.respond(body, outbox)),
            Err(MessageError::Unknown { id, .. }) => (id, self.respond_to_other(json)),
            Err(MessageError::Malformed(_)) => return None,
        };
        let body =
            body.unwrap_or_else(|Unanswerable| Response::NotUnderstood { error: NOT_UNDERSTOOD.into() });
        serde_json::to_string(&Message { id, body }).ok()
    }

    fn respond(&mut self, request: Request, outbox: &Outbox) -> Result<Response, Unanswerable> {
        let chain = &self.chain;
        let lie = self.faults.lie;
        Ok(match request {
            Request::ChainName => Response::ChainName { name: chain.params().network },
            Request::VersionInfo => Response::VersionInfo { version: VERSION.into() },
            Request::StatusInfo | Request::SubscribeStatus if self.faults.refuse_status => {
                failure(&"The node is busy")
            }
            Request::StatusInfo => Response::StatusInfo(self.status()),
            Request::SubscribeStatus => {
                self.subscribers.watch_status(outbox.clone());
                Response::SubscribedStatus(self.status())
            }
            Request::SubscribeChain { epoch, offset } => {
                let (current_epoch, current_offset) = (chain.epoch(), chain.offset());
                if epoch > current_epoch {
                    return Err(Unanswerable);
                }
                self.subscribers.follow(outbox.clone(), epoch, offset);
                Response::SubscribedChain { current_epoch, current_offset }
            }
            Request::MacroBlockInfo { epoch } => match chain.macro_block(epoch) {
                Ok(block) => Response::MacroBlockInfo(lie.macro_block(block)),
                Err(error) => failure(&error),
            },
            Request::MicroBlockInfo { epoch, offset } => match chain.micro_block(epoch, offset) {
                Ok(block) => Response::MicroBlockInfo(lie.micro_block(block, chain.params().network)),
                Err(error) => failure(&error),
            },
            Request::OutputsList { utxos } => self.outputs(&utxos),
            Request::BroadcastTransaction { data } => self.broadcast(&data)?,
            Request::ValidateCertificate(claim) => self.validate(&claim)?,
            Request::PopMicroBlock => match self.revert(1, true) {
                Ok(()) => Response::MicroBlockPopped,
                Err(error) => failure(&error),
            },
            Request::ElectionInfo => Response::ElectionInfo {
                epoch: chain.epoch(),
                offset: chain.offset(),
                view_change: 0,
                slots_count: chain.validators().iter().map(|validator| validator.slots).sum(),
                current_leader: chain.network_key(),
                next_leader: chain.network_key(),
            },
            Request::EscrowInfo => Response::EscrowInfo { validators: chain.stakes() },
            Request::ValidatorsInfo => Response::ValidatorsInfo {
                epoch: chain.epoch(),
                offset: chain.offset(),
                view_change: 0,
                validators: chain.validators().to_vec(),
            },
        })
    }

    /// Requests that are no [`Request`]: there is one.
    fn respond_to_other(&mut self, json: &str) -> Result<Response, Unanswerable> {
        let request: CreateRawTransaction<'_> = serde_json::from_str(json).map_err(|_| Unanswerable)?;
        if request.kind != TYPE {
            return Err(Unanswerable);
        }
        match sign::create(&request, &self.chain, &mut self.rng) {
            Ok(transaction) => Ok(Response::CreateRawTransaction(transaction)),
            Err(SignError::NotUnderstood) => Err(Unanswerable),
            Err(error) => Ok(failure(&error)),
        }
    }

    fn outputs(&self, ids: &[Hash]) -> Response {
        let blob = |id: &Hash| self.chain.unspent(id).map(|entry| HexBytes(entry.blob.to_vec())).ok_or(*id);
        match ids.iter().map(blob).collect::<Result<_, _>>() {
            Ok(utxos) => Response::OutputsList { utxos },
            Err(id) => failure(&format_args!("Output was not found hash={}", id.short())),
        }
    }

    fn broadcast(&mut self, data: &HexBytes) -> Result<Response, Unanswerable> {
        let payment = PaymentTransaction::from_bytes(&data.0).map_err(|_| Unanswerable)?;
        let hash = payment.id();
        if !self.synchronized {
            let tx = hash.short();
            return Ok(failure(&format_args!(
                "Can't process transaction - node is not synchronized: tx={tx}"
            )));
        }
        let status = match self.chain.admit(payment) {
            Ok(()) => {
                (self.log)(&format!("transaction {} accepted", hash.short()));
                TransactionStatus::Accepted
            }
            Err(rejection) => {
                (self.log)(&format!("transaction {} rejected: {rejection}", hash.short()));
                TransactionStatus::Rejected { error: rejection.to_string() }
            }
        };
        Ok(Response::BroadcastTransaction { hash, status })
    }

    fn validate(&self, claim: &CertificateClaim) -> Result<Response, Unanswerable> {
        let network = self.chain.params().network;
        let foreign = |address: stegos_common::address::Address| address.require(network).is_err();
        if foreign(claim.spender) || foreign(claim.recipient) {
            return Err(Unanswerable);
        }
        let id = claim.output_hash;
        let Some(entry) = self.chain.unspent(&id) else {
            return Ok(failure(&format_args!("Missing UTXO: {}", id.short())));
        };
        let Ok(Output::Payment(output)) = entry.unspent().map(|unspent| unspent.output().clone()) else {
            return Ok(failure(&format_args!("Invalid UTXO type: {}", id.short())));
        };
        let (spender, recipient) = (claim.spender.public_key(), claim.recipient.public_key());
        let amount = match certificate::verify(&output, spender, recipient, &claim.rvalue.0) {
            Ok(amount) => amount,
            Err(error) => return Ok(failure(&error)),
        };
        let block = match entry.offset {
            Some(offset) => {
                let block = self.chain.micro_block(entry.epoch, offset);
                block.map(|block| (block.block_hash, block.timestamp))
            }
            None => self.chain.macro_block(entry.epoch).map(|block| (block.block_hash, block.timestamp)),
        };
        Ok(match block {
            Ok((block_hash, timestamp)) => Response::CertificateValid {
                epoch: entry.epoch,
                block_hash,
                is_final: entry.offset.is_none(),
                timestamp,
                amount,
            },
            Err(error) => failure(&error),
        })
    }
}

/// A request that fits none that the node knows.
struct Unanswerable;

/// A request that was understood but failed.
fn failure(reason: &impl ToString) -> Response {
    Response::Error { error: reason.to_string(), code: None, approval: None, journal: None }
}
