//! `reserves`: what is owed to users, and what there is to pay them with.

mod assets;
mod attested;
mod books;
mod create;
mod verify;

use super::Setup;
use super::file::read_text;
use crate::block::Position;
use crate::control::{Answer, AsText, Asker, Request};
use crate::error::Error;
use clap::Subcommand;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::path::Path;
use stegos_common::reserves::{MAX_DOCUMENT, MAX_ROOT, Root};

/// No root and no user's proof is longer, in bytes.
const MAX_PROOF: u64 = MAX_ROOT as u64;

/// No list of outputs and no attestation is longer, in bytes.
const MAX_LIST: u64 = MAX_DOCUMENT as u64;

/// Make and check proofs of what is owed to users, and of what there is to pay them with
#[derive(Subcommand)]
pub(super) enum Command {
    Create(create::Create),
    Verify(verify::Verify),
    Assets(assets::List),
    VerifyAssets(attested::VerifyAssets),
}

impl Command {
    /// Runs it if it needs no ledger and no settings.
    pub(super) fn run_alone(self) -> Result<Option<Self>, Error> {
        match self {
            Self::Verify(verify) => verify.run().map(|()| None),
            Self::VerifyAssets(verify) if !verify.needs_ledger() => verify.run(None).map(|()| None),
            other => Ok(Some(other)),
        }
    }

    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        match self {
            Self::Create(create) => create.run(setup),
            Self::Verify(verify) => verify.run(),
            Self::Assets(list) => list.run(setup),
            Self::VerifyAssets(verify) => verify.run(Some(setup)),
        }
    }
}

fn read<T: DeserializeOwned>(path: &Path, most: u64) -> Result<T, Error> {
    let text = read_text(path, most)?;
    serde_json::from_str(&text).map_err(|source| Error::Document { path: path.to_owned(), source })
}

fn text(document: &impl Serialize) -> Result<String, Error> {
    Ok(serde_json::to_string_pretty(document).map_err(io::Error::other)?)
}

/// The ledger, if it is of the root's network and has the block that made its epoch final.
fn asker_of(setup: &Setup, root: &Root) -> Result<Asker, Error> {
    let (ledger, network) = (setup.ledger.network, root.network);
    if ledger != network {
        return Err(Error::OtherNetwork { ledger, network });
    }
    let mut asker = setup.asker()?;
    let position = AsText(Position::macro_block(root.epoch));
    let Answer::Block(block) = asker.ask(Request::Block { position })? else {
        return Err(Error::OtherAnswer);
    };
    let found = block.block.block_hash;
    if found == root.block_hash { Ok(asker) } else { Err(Error::OtherBlock { found, root: root.block_hash }) }
}
