//! Requirements: their names and points, and which needs which.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::{At, Blocks, Sink, Span, shown};
use super::diagnostics::Diagnostic;
use super::model::{Requirement, Scenario};
use super::values::{kebab, localised, required, unique, within};
use super::{names, raw};

/// What a lab's points add up to.
const FULL_MARKS: u64 = 100;

/// The requirements of a lab, as far as they could be read.
#[derive(Debug, Default)]
pub(super) struct Requirements {
    pub(super) all: Vec<Requirement>,
    /// Where each is named.
    pub(super) places: BTreeMap<String, Span>,
    /// Some could not be read: an unknown name may be right.
    pub(super) damaged: bool,
}

impl Requirements {
    /// Checks all requirements of a lab.
    pub(super) fn of(blocks: Option<&At<Blocks<raw::Requirement>>>, sink: &mut Sink) -> Self {
        let Some(blocks) = blocks.map(|at| &at.value) else {
            return Self {
                damaged: true,
                ..Self::default()
            };
        };
        let mut found = Self {
            damaged: blocks.damaged,
            ..Self::default()
        };
        let mut needs: Vec<(usize, &At<String>)> = Vec::new();
        for item in &blocks.items {
            found.damaged |= item.value.shape.damaged;
            let index = found.all.len();
            needs.extend(
                item.value
                    .needs
                    .iter()
                    .flat_map(|n| &n.value)
                    .map(|n| (index, n)),
            );
            let requirement = requirement(item, &mut found.places, sink);
            found.all.push(requirement);
        }
        check_needs(&found.all, &needs, found.damaged, sink);
        if !found.damaged {
            check_points(&blocks.items, sink);
        }
        found
    }

    /// Says that no requirement has this name, unless it may be one of those that could not be read.
    pub(super) fn expect(&self, name: &At<String>, sink: &mut Sink) -> bool {
        let known = self.places.contains_key(&name.value);
        if !known && !self.damaged {
            sink.push(no_such_requirement(
                &name.value,
                &name.span,
                self.places.keys().map(String::as_str),
            ));
        }
        known
    }

    /// Says which requirements nothing proves.
    pub(super) fn all_proved(&self, scenarios: &[Scenario], sink: &mut Sink) {
        let steps = scenarios.iter().flat_map(|s| &s.steps);
        let checks = scenarios.iter().flat_map(|s| &s.checks);
        let proved: BTreeSet<&str> = steps
            .flat_map(|step| &step.proves)
            .map(|proof| &proof.requirement)
            .chain(checks.flat_map(|check| &check.proves))
            .map(String::as_str)
            .collect();
        for (id, span) in &self.places {
            if !proved.contains(id.as_str()) {
                sink.push(
                    Diagnostic::error(
                        span.clone(),
                        format!("requirement `{}` is proved by no step", shown(id)),
                    )
                    .help("name it in a step's `proves`, or in a `[[scenario.check]]`"),
                );
            }
        }
    }
}

fn requirement(
    at: &At<raw::Requirement>,
    seen: &mut BTreeMap<String, Span>,
    sink: &mut Sink,
) -> Requirement {
    let raw = &at.value;
    let mut id = String::new();
    if let Some(at) = required(
        raw.id.as_ref(),
        &raw.shape,
        "id",
        "a requirement",
        &at.span,
        sink,
    ) {
        kebab(&at.value, &at.span, sink);
        unique(
            seen,
            &at.value,
            &at.span,
            |n| format!("requirement `{n}` is there twice"),
            sink,
        );
        id.clone_from(&at.value);
    }
    let what = if id.is_empty() {
        "a requirement".to_owned()
    } else {
        format!("requirement `{}`", shown(&id))
    };
    let points = required(
        raw.points.as_ref(),
        &raw.shape,
        "points",
        &what,
        &at.span,
        sink,
    );
    let title = required(
        raw.title.as_ref(),
        &raw.shape,
        "title",
        &what,
        &at.span,
        sink,
    );
    if raw.hint.is_none() && !raw.shape.damaged {
        let at = raw.id.as_ref().map_or(&at.span, |id| &id.span);
        sink.push(
            Diagnostic::warning(at.clone(), format!("{what} has no `hint`"))
                .help("say what to do when it is not met: a student reads it below the difference"),
        );
    }
    Requirement {
        points: points.map_or(0, |p| {
            u32::try_from(within(p, "points", 0, FULL_MARKS, sink)).unwrap_or(0)
        }),
        title: title
            .map(|t| localised(t, "the title", sink))
            .unwrap_or_default(),
        hint: raw
            .hint
            .as_ref()
            .map(|t| localised(t, "the hint", sink))
            .unwrap_or_default(),
        needs: raw
            .needs
            .iter()
            .flat_map(|n| &n.value)
            .map(|n| n.value.clone())
            .collect(),
        id,
    }
}

