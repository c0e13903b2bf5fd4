//! `token`: who may ask over HTTP.

use super::show::{self, line};
use super::{Setup, Shown, say};
use crate::access::Role;
use crate::access::token::{Token, TokenId, TokenText};
use crate::clock::now;
use crate::control::{Answer, Request, TokenRequest};
use crate::error::Error;
use clap::{Args, Subcommand};
use jiff::{Span, SpanRelativeTo};
use rand_core::OsRng;
use stegos_common::api::encoding::Timestamp;

/// Make, list and revoke tokens for HTTP
#[derive(Subcommand)]
pub(super) enum Command {
    Create(Create),
    List(List),
    Revoke(Revoke),
}

impl Command {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        match self {
            Self::Create(create) => create.run(setup),
            Self::List(list) => list.run(setup),
            Self::Revoke(revoke) => revoke.run(setup),
        }
    }
}

/// Make a token and print it
#[derive(Args)]
#[command(after_help = "\
The token is the one line on standard output, and it is shown this once: the ledger has its digest only. It
works at once, also while `run` has the ledger. Give each program one of its own, so that it can be revoked
alone.

Examples:
  output-explorer --network testnet token create --role service --name shop --expires 90d >shop.token
  output-explorer --network testnet token create --role auditor --expires 2027-01-31T00:00:00Z
  curl -H \"Authorization: Bearer $(cat shop.token)\" http://127.0.0.1:8480/v1/status")]
pub(super) struct Create {
    /// What it may do
    #[arg(long)]
    role: Role,
    /// What it is for: up to 128 characters, for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    name: String,
    /// When it ends: after a time, like 90d or 12h, or at one, like 2027-01-31T00:00:00Z [default: never]
    #[arg(long, value_name = "TIME", value_parser = end)]
    expires: Option<Timestamp>,
}

impl Create {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        let text = TokenText::random(&mut OsRng);
        let Self { role, name, expires } = self;
        let add = TokenRequest::Add { id: text.id(), digest: text.digest(), name, role, expires };
        about_tokens(setup, add)?;
        line(text.expose())?;
        let until = expires.map_or_else(|| "never ends".to_owned(), |expires| format!("ends at {expires}"));
        say(&format!("token {} for {role}, {until}; keep it now, it is not shown again", text.id()));
        Ok(())
    }
}

/// List tokens, the oldest first
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    shown: Shown,
}

impl List {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        let tokens = about_tokens(setup, TokenRequest::List)?;
        if self.shown.json {
            return show::json(&tokens);
        }
        let now = now();
        let mut table = show::table(&["token", "role", "made", "ends", "state", "name"], &[]);
        for token in &tokens {
            let Token { id, name, role, created, expires, revoked } = token;
            let state = match revoked {
                Some(time) => format!("revoked {time}"),
                None if token.is_valid(now) => "valid".to_owned(),
                None => "expired".to_owned(),
            };
            let (id, created) = (id.to_string(), created.to_string());
            table.add_row([id, role.to_string(), created, show::or_dash(*expires), state, name.clone()]);
        }
        show::print(&table)
    }
}

/// Revoke a token: it opens nothing any more, at once
#[derive(Args)]
#[command(after_help = "\
Example:
  output-explorer --network testnet token revoke 5a0e6f31c2b47d98")]
pub(super) struct Revoke {
    /// Its id: what `token list` shows, and what stands between `oe_` and the next `_`
    id: TokenId,
}

impl Revoke {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        about_tokens(setup, TokenRequest::Revoke { id: self.id })?;
        line(&format!("token {} revoked", self.id))
    }
}

fn about_tokens(setup: &Setup, request: TokenRequest) -> Result<Vec<Token>, Error> {
    match setup.ask(Request::Token(request))? {
        Answer::Tokens { tokens } => Ok(tokens),
        _ => Err(Error::OtherAnswer),
    }
}

/// A time, or how long from now.
fn end(text: &str) -> Result<Timestamp, String> {
    let time = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time,
        Err(_) => {
            let span: Span = text.parse().map_err(|_| "neither a time nor how long it lasts".to_owned())?;
            // Months and years are none: they last differently.
            let lasts = span.to_duration(SpanRelativeTo::days_are_24_hours());
            jiff::Timestamp::now()
                .checked_add(lasts.map_err(|error| error.to_string())?)
                .map_err(|error| error.to_string())?
        }
    };
    let end = u64::try_from(time.as_nanosecond()).map(Timestamp::from_unix_nanos);
    end.ok().filter(|end| *end > now()).ok_or_else(|| "it is past, or too far away".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_at_a_time_or_after_a_time() {
        let at = end("2100-01-31T00:00:00Z").unwrap();
        assert_eq!(at.to_string(), "2100-01-31T00:00:00.000000000Z");
        let day = 24 * 3600 * 1_000_000_000;
        for (text, lasts) in [("90d", 90 * day), ("2w", 14 * day), ("12h", day / 2), ("P1D", day)] {
            let before = now().unix_nanos();
            let end = end(text).unwrap().unix_nanos();
            assert!((before + lasts..=now().unix_nanos() + lasts).contains(&end), "{text}");
        }
        for text in ["", "90", "soon", "1 month", "1y", "-1d", "0d", "2020-01-01T00:00:00Z", "2100-01-31"] {
            assert!(end(text).is_err(), "{text}");
        }
    }
}
