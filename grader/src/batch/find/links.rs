//! Links from one student's directory to another's: who links to a work has not handed it in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::Query;
use super::hit::Hit;
use super::search::passed_over;
use super::settle::{by_name, chosen};
use crate::batch::item::qualified;
use crate::batch::place::Place;
use crate::text::clean;

/// Group and student.
type Who = (String, String);

/// By the roster, where it knows: one student may be there under two names.
fn who(hit: &Hit, query: &Query) -> Who {
    let roster = query.roster.as_ref();
    match roster.and_then(|roster| by_name(hit, roster)) {
        Some(row) => (row.group.clone(), row.student.clone()),
        None => (hit.group.clone(), hit.student.clone()),
    }
}

fn path(hit: &Hit) -> Option<&Path> {
    match &hit.place {
        Place::Directory(path) | Place::Archive(path) => Some(path),
        Place::Files(_) | Place::Git { .. } => None,
    }
}

/// A directory in which only one student's work is: where it really is, and through how many links
/// it was reached.
struct Own<'a> {
    who: &'a Who,
    real: PathBuf,
    links: usize,
}

/// Leaves out what was reached through a link into the directory of somebody else. Where two came
/// to one place, it is his who has come there through fewer links: links that an instructor has put
/// a class together with are one for each, and a student's is one more.
pub(super) fn leave_out(
    hits: Vec<Hit>,
    links: &BTreeSet<PathBuf>,
    root: &Path,
    query: &Query,
    lost: &mut Vec<String>,
) -> Vec<Hit> {
    if links.is_empty() {
        return hits;
    }
    let through = |path: &Path| path.ancestors().filter(|dir| links.contains(*dir)).count();
    let authors: Vec<Who> = hits.iter().map(|hit| who(hit, query)).collect();
    let whose = whose(&hits, &authors, root);
    let mut own: HashMap<&Path, Own<'_>> = HashMap::new();
    for hit in &hits {
        let dirs = path(hit).into_iter().flat_map(Path::ancestors);
        let alone = dirs.map_while(|dir| Some((dir, (*whose.get(dir)?)?)));
        // The uppermost one.
        if let Some((dir, who)) = alone.last()
            && let Ok(real) = dir.canonicalize()
        {
            let links = through(dir);
            own.entry(dir).or_insert(Own { who, real, links });
        }
    }
    let mut by_place: BTreeMap<&Path, Vec<&Own<'_>>> = BTreeMap::new();
    for own in own.values() {
        by_place.entry(&own.real).or_default().push(own);
    }
    let (mut kept, mut left) = (Vec::new(), BTreeMap::new());
    for (hit, author) in hits.iter().zip(&authors) {
        let taken = path(hit).and_then(|path| {
            let count = through(path);
            let real = path.canonicalize().ok().filter(|_| count > 0)?;
            // What is above it or it itself, or is in it.
            let above = real.ancestors().filter_map(|dir| by_place.get(dir));
            let inside = by_place.range(real.as_path()..);
            let inside = inside.take_while(|(dir, _)| dir.starts_with(&real));
            let mut all = above.chain(inside.map(|(_, own)| own)).flatten();
            let whose = all.find(|own| own.links < count && own.who != author)?;
            let link = path.ancestors().find(|dir| links.contains(*dir))?;
            Some((link.to_owned(), whose.who.clone()))
        });
        kept.push(taken.is_none());
        left.extend(taken.filter(|_| chosen(query, &author.0, &author.1)));
    }
    for (link, (group, student)) in left {
        let shown = link.strip_prefix(root).unwrap_or(&link);
        let (shown, whose) = (shown.display().to_string(), qualified(&group, &student));
        let (shown, whose) = (clean(&shown), clean(&whose));
        lost.push(passed_over(
            query.lang,
            &shown,
            &format!(
                "a link into the work of {whose}; what others have handed in counts for them alone"
            ),
            &format!("ссылка ведёт в работу {whose}; сданное другими засчитывается только им"),
        ));
    }
    let mut kept = kept.into_iter();
    let mut hits = hits;
    hits.retain(|_| kept.next().unwrap_or(true));
    hits
}

/// Whose the work in and below each directory below `root` is; `None`: that of several.
fn whose<'h>(
    hits: &'h [Hit],
    authors: &'h [Who],
    root: &Path,
) -> HashMap<&'h Path, Option<&'h Who>> {
    let mut out: HashMap<&Path, Option<&Who>> = HashMap::new();
    for (hit, who) in hits.iter().zip(authors) {
        let dirs = path(hit).into_iter().flat_map(Path::ancestors);
        for dir in dirs.take_while(|dir| *dir != root) {
            let known = out.entry(dir).or_insert(Some(who));
            if *known != Some(who) {
                *known = None;
            }
        }
    }
    out
}
