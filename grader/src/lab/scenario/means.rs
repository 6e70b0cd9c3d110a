//! What the scenarios of a lab may use: a small file must not unroll into a huge plan.

use crate::lab::decode::{Sink, Span};
use crate::lab::diagnostics::Diagnostic;

/// At most so many stimuli in a whole lab, repetitions unrolled.
const MOST_STIMULI: usize = 10_000;
/// At most so many bytes of data in a whole lab, repetitions unrolled.
const MOST_BYTES: u64 = 64 << 20;

/// What the scenarios of a lab may still use.
#[derive(Debug)]
pub(in crate::lab) struct Means {
    stimuli: usize,
    bytes: u64,
    spent: bool,
}

impl Default for Means {
    fn default() -> Self {
        Self {
            stimuli: MOST_STIMULI,
            bytes: MOST_BYTES,
            spent: false,
        }
    }
}

impl Means {
    /// Takes one stimulus; `false` if there is none left.
    pub(in crate::lab) fn stimulus(&mut self, span: &Span, sink: &mut Sink) -> bool {
        self.take(1, 0, span, sink)
    }

    /// Takes so many bytes; `false` if there are not as many left.
    pub(in crate::lab) fn bytes(&mut self, bytes: u64, span: &Span, sink: &mut Sink) -> bool {
        self.take(0, bytes, span, sink)
    }

    fn take(&mut self, stimuli: usize, bytes: u64, span: &Span, sink: &mut Sink) -> bool {
        if let (Some(stimuli_left), Some(bytes_left)) = (
            self.stimuli.checked_sub(stimuli),
            self.bytes.checked_sub(bytes),
        ) {
            self.stimuli = stimuli_left;
            self.bytes = bytes_left;
            return true;
        }
        if !self.spent {
            self.spent = true;
            sink.push(Diagnostic::error(span.clone(), "the lab is too big").label("here it goes too far").help(
                format!(
                    "all scenarios together may have {MOST_STIMULI} stimuli and {} MiB of data, repetitions included",
                    MOST_BYTES >> 20
                ),
            ));
        }
        false
    }

    /// Whether it was complained that nothing is left.
    pub(super) fn spent(&self) -> bool {
        self.spent
    }
}
