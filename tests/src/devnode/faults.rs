//! What a bad line and a bad node do to frames and answers.

use super::lies::Lie;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_core::{OsRng, RngCore};
use serde::Deserialize;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How many bytes at once are sent where frames are split.
const PIECE: usize = 7;

/// What goes wrong on every connection. The default is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Each frame, answer or notification, is sent so much later.
    pub delay_milliseconds: u64,
    /// Each answer is sent so much later, and what is notified meanwhile with it.
    pub answer_delay_milliseconds: u64,
    /// What each frame becomes.
    pub frame: FrameFault,
    /// Whether frames are sent a few bytes at a time.
    pub split: bool,
    /// Each answer and notification has a field more, `padding`, of so many characters.
    pub pad_bytes: u32,
    /// Whether requests for the status fail.
    pub refuse_status: bool,
    /// What becomes of notifications.
    pub notifications: NotificationFault,
    /// What is wrong with blocks, asked for or notified.
    pub lie: Lie,
}

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameFault {
    /// Nothing.
    #[default]
    None,
    /// One of its characters is another one. Nothing in a frame tells that it was changed.
    Corrupt,
    /// Its second half is missing.
    Truncate,
    /// Random bytes, as many.
    Garbage,
}

/// What becomes of the notifications of each subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationFault {
    /// Nothing.
    #[default]
    Normal,
    /// Each is sent twice.
    Duplicate,
    /// None is sent, nor later: the subscription goes on without them.
    Drop,
    /// Of two that follow each other, the second is sent first. Where there is no second yet, the first waits.
    Swap,
}

impl Faults {
    /// How long to wait before a frame is sent.
    pub(super) const fn delay(self, answer: bool) -> Duration {
        let answer = if answer { self.answer_delay_milliseconds } else { 0 };
        Duration::from_millis(self.delay_milliseconds.saturating_add(answer))
    }

    /// A message's JSON text as it is sent.
    pub(super) fn pad(self, mut json: String) -> String {
        if self.pad_bytes > 0 {
            // Every message is an object with a field.
            json.pop();
            json.push_str(r#","padding":""#);
            json.extend((0..self.pad_bytes).map(|_byte| ' '));
            json.push_str(r#""}"#);
        }
        json
    }
}

impl FrameFault {
    /// A frame as it is sent.
    pub(super) fn spoil(self, mut frame: String) -> String {
        // Base64 goes by four characters.
        let middle = frame.len() / 8 * 4;
        match self {
            Self::None => {}
            Self::Corrupt => {
                let other = if frame.get(middle..=middle) == Some("A") { "B" } else { "A" };
                frame.replace_range(middle..=middle, other);
            }
            Self::Truncate => frame.truncate(middle),
            Self::Garbage => {
                let mut bytes = vec![0; frame.len() / 4 * 3];
                OsRng.fill_bytes(&mut bytes);
                frame = STANDARD.encode(bytes);
            }
        }
        frame
    }
}

/// A socket that may write a few bytes at a time.
pub(super) struct Line<F> {
    stream: TcpStream,
    /// Whether it does.
    split: F,
}

impl<F> Line<F> {
    pub(super) fn new(stream: TcpStream, split: F) -> Self {
        // Otherwise the system may put the pieces together again, and so it does where this fails.
        let _ = stream.set_nodelay(true);
        Self { stream, split }
    }
}

impl<F: Unpin> AsyncRead for Line<F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<F: Fn() -> bool + Unpin> AsyncWrite for Line<F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let most = if (self.split)() { PIECE } else { bytes.len() };
        let piece = bytes.get(..most).unwrap_or(bytes);
        Pin::new(&mut self.stream).poll_write(context, piece)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