fn check_points(items: &[At<raw::Requirement>], sink: &mut Sink) {
    let points: Vec<&At<u64>> = items
        .iter()
        .filter_map(|r| r.value.points.as_ref())
        .collect();
    let sum = points
        .iter()
        .fold(0u64, |sum, p| sum.saturating_add(p.value));
    if let Some(last) = points.last()
        && sum != FULL_MARKS
    {
        let label = if sum < FULL_MARKS {
            format!("{} are missing", FULL_MARKS - sum)
        } else {
            format!("{} are too many", sum - FULL_MARKS)
        };
        sink.push(
            Diagnostic::error(
                last.span.clone(),
                format!(
                    "the points of {} requirements add up to {sum}, not {FULL_MARKS}",
                    points.len()
                ),
            )
            .label(label),
        );
    }
}

/// Says that no requirement has this name.
pub(super) fn no_such_requirement<'a>(
    name: &str,
    span: &Span,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error(
        span.clone(),
        format!("there is no requirement `{}`", shown(name)),
    )
    .maybe_label(names::did_you_mean(name, known.clone()))
    .help(format!("known: {}", names::list(known)))
}

fn check_needs(
    requirements: &[Requirement],
    needs: &[(usize, &At<String>)],
    damaged: bool,
    sink: &mut Sink,
) {
    let index: BTreeMap<&str, usize> = requirements
        .iter()
        .enumerate()
        .map(|(i, r)| (r.id.as_str(), i))
        .collect();
    let mut edges: Vec<Vec<(usize, &Span)>> = vec![Vec::new(); requirements.len()];
    for (from, need) in needs {
        match index.get(need.value.as_str()) {
            Some(to) => edges[*from].push((*to, &need.span)),
            None if damaged => {}
            None => sink.push(no_such_requirement(
                &need.value,
                &need.span,
                requirements.iter().map(|r| r.id.as_str()),
            )),
        }
    }
    // Depth first without recursion: 0 not seen, 1 on the path, 2 done.
    let mut state = vec![0u8; requirements.len()];
    for start in 0..requirements.len() {
        if state[start] != 0 {
            continue;
        }
        let mut path = vec![(start, 0usize)];
        state[start] = 1;
        while let Some((node, next)) = path.last_mut() {
            let Some((to, span)) = edges[*node].get(*next).copied() else {
                state[*node] = 2;
                path.pop();
                continue;
            };
            *next += 1;
            match state[to] {
                0 => {
                    state[to] = 1;
                    path.push((to, 0));
                }
                1 => {
                    let circle: Vec<String> = path
                        .iter()
                        .map(|(n, _)| *n)
                        .skip_while(|n| *n != to)
                        .chain([to])
                        .map(|n| format!("`{}`", shown(&requirements[n].id)))
                        .collect();
                    sink.push(
                        Diagnostic::error(span.clone(), "requirements need each other in a circle")
                            .label(circle.join(" needs ")),
                    );
                }
                _ => {}
            }
        }
    }
}
