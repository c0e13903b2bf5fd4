//! What is common to the requests that we send: webhooks, and a replica's questions.

use reqwest::ClientBuilder;
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use std::error::Error;
use std::iter::successors;
use stegos_common::text::excerpt;

/// A client that asks nobody but whom it is told to ask.
pub(crate) fn client(tls: ClientConfig) -> ClientBuilder {
    // A proxy of the environment would connect for us, wherever to, and read what is sent.
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().redirect(Policy::none())
}

/// The error with its causes and without the address, which may hold what is not for everybody.
pub(crate) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let causes = successors(Some(&error as &dyn Error), |error: &&dyn Error| (*error).source());
    let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.dedup();
    excerpt(&texts.join(": "))
}
