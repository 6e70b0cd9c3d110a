//! Disturbances, and the numbers of signals and errors.

use supervisor::plan as sv;

use super::{PlanError, Planner};
use crate::lab::{DisturbOn, Disturbance, Effect, Nth};
use crate::transcript::{errno_name, signal_name};

impl Planner<'_> {
    pub(super) fn disturbance(
        &self,
        disturbance: &Disturbance,
    ) -> Result<sv::Disturbance, PlanError> {
        Ok(sv::Disturbance {
            calls: disturbance.calls.clone(),
            on: match disturbance.on {
                DisturbOn::Any => sv::On::Any,
                DisturbOn::Socket => sv::On::Socket,
                DisturbOn::Pipe => sv::On::Pipe,
                DisturbOn::Standard => sv::On::Standard,
            },
            nth: match disturbance.nth {
                Nth::Every => sv::Nth::Every,
                Nth::Only(n) => sv::Nth::Only(n),
                Nth::From(n) => sv::Nth::From(n),
            },
            effect: match &disturbance.effect {
                Effect::AtMost(bytes) => sv::Effect::AtMost(*bytes),
                Effect::Fail(error) => sv::Effect::Fail(self.errno(error)?),
                Effect::SignalBefore(signal) => sv::Effect::SignalBefore(self.signal(signal)?),
                Effect::SignalAfter(signal) => sv::Effect::SignalAfter(self.signal(signal)?),
                Effect::Delay(ms) => sv::Effect::Delay(*ms),
                Effect::Freeze => sv::Effect::Freeze,
                Effect::ChildFirst => sv::Effect::First(sv::First::Child),
                Effect::ParentFirst => sv::Effect::First(sv::First::Parent),
            },
        })
    }

    pub(super) fn signal(&self, name: &str) -> Result<i32, PlanError> {
        // SIGPOLL is SIGIO's other name, signal(7).
        let name = if name == "SIGPOLL" { "SIGIO" } else { name };
        (1..=64)
            .find(|number| signal_name(*number) == name)
            .ok_or_else(|| self.wrong(format!("there is no signal `{name}`")))
    }

    fn errno(&self, name: &str) -> Result<i32, PlanError> {
        // Two names for one number, errno(3).
        let name = match name {
            "EWOULDBLOCK" => "EAGAIN",
            "ENOTSUP" => "EOPNOTSUPP",
            "EDEADLOCK" => "EDEADLK",
            name => name,
        };
        (1..=133)
            .find(|number| errno_name(*number) == name)
            .ok_or_else(|| self.wrong(format!("there is no error `{name}`")))
    }
}
