mod caller;
mod jwt;
mod tls;

use crate::settings::{HttpConfig, JwtIssuer, TlsFiles};
use std::num::NonZeroU32;

/// A configuration with these.
fn config(tls: Option<TlsFiles>, jwt: Vec<JwtIssuer>) -> HttpConfig {
    HttpConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls,
        allow: Vec::new(),
        requests_per_second: NonZeroU32::MIN,
        requests_per_second_per_address: NonZeroU32::MIN,
        ready_blocks: 0,
        jwt,
    }
}
