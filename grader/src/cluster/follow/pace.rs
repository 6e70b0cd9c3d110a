//! How soon more workers are asked for.

/// Where new workers end again and again, so many looks at the scheduler are the longest pause.
pub(super) const LONGEST: u32 = 8;

/// How soon more workers are asked for: at once, but less and less often where those that come end
/// again and again, as on a node of no use, which is the first that has room for the next ones.
pub(super) struct Pace {
    /// Looks to be sat out.
    rest: u32,
    /// So many from one asking to the next.
    next: u32,
    /// Looks since a worker was missing.
    calm: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            rest: 0,
            next: 1,
            calm: 0,
        }
    }
}

impl Pace {
    /// All are there.
    pub(super) fn complete(&mut self) {
        self.rest = self.rest.saturating_sub(1);
        self.calm += 1;
        if self.calm > 2 * LONGEST {
            self.next = 1;
        }
    }

    /// Some are missing: whether to ask for them now.
    pub(super) fn is_due(&mut self) -> bool {
        self.calm = 0;
        let due = self.rest == 0;
        self.rest = self.rest.saturating_sub(1);
        due
    }

    pub(super) fn asked(&mut self) {
        self.rest = self.next - 1;
        self.next = (self.next * 2).min(LONGEST);
    }
}
