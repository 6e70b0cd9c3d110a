//! How long nobody looks.

use std::time::Duration;

/// How long to wait for something to happen before looking again: first only giving way, then
/// longer and longer.
#[derive(Default)]
pub(super) struct Nap {
    /// How often it was waited.
    pub(super) pauses: u32,
    slept: bool,
}

impl Nap {
    const YIELDS: u32 = 3;
    /// Of these, so many before the first look: after most stops the next one follows at once,
    /// and a scan costs several times as much as giving way.
    const UNSEEN: u32 = 2;
    /// Who computes is waited for so long before the first look; its next stop ends the wait.
    pub(super) const COMPUTES: Duration = Duration::from_micros(250);

    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether to give way once more before looking. `computes`: somebody does not wait for anything,
    /// so that giving way in vain once is enough: the scheduler thinks it is our turn.
    pub(super) fn has_to_give_way(&self, computes: bool) -> bool {
        self.pauses < if computes { 1 } else { Self::UNSEEN }
    }

    /// Whether to sleep once before looking.
    pub(super) fn sleeps(&mut self) -> bool {
        !std::mem::replace(&mut self.slept, true)
    }

    pub(super) fn next(&mut self) -> Option<Duration> {
        self.pauses += 1;
        let doublings = self.pauses.checked_sub(Self::YIELDS + 1)?;
        Some(Duration::from_micros(30) * 2u32.pow(doublings.min(6)))
    }
}
