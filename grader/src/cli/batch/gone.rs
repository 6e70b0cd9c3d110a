//! Students of the gradebook whom a batch did not find again: under another name, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use grader::batch::{Identity, Item, qualified};
use grader::gradebook::{Gradebook, Placed};
use grader::text::some_of;

use super::Batch;
use super::class::Class;
use super::namesakes::account;
use crate::cli::failure::Failure;
use crate::cli::results;
use crate::cli::tell::tell;
use crate::cli::words::Words;

/// Who is in the gradebook and was not found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Gone {
    /// Those whose work, or whose account, is somebody else's by now, and whose: a roster was given, or
    /// another layout, or the system has another name for them.
    renamed: BTreeMap<String, String>,
    /// Those of whom nothing is left where their work was, and attempts of others.
    lost: BTreeSet<String>,
}

impl Batch {
    /// The gradebook keeps everybody it ever had: who got another name is in it twice, and what was
    /// set by hand stays with the first.
    pub(super) fn say_gone(&self, class: &Class, gradebook: &Gradebook) -> Result<(), Failure> {
        let mut placed = Vec::new();
        for lab in class.labs.keys() {
            let places = gradebook.places(lab);
            placed.extend(places.map_err(|error| results::failed(&self.gradebook, error))?);
        }
        let source = self.what.last().map(|source| source.display().to_string());
        // Who asks for a part of the class knows that the others are elsewhere.
        let whole = self.only.is_empty() && self.shard.is_none();
        let words = Words(self.lang.get());
        let gone = gone(
            &placed,
            &class.found.items,
            source.as_deref().filter(|_| whole),
            words,
        );
        if !gone.renamed.is_empty() {
            let is = words.pick("is", "—");
            let pairs = gone.renamed.iter();
            let pairs: Vec<String> = pairs
                .map(|(old, new)| format!("{old} {is} {new}"))
                .collect();
            let shown = some_of(pairs.iter().map(String::as_str));
            let text = words.renamed(pairs.len(), &shown);
            tell!("{text}");
        }
        if !gone.lost.is_empty() {
            let names = gone.lost.iter().map(String::as_str);
            let text = words.not_found_again(&some_of(names));
            tell!("{text}");
        }
        Ok(())
    }
}

/// Compares what the gradebook has, with the places where it was found, with what was found now in
/// `source`, if that is all there is.
fn gone(placed: &[Placed], items: &[Item], source: Option<&str>, words: Words) -> Gone {
    let whose = |identity: &Identity| (identity.group.clone(), identity.student.clone());
    let here: BTreeSet<_> = items.iter().map(|item| whose(&item.identity)).collect();
    let now: BTreeMap<String, &Identity> = items
        .iter()
        .map(|item| (item.origin(), &item.identity))
        .collect();
    let accounts: BTreeMap<(&str, &str), &Identity> = items
        .iter()
        .filter_map(|item| {
            let account = item.person.lms.as_deref()?;
            Some(((item.identity.lab.as_str(), account), &item.identity))
        })
        .collect();
    let mut out = Gone::default();
    for Placed {
        identity,
        place,
        lms,
    } in placed
    {
        let name = name(identity);
        let owner = now.get(place).filter(|owner| owner.lab == identity.lab);
        if here.contains(&whose(identity)) {
            // An attempt that was taken back counts still.
            let gone = owner.is_none() && !items.iter().any(|item| item.identity == *identity);
            if gone && source.is_some_and(|source| is_in(place, source)) {
                let Identity { lab, attempt, .. } = identity;
                let word = words.pick("attempt", "попытка");
                out.lost.insert(format!("{name} {lab} {word} {attempt}"));
            }
        } else if let Some(owner) = owner.or_else(|| {
            // An assignment of Moodle's has numbers of its own: that of its download is better.
            let (_, account) = account(place, lms.as_deref())?;
            accounts.get(&(identity.lab.as_str(), account))
        }) {
            out.renamed.insert(name, self::name(owner));
        } else if source.is_some_and(|source| is_in(place, source)) {
            out.lost.insert(name);
        }
    }
    out.lost.retain(|name| !out.renamed.contains_key(name));
    out
}

