//! When programs take more than they may together, or the machine has no more to give.

use crate::event::{LimitKind, What};
use crate::helper::Helper;
use crate::resources::Found;
use crate::tracer::lookup;

impl Helper {
    /// Looks after what the programs take together and whether the machine has enough left.
    /// `true`: the run ends here.
    pub(crate) fn overtaxed(&mut self) -> bool {
        if self.limit_hit {
            return true;
        }
        let mut outputs = self.stdio.iter().flatten().flat_map(|stdio| &stdio.outputs);
        if outputs.any(|output| output.flooded) {
            // That more came than is kept has been told.
            self.end_here();
            return true;
        }
        let exhausted = &mut self.tracer.exhausted;
        let mut short = exhausted.machine.take();
        let killed = std::mem::take(&mut exhausted.killed);
        if killed && self.watch.group_is_full() {
            let most = self.plan.limits.total_memory;
            exhausted.tell(None, LimitKind::Memory, most, &mut self.recorder);
            self.end_here();
            return true;
        }
        if killed && self.watch.was_killed_for_memory() {
            short = Some("memory: the kernel has killed somebody for want of it".into());
        }
        if let Some(program) = exhausted.no_room.take() {
            if self.watch.disk_is_full() {
                short = Some("room on the disk".into());
            } else {
                let most = self.plan.limits.file_size;
                exhausted.tell(Some(program), LimitKind::Disk, most, &mut self.recorder);
            }
        }
        if short.is_none() {
            let (tracer, traced) = (&self.tracer, self.traced);
            let found = self.watch.look(|| {
                if traced {
                    let alive = tracer.processes.values().filter(|p| p.status.is_none());
                    alive.map(|process| process.pid).collect()
                } else {
                    lookup::below_this_process()
                }
            });
            let (limit, most) = match found {
                Found::Fine => return false,
                Found::TooMuch => (LimitKind::Memory, self.plan.limits.total_memory),
                Found::Full => (LimitKind::Disk, self.plan.limits.file_size),
                Found::Short(what) => return self.starve(what),
            };
            self.tracer
                .exhausted
                .tell(None, limit, most, &mut self.recorder);
            self.end_here();
            return true;
        }
        self.starve(short.unwrap_or_default())
    }

    /// The machine has run short: nothing that comes from here on is evidence.
    pub(super) fn starve(&mut self, what: String) -> bool {
        self.recorder.emit(What::Starved { what });
        self.end_here();
        true
    }

    /// Ends the run at once: what goes on would only take more.
    fn end_here(&mut self) {
        self.limit_hit = true;
        self.kill_everything();
    }
}
