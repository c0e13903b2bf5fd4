//! `sign`: the same as over the socket, from a file, or from a folder of them.

use super::approve::tell_details;
use super::file::{read_text, require_new, write_new};
use super::inspect::show;
use super::qr::screen::{self, Terminal};
use super::spool::{Folder, Stop};
use super::{StoreArgs, qr, with_its_place};
use crate::error::Error;
use crate::process::Needs;
use crate::settings::{RuleSettings, Settings, Signing};
use crate::signer::Signer;
use clap::Args;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use stegos_common::qr::{FRAGMENT, Frames};
use zeroize::Zeroizing;

const AFTER_HELP: &str = "\
The request is the JSON of create_raw_transaction, as it would be sent over the socket; the answer is
the same too. A refused request is answered on standard output with its code, and exit code 3. The same
request again gets the same answer: what was signed is in the journal before it leaves.

A folder is a stick, or a share that both hosts mount. NAME.request.json is answered there by
NAME.response.json, or by NAME.refused.json where it is refused; to have a refused request judged again,
remove that file. NAME.pending.json says that it waits for approval: it is tried again by itself. Only one
process at a time has the store open. At SIGHUP the policy file is read again.

With --qr the request comes as an animated QR code, which the online host shows, through a camera whose
program writes pictures: into a folder, which is watched until the request is complete, or as a stream of
PNM pictures to standard input. It is then shown in the words of `inspect`, signed if you say so, and the
answer is shown on the terminal in the same way, for the camera of the online host. What is in a QR code can
be read by whoever sees it: a request with a secret key in it is not for a screen. Pictures are looked through
by processes of their own, which would have what is open here: --passphrase-fd does not go with --qr.

Examples:
  cold-signer inspect request.json
  cold-signer sign request.json --out response.json
  cold-signer sign --spool /media/stick --once
  cold-signer sign --spool /srv/gap
  cold-signer sign --qr /run/user/1000/camera
  ffmpeg -loglevel error -f v4l2 -i /dev/video0 -r 10 -f image2pipe -c:v pgm - | cold-signer sign --qr -
  cold-signer sign --qr pictures --once --qr-out answer";

/// Sign a request from a file or a camera, or all that come into a folder
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Sign {
    /// The file with the request
    #[arg(required_unless_present_any = ["spool", "qr"])]
    request: Option<PathBuf>,
    /// Write the answer to this file, which must not exist yet, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Sign what comes into this folder, until stopped
    #[arg(long, value_name = "DIR", conflicts_with_all = ["request", "out", "qr", "qr_out"])]
    spool: Option<PathBuf>,
    /// Read the request from pictures of an animated QR code: a folder, or - for a stream of PNM pictures
    #[arg(long, value_name = "SOURCE", conflicts_with = "request")]
    qr: Option<PathBuf>,
    /// Write the answer as pictures of an animated QR code into this folder, which must not exist yet
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    qr_out: Option<PathBuf>,
    /// Take what is in the folder now, and end
    #[arg(long, conflicts_with = "request")]
    once: bool,
    #[command(flatten)]
    rules: RuleSettings,
}

/// Where an answer goes.
enum Way<'a> {
    Output,
    File(&'a Path),
    Pictures(&'a Path),
    Screen(Terminal),
}

impl Sign {
    pub(super) fn run(self, store: &StoreArgs, settings: Settings) -> Result<(), Error> {
        if self.qr.is_some() && store.passphrase_fd.is_some() {
            return Err(Error::DescriptorWithPictures);
        }
        let signing = self.rules.signing(&settings.rules);
        match (&self.request, &self.qr, &self.spool) {
            (Some(request), ..) => self.one(|limit| read_text(request, limit), store, signing),
            (None, Some(source), _) => self.one(|limit| qr::read(source, self.once, limit), store, signing),
            (None, None, Some(folder)) => {
                let (policy, limit) = (signing.policy.clone(), signing.rules.max_request_bytes);
                let ready = store.ready(signing)?;
                ready
                    .protect(Needs { write: with_its_place(folder).collect(), ..Needs::default() }, false)?;
                // Opening a large store takes a while, in which nobody may end it by asking for a new policy.
                let stop = Stop::new()?;
                let signer = ready.open()?;
                let folder = Folder::new(folder, &signer, limit);
                let done =
                    if self.once { folder.once(&stop) } else { folder.watch(&stop, policy.as_deref()) };
                let closed = signer.close();
                done.and(Ok(closed?))
            }
            // The parser of the command line asks for one of them.
            (None, None, None) => Ok(()),
        }
    }

    fn one(
        &self,
        read: impl FnOnce(usize) -> Result<Zeroizing<String>, Error>,
        store: &StoreArgs,
        signing: Signing,
    ) -> Result<(), Error> {
        let mut way = self.way()?;
        let request = read(signing.rules.max_request_bytes)?;
        let ready = store.ready(signing)?;
        ready.protect(Needs { write: way.folder().into_iter().collect(), ..Needs::default() }, false)?;
        let signer = ready.open()?;
        if let Way::Screen(terminal) = &mut way {
            confirm(terminal, &signer, &request)?;
        }
        let answer = signer.answer(&request);
        // Whatever becomes of this: what was signed is in the journal, and the answer is owed.
        let closed = signer.close();
        match answer.refusal {
            Some(refusal) => {
                // Refused it is, even if nobody reads the answer.
                let _ = writeln!(stdout(), "{}", answer.text);
                tell_details(&refusal);
                Err(Error::Refused(refusal))
            }
            None => way.send(&answer.text),
        }?;
        Ok(closed?)
    }

    /// Where the answer goes, before anything is done whose result could not go there.
    fn way(&self) -> Result<Way<'_>, Error> {
        match (&self.out, &self.qr_out, &self.qr) {
            (Some(path), ..) => require_new(path).map(|()| Way::File(path)),
            (None, Some(folder), _) => require_new(folder).map(|()| Way::Pictures(folder)),
            (None, None, Some(_)) => Terminal::open().map(Way::Screen),
            (None, None, None) => Ok(Way::Output),
        }
    }
}

impl Way<'_> {
    /// The folder in which something is made.
    fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) | Self::Pictures(path) => path.parent().map(Path::to_owned),
            Self::Output | Self::Screen(_) => None,
        }
    }

    fn send(self, answer: &str) -> Result<(), Error> {
        let frames = || Frames::new(format!("{answer}\n").as_bytes(), FRAGMENT).map_err(Error::Frames);
        match self {
            Self::Output => writeln!(stdout(), "{answer}").map_err(Error::AnswerLost),
            Self::File(path) => write_new(path, |file| writeln!(file, "{answer}")),
            Self::Pictures(folder) => screen::write(folder, &frames()?)
                .map_err(|source| Error::File { path: folder.to_owned(), source }),
            Self::Screen(mut terminal) => terminal.show(&frames()?).map_err(Error::AnswerLost),
        }
    }
}

/// Shows what came through a camera, and asks: nobody could look at it before, as at a file. What would be refused is not
/// asked about.
fn confirm(terminal: &mut Terminal, signer: &Signer, request: &str) -> Result<(), Error> {
    let Ok((review, judgement, None)) = signer.review_request(request) else { return Ok(()) };
    let title = format!("Request to sign a transaction on {}", signer.keystore().network());
    show(terminal, &title, &review, judgement.as_ref(), true)?;
    if terminal.is_typed("Sign it? Type \"sign\": ", "sign")? { Ok(()) } else { Err(Error::NotSigned) }
}