/// Whether a place is in this source: a directory, a download or a repository.
fn is_in(place: &str, source: &str) -> bool {
    let source = source.trim_end_matches('/');
    place
        .strip_prefix(source)
        .is_some_and(|rest| rest.starts_with(['/', '@']))
}

fn name(identity: &Identity) -> String {
    qualified(&identity.group, &identity.student)
}

#[cfg(test)]
mod tests {
    use super::*;
    use grader::batch::{Person, Place};
    use grader::lab::Lang;

    fn identity(group: &str, student: &str) -> Identity {
        Identity {
            group: group.into(),
            student: student.into(),
            lab: "us-upper".into(),
            attempt: 1,
        }
    }

    fn item(group: &str, student: &str, at: &str) -> Item {
        Item {
            identity: identity(group, student),
            person: Person::default(),
            submitted: None,
            place: Place::Directory(at.into()),
            origin: None,
        }
    }

    #[test]
    fn who_has_another_name_now_and_who_is_not_there_are_told_apart() {
        let placed = |group, student, place: &str| Placed {
            identity: identity(group, student),
            place: place.to_owned(),
            lms: None,
        };
        let mut second = placed("", "vera", "class/vera/lab30_2");
        second.identity.attempt = 2;
        let placed = [
            placed("", "anna", "class/anna/lab30"),
            placed("", "boris", "class/boris/lab30"),
            placed("", "vera", "class/vera/lab30"),
            placed("", "elsewhere", "class2/x/lab30"),
            placed("", "branch", "class@sub/branch (1a2b)"),
            second,
        ];
        let items = [
            item("21214", "anna", "class/anna/lab30"),
            // At another place, but there.
            item("", "vera", "class/new/vera/lab30"),
        ];
        let found = gone(&placed, &items, Some("class/"), Words(Lang::En));
        let renamed = [("anna".to_owned(), "21214/anna".to_owned())];
        assert_eq!(found.renamed, BTreeMap::from(renamed.clone()));
        let lost = ["boris", "branch", "vera us-upper attempt 2"].map(str::to_owned);
        assert_eq!(found.lost, BTreeSet::from(lost));
        // A part of the class says nothing of the others.
        let found = gone(&placed, &items, None, Words(Lang::En));
        assert_eq!(found.renamed, BTreeMap::from(renamed));
        assert!(found.lost.is_empty());
    }

    #[test]
    fn an_account_that_has_another_name_is_the_same_student() {
        let placed = |student: &str, place: &str, lms: &str| Placed {
            identity: identity("", student),
            place: place.to_owned(),
            lms: Some(lms.to_owned()),
        };
        // The number that Moodle has in the last assignment that was graded says nothing of this one.
        let placed = [
            placed("Vera", "1.zip/Vera_7_assignsubmission_file_", "8"),
            placed("Zoe", "1.zip/Zoe_9_assignsubmission_file_", "9"),
            placed("smith", "1.zip/smith_12_34_a.c", "12"),
        ];
        let items = ["Vera Smith=7", "Zoe 9=9", "Anna=8", "jones=12"].map(|it| {
            let (name, account) = it.split_once('=').unwrap();
            let mut item = item("", name, "2.zip/x");
            item.person.lms = Some(account.to_owned());
            item
        });
        let found = gone(&placed, &items, Some("2.zip"), Words(Lang::En));
        let renamed = [("Vera", "Vera Smith"), ("Zoe", "Zoe 9"), ("smith", "jones")];
        let renamed = renamed.map(|(old, new)| (old.to_owned(), new.to_owned()));
        assert_eq!(found.renamed, BTreeMap::from(renamed));
    }
}
