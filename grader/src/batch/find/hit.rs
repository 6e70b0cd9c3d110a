//! What may be a submission, and which lab it is of.

use super::search::passed_over;
use super::{Candidate, FindError, Found, Query};
use crate::batch::item::Person;
use crate::batch::place::Place;

/// A submission before it is known whose it really is.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) group: String,
    pub(super) student: String,
    /// Further names by which a roster may know the student.
    pub(super) aliases: Vec<String>,
    pub(super) person: Person,
    pub(super) lab: HitLab,
    pub(super) attempt: Option<u32>,
    pub(super) submitted: Option<i64>,
    pub(super) place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HitLab {
    Known(String),
    /// A number that no chosen lab says it is.
    Number(u32),
    /// Nothing says which; the only one is meant.
    Only,
}

/// Tells which submissions are left out because nothing says which of several labs they are of.
pub(super) fn tell_of_no_lab(hits: &[Hit], query: &Query, lost: &mut Vec<String>) {
    let left = hits.iter().filter(|hit| hit.lab == HitLab::Only);
    for hit in left.filter(|_| query.labs.len() > 1) {
        lost.push(passed_over(
            query.lang,
            &crate::text::clean(&hit.place.to_string()),
            "no name says which lab it is",
            "по именам не видно, какое это задание",
        ));
    }
}

/// The numbers of tasks that names say and no lab that was named is.
pub(super) fn tasks(hits: &[Hit]) -> Vec<u32> {
    let mut numbers: Vec<u32> = hits
        .iter()
        .filter_map(|hit| match hit.lab {
            HitLab::Number(n) => Some(n),
            _ => None,
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn listed(numbers: &[u32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    numbers.join(", ")
}

pub(super) fn other_tasks(tasks: &[u32], query: &Query) -> String {
    let of = query.lang.pick("of", "—");
    let labs: Vec<String> = query
        .labs
        .iter()
        .map(|lab| format!("{} {of} {}", lab.id, listed(&lab.numbers)))
        .collect();
    let (tasks, labs) = (listed(tasks), labs.join(", "));
    query.lang.pick(
        format!("names are of the tasks {tasks}, but {labs}; write LAB=N for the number that the names have"),
        format!("имена — заданий {tasks}, а {labs}; напишите LAB=N с номером, который в именах"),
    )
}

/// Tells of the labs of which there is nothing. Where directories have numbers that are no lab's, and one
/// of those labs has no number, it may be that one.
pub(super) fn tell_of_labs_without_any(
    hits: &[Hit],
    tasks: &[u32],
    query: &Query,
    found: &mut Found,
) {
    let there = |id: &str| {
        let known = |hit: &Hit| matches!(&hit.lab, HitLab::Known(lab) if lab == id);
        hits.iter().any(known)
    };
    let labs = query.labs.iter().filter(|lab| !there(&lab.id));
    let without: Vec<&Candidate> = labs.collect();
    if without.is_empty() {
        return;
    }
    let names: Vec<&str> = without.iter().map(|lab| lab.id.as_str()).collect();
    let names = names.join(", ");
    let nothing = query.lang.pick(
        format!("nothing of {names} was found"),
        format!("ничего не найдено: {names}"),
    );
    let unnamed = without.iter().find(|lab| lab.numbers.is_empty());
    if let Some(lab) = unnamed.filter(|_| !tasks.is_empty()) {
        let (id, tasks) = (&lab.id, listed(tasks));
        found.lost.push(query.lang.pick(
            format!("{nothing}; there are directories of the tasks {tasks}: if they are of {id}, write {id}=N"),
            format!("{nothing}; есть каталоги заданий {tasks}: если это {id}, напишите {id}=N"),
        ));
    } else {
        found.notes.push(nothing);
    }
}

/// Gives each hit its lab. A lab without a number of its own takes the only number there is.
pub(super) fn with_labs(
    mut hits: Vec<Hit>,
    query: &Query,
    tasks: &[u32],
) -> Result<Vec<Hit>, FindError> {
    let only = match &query.labs[..] {
        [lab] => Some(lab),
        _ => None,
    };
    let takes = only.filter(|lab| {
        lab.numbers.is_empty() && !hits.iter().any(|h| matches!(h.lab, HitLab::Known(_)))
    });
    if let (Some(lab), [first, _, ..]) = (takes, tasks) {
        return Err(FindError::WhichNumber {
            lab: lab.id.clone(),
            numbers: listed(tasks),
            first: *first,
        });
    }
    hits.retain_mut(|hit| match (&hit.lab, takes, only) {
        (HitLab::Known(_), ..) => true,
        (HitLab::Number(_), Some(lab), _) | (HitLab::Only, _, Some(lab)) => {
            hit.lab = HitLab::Known(lab.id.clone());
            true
        }
        _ => false,
    });
    Ok(hits)
}
