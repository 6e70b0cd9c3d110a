//! Length-prefixed messages between the caller, a worker and its helper.
//!
//! A frame is four bytes of length (little endian, of what follows), one byte saying what it is,
//! and a postcard body. Both ends are the same executable, so there is no version. A length above
//! the cap, an unknown kind and a body that does not decode are errors, never a panic.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::Event;

/// Largest frame: a plan carries the files of a submission, an event one collected file.
pub const MAX_FRAME: usize = 512 << 20;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// To the worker: a [`Plan`](crate::plan::Plan).
    Plan = 1,
    /// From the helper: an [`Event`].
    Event = 2,
    /// From the worker: how the helper ended, [`Farewell`].
    HelperEnded = 3,
    /// From worker or helper: this machine does not grant the isolation (text). Nothing has run.
    NotGranted = 4,
    /// From worker or helper: the scenario could not be set up (text). Nothing has run.
    NotSetUp = 5,
    /// From a probing process: the checks of [`probe`](crate::worker).
    Checks = 6,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        [
            Self::Plan,
            Self::Event,
            Self::HelperEnded,
            Self::NotGranted,
            Self::NotSetUp,
            Self::Checks,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == byte)
    }
}

/// How a helper process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum HelperEnd {
    /// `exit(code)`.
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
}

/// What a worker says when a helper has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Farewell {
    /// How it ended.
    pub end: HelperEnd,
    /// The worker takes another plan.
    pub goes_on: bool,
}

/// Why a frame could not be sent or received.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The other end is gone.
    #[error("the other end is closed")]
    Closed,
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The frame is longer than [`MAX_FRAME`].
    #[error("a message of {0} bytes is longer than allowed")]
    TooLong(usize),
    /// No such kind of frame.
    #[error("a message of unknown kind {0}")]
    UnknownKind(u8),
    /// The body does not decode or encode.
    #[error("a message that does not decode: {0}")]
    Body(#[from] postcard::Error),
}

/// One received frame, not yet decoded.
#[derive(Debug)]
pub struct Frame {
    /// What it is.
    pub kind: Kind,
    body: Vec<u8>,
}

impl Frame {
    /// Decodes the body.
    ///
    /// # Errors
    /// [`WireError::Body`] when it is not a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, WireError> {
        Ok(postcard::from_bytes(&self.body)?)
    }
}

/// Appends one frame to `out`.
///
/// # Errors
/// [`WireError::TooLong`] and [`WireError::Body`]; `out` is then unchanged.
pub fn encode<T: Serialize>(out: &mut Vec<u8>, kind: Kind, body: &T) -> Result<(), WireError> {
    let body = postcard::to_stdvec(body)?;
    let length = body.len() + 1;
    let Some(prefix) = u32::try_from(length).ok().filter(|_| length <= MAX_FRAME) else {
        return Err(WireError::TooLong(length));
    };
    out.extend_from_slice(&prefix.to_le_bytes());
    out.push(kind as u8);
    out.extend_from_slice(&body);
    Ok(())
}

/// Reads one frame.
///
/// # Errors
/// [`WireError::Closed`] at the end of the stream between two frames, the others as they say.
pub fn receive(from: &mut impl Read) -> Result<Frame, WireError> {
    // With what it is; there is no frame without.
    let mut prefix = [0; 5];
    let mut have = 0;
    while have < prefix.len() {
        match from.read(&mut prefix[have..]) {
            Ok(0) if have == 0 => return Err(WireError::Closed),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(n) => have += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if have == 0 && e.kind() == io::ErrorKind::ConnectionReset => {
                return Err(WireError::Closed);
            }
            Err(e) => return Err(e.into()),
        }
    }
    let [length @ .., byte] = prefix;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(WireError::TooLong(length));
    }
    let Some(length) = length.checked_sub(1) else {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    };
    let kind = Kind::from_byte(byte).ok_or(WireError::UnknownKind(byte))?;
    // Beyond this the vector grows with what arrives: a lying prefix costs nothing.
    let mut body = Vec::with_capacity(length.min(64 << 10));
    from.take(length as u64).read_to_end(&mut body)?;
    if body.len() < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(Frame { kind, body })
}

