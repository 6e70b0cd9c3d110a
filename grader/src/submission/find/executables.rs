//! Which of the executables that a build has made are which role.

use super::super::error::SubmissionError;
use super::super::{source, words};
use super::names::{base, stem};
use super::role::{Rank, Role, assign, left, wanting};
use crate::lab::Program;

/// Assigns executables that a build left behind to roles: by name, and where names do not tell, by
/// what they import.
///
/// # Errors
/// Several executables could be the same program.
pub(in crate::submission) fn executables<'a>(
    made: &[(&'a str, &[u8])],
    programs: &[&Program],
) -> Result<Vec<(String, &'a str)>, SubmissionError> {
    let roles: Vec<Role<'_>> = programs.iter().map(|p| Role::new(p)).collect();
    let refs: Vec<&Role<'_>> = roles.iter().collect();
    let items: Vec<&'a str> = made.iter().map(|(path, _)| *path).collect();
    let mut found: Vec<(&Role<'_>, &'a str)> = Vec::new();
    let imports = |path: &str, name: &str| {
        let content = made.iter().find(|(item, _)| *item == path);
        content.is_some_and(|(_, bytes)| source::imports(bytes, name))
    };
    let stages: [&Rank<'_>; 3] = [
        &|role, path| role.rank_executable(base(path)),
        &|role, path| match role.name() {
            "server" => imports(path, "listen").then_some(0),
            "client" => (imports(path, "connect") && !imports(path, "listen")).then_some(0),
            _ => None,
        },
        &|role, path| words::rank(role.name(), stem(path)),
    ];
    for rank in stages {
        let wanting = wanting(&refs, &found);
        let left = left(&items, &found);
        let (more, ambiguous) = assign(&wanting, &left, rank);
        if let Some((role, candidates)) = ambiguous {
            return Err(SubmissionError::Ambiguous {
                program: role.name().to_owned(),
                key: "make",
                candidates,
            });
        }
        found.extend(more);
    }
    // One program wanted and one left over: that is it, whatever its name.
    if let ([role], [item]) = (
        wanting(&refs, &found).as_slice(),
        left(&items, &found).as_slice(),
    ) {
        found.push((role, item));
    }
    Ok(found
        .into_iter()
        .map(|(role, path)| (role.name().to_owned(), path))
        .collect())
}
