//! Frames with bytes that are no text, which a client of ours cannot send.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_core::OsRng;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use stegos_common::frame::seal;
use stegos_common::socket::token_file;

/// The bytes under the API token. The cipher is a stream (protocol page §8): what is changed in a frame is changed in
/// its text.
fn frame(token: &Path, bytes: &[u8]) -> String {
    let blanks = " ".repeat(bytes.len());
    let mut sealed = STANDARD.decode(seal(&token_file::load(token).unwrap(), &blanks, &mut OsRng)).unwrap();
    sealed[16..].iter_mut().zip(bytes).for_each(|(sealed, byte)| *sealed ^= b' ' ^ byte);
    STANDARD.encode(sealed)
}

/// Sends bytes as a request. Answers what came back until the connection was closed.
pub(crate) fn send(socket: &Path, token: &Path, bytes: &[u8]) -> Vec<u8> {
    let frame = frame(token, bytes);
    let mut stream = UnixStream::connect(socket).unwrap();
    stream
        .write_all(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    // A whole text, its length in 16 bits, masked by zeros.
    let length = u16::try_from(frame.len()).unwrap().to_be_bytes();
    stream.write_all(&[&[0x81, 0xfe], &length[..], &[0; 4], frame.as_bytes()].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}
