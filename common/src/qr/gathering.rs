//! Frames of one message, from whoever holds something before the camera, until the message is complete.
//!
//! A frame says that some fragments, mixed, are its bytes: a linear equation over GF(2). The equations are brought to
//! echelon form as they come, so that every frame which says anything new counts, the memory is never more than a row
//! for each fragment, and a frame takes at most one step for each row. The peeling decoder of the library keeps every
//! frame it was ever shown, for it can use only those that mix one fragment it does not know yet; it needs more of them.

use super::part::{Header, xor};
use super::{FrameError, unpack};

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many frames said something new.
    pub gathered: u32,
    /// How many have to: the number of the message's fragments.
    pub needed: u32,
}

impl Progress {
    /// Whether the message can be read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.gathered == self.needed
    }

    /// The part that is there, in percent, rounded down.
    #[must_use]
    pub fn percent(&self) -> u32 {
        // There are at most 4096 fragments.
        self.gathered.saturating_mul(100).checked_div(self.needed).unwrap_or(0)
    }
}

/// What the frames so far have said. Frames of another message, and what is no frame, change nothing in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gathering {
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum State {
    #[default]
    Empty,
    Begun(Box<Equations>),
    Complete(Header, Vec<u8>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Equations {
    /// The numbers that all frames share.
    header: Header,
    /// By the first fragment that is in it, the row, if there is one.
    rows: Vec<Option<Row>>,
    /// How many rows there are.
    rank: u32,
}

/// One equation: these fragments, mixed, are these bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    /// A bit for each fragment.
    mixes: Vec<u64>,
    bytes: Vec<u8>,
}

impl Gathering {
    /// Takes a frame: in any order, as often as it is seen. Once the message is complete nothing more is needed, and
    /// further frames of it are passed over.
    ///
    /// # Errors
    /// [`FrameError`] for what is no frame, or none of this message: all that was gathered is kept. Only
    /// [`FrameError::Damaged`] and [`FrameError::Format`] and [`FrameError::TooLong`] of a last frame give it up, for
    /// such a message will never be any good.
    pub fn add(&mut self, frame: &str) -> Result<Progress, FrameError> {
        let (header, bytes) = Header::read(frame)?;
        match &mut self.state {
            State::Empty => {
                let mut equations = Box::new(Equations::new(header));
                equations.add(&header, bytes)?;
                self.state = State::Begun(equations);
            }
            State::Begun(equations) => equations.add(&header, bytes)?,
            State::Complete(begun, _) if begun.is_of(&header) => {}
            State::Complete(..) => return Err(FrameError::OtherMessage),
        }
        let progress = self.progress();
        if progress.is_complete() {
            self.complete()?;
        }
        Ok(progress)
    }

    /// How far the message is; none of one before the first frame.
    #[must_use]
    pub fn progress(&self) -> Progress {
        match &self.state {
            State::Empty => Progress { gathered: 0, needed: 1 },
            State::Begun(equations) => Progress { gathered: equations.rank, needed: equations.header.count },
            State::Complete(header, _) => Progress { gathered: header.count, needed: header.count },
        }
    }

    /// The message, once it is complete.
    #[must_use]
    pub fn message(&self) -> Option<&[u8]> {
        match &self.state {
            State::Complete(_, message) => Some(message),
            _ => None,
        }
    }

    /// Solves the equations. Those that lied are forgotten with all others.
    fn complete(&mut self) -> Result<(), FrameError> {
        match std::mem::take(&mut self.state) {
            State::Begun(equations) => {
                let header = equations.header;
                self.state = State::Complete(header, unpack(&equations.solve()?)?);
            }
            state => self.state = state,
        }
        Ok(())
    }
}

impl Equations {
    fn new(header: Header) -> Self {
        let rows = (0..header.count).map(|_| None).collect();
        Self { header, rows, rank: 0 }
    }

    /// Takes away from the new equation what is known, until a fragment is left that none begins with, or nothing.
    fn add(&mut self, header: &Header, bytes: Vec<u8>) -> Result<(), FrameError> {
        if !self.header.is_of(header) {
            return Err(FrameError::OtherMessage);
        }
        let mut row = Row::new(self.rows.len(), &header.mixes(), bytes);
        while let Some(first) = row.first() {
            match self.rows.get_mut(first) {
                Some(Some(known)) => row.subtract(known),
                Some(free) => {
                    *free = Some(row);
                    self.rank += 1;
                    return Ok(());
                }
                // The library chooses among the fragments that there are.
                None => return Err(FrameError::Numbers),
            }
        }
        // It said nothing new. Then its bytes were known, too.
        if row.bytes.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(FrameError::Contradiction) }
    }

    /// The fragments one after another, from a full set of rows, whose checksum is right.
    fn solve(self) -> Result<Vec<u8>, FrameError> {
        let mut fragments: Vec<Vec<u8>> = vec![Vec::new(); self.rows.len()];
        // The last row has nothing behind its first fragment; each before it only what has been solved.
        for (place, row) in self.rows.into_iter().enumerate().rev() {
            let Some(Row { mixes, mut bytes }) = row else { return Err(FrameError::Damaged) };
            for (_, solved) in fragments.iter().enumerate().skip(place + 1).filter(|(at, _)| has(&mixes, *at))
            {
                xor(&mut bytes, solved);
            }
            if let Some(fragment) = fragments.get_mut(place) {
                *fragment = bytes;
            }
        }
        let mut carried = fragments.concat();
        carried.truncate(usize::try_from(self.header.length).map_err(|_| FrameError::Damaged)?);
        if crc32fast::hash(&carried) == self.header.checksum { Ok(carried) } else { Err(FrameError::Damaged) }
    }
}

impl Row {
    fn new(count: usize, places: &[usize], bytes: Vec<u8>) -> Self {
        let mut mixes = vec![0; count.div_ceil(64)];
        for place in places {
            if let Some(word) = mixes.get_mut(place / 64) {
                *word |= 1 << (place % 64);
            }
        }
        Self { mixes, bytes }
    }

    /// The first fragment that is mixed into it.
    fn first(&self) -> Option<usize> {
        let (at, word) = self.mixes.iter().enumerate().find(|(_, word)| **word != 0)?;
        Some(at * 64 + usize::try_from(word.trailing_zeros()).ok()?)
    }

    fn subtract(&mut self, other: &Self) {
        for (word, other) in self.mixes.iter_mut().zip(&other.mixes) {
            *word ^= other;
        }
        xor(&mut self.bytes, &other.bytes);
    }
}

/// Whether the fragment at this place is mixed in.
fn has(mixes: &[u64], place: usize) -> bool {
    mixes.get(place / 64).is_some_and(|word| word & (1 << (place % 64)) != 0)
}

impl Header {
    /// Whether a frame with these numbers is of the same message.
    fn is_of(&self, other: &Self) -> bool {
        (self.count, self.length, self.checksum) == (other.count, other.length, other.checksum)
    }
}
