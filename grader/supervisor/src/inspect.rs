//! stub
use crate::event::Fact;
use crate::plan::*;
use crate::scene::Scene;
#[derive(Default)]
pub struct FamilyHistory;
impl FamilyHistory {
    pub fn forked(&mut self, _c: ProcessId, _p: ProcessId) {}
    pub fn exited(&mut self, _c: ProcessId) {}
    pub fn reaped(&mut self, _c: ProcessId) {}
    pub fn orphaned(&mut self, _c: ProcessId) {}
}
pub fn family(_: &FamilyHistory, _: ProgramId) -> Vec<Fact> {
    vec![]
}
pub fn handlers(_: &[String]) -> Vec<Fact> {
    vec![]
}
pub fn tree(_: &mut Scene<'_>, _: ProgramId) -> Vec<Fact> {
    vec![]
}
pub fn descriptors(_: &Scene<'_>, _: ProgramId) -> Vec<Fact> {
    vec![]
}
pub fn idle(_: &Scene<'_>, _: ProgramId) -> Vec<Fact> {
    vec![]
}
pub fn signals(_: &Scene<'_>, _: ProgramId) -> Vec<Fact> {
    vec![]
}