/// Sends one frame.
///
/// # Errors
/// As [`encode`], and [`WireError::Io`].
pub fn send<T: Serialize>(to: &mut impl Write, kind: Kind, body: &T) -> Result<(), WireError> {
    let mut frame = Vec::new();
    encode(&mut frame, kind, body)?;
    to.write_all(&frame)?;
    Ok(())
}

/// Where a helper sends its events: the recording, in order.
///
/// Events are collected and sent in pieces of about [`EventSink::PIECE`] bytes and at every
/// [`flush`](EventSink::flush): flush when the scenario goes quiet, and after the last event.
#[derive(Debug)]
pub struct EventSink {
    socket: OwnedFd,
    pending: Vec<u8>,
}

impl EventSink {
    /// So many bytes are sent without being asked.
    pub const PIECE: usize = 32 << 10;

    /// A sink over a stream socket.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            pending: Vec::new(),
        }
    }

    /// Queues an event.
    ///
    /// # Errors
    /// The caller of the worker is gone, or the event is larger than [`MAX_FRAME`].
    pub fn send(&mut self, event: &Event) -> Result<(), WireError> {
        encode(&mut self.pending, Kind::Event, event)?;
        if self.pending.len() >= Self::PIECE {
            self.flush()?;
        }
        Ok(())
    }

    /// Sends what is queued.
    ///
    /// # Errors
    /// The caller of the worker is gone.
    pub fn flush(&mut self) -> Result<(), WireError> {
        let result = Quiet(&self.socket).write_all(&self.pending);
        self.pending.clear();
        Ok(result?)
    }
}

/// Writes to a socket without raising `SIGPIPE`.
#[derive(Debug)]
pub struct Quiet<'a, F: AsFd>(pub &'a F);

impl<F: AsFd> Write for Quiet<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use nix::sys::socket::{MsgFlags, send};
        Ok(send(
            self.0.as_fd().as_raw_fd(),
            bytes,
            MsgFlags::MSG_NOSIGNAL,
        )?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::What;
    use proptest::prelude::*;
    use std::os::unix::net::UnixStream;

    fn event(at: u64) -> Event {
        Event {
            at,
            step: 1,
            what: What::StepBegan,
        }
    }

    #[test]
    fn events_arrive_whole_and_in_order() {
        let (mut near, far) = UnixStream::pair().unwrap();
        let mut sink = EventSink::new(far.into());
        for at in 0..1000 {
            sink.send(&event(at)).unwrap();
        }
        sink.flush().unwrap();
        drop(sink);
        for at in 0..1000 {
            let frame = receive(&mut near).unwrap();
            assert_eq!(frame.kind, Kind::Event);
            assert_eq!(frame.decode::<Event>().unwrap(), event(at));
        }
        assert!(matches!(receive(&mut near), Err(WireError::Closed)));
    }

    #[test]
    fn a_caller_that_left_is_an_error_not_a_signal() {
        let (near, far) = UnixStream::pair().unwrap();
        drop(near);
        let mut sink = EventSink::new(far.into());
        sink.send(&event(0)).unwrap();
        assert!(matches!(sink.flush(), Err(WireError::Io(_))));
    }

    #[test]
    fn a_length_above_the_cap_is_refused_before_anything_is_read() {
        let mut lie = &[0xff, 0xff, 0xff, 0xff, 2][..];
        assert!(matches!(receive(&mut lie), Err(WireError::TooLong(_))));
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_is_not_a_clean_end() {
        let mut whole = Vec::new();
        encode(&mut whole, Kind::Event, &event(7)).unwrap();
        for cut in 1..whole.len() {
            assert!(matches!(receive(&mut &whole[..cut]), Err(WireError::Io(_))));
        }
    }

    proptest! {
        #[test]
        fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut rest = &noise[..];
            while let Ok(frame) = receive(&mut rest) {
                let _ = frame.decode::<Event>();
                let _ = frame.decode::<crate::plan::Plan>();
            }
        }
    }
}
