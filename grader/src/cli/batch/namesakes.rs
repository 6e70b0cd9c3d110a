//! Namesakes of whom each is in a download of its own: by their accounts they are two students, and the
//! work of the second is no new work of the first.

use std::collections::{BTreeMap, BTreeSet};

use grader::batch::{Identity, Item, Person};
use grader::gradebook::export::moodle_participant_in;
use grader::gradebook::{Gradebook, Placed};
use grader::text::some_of;

use super::Batch;
use super::class::Class;
use crate::cli::failure::Failure;
use crate::cli::results;
use crate::cli::tell::tell;
use crate::cli::words::Words;

/// What became of those who are in the gradebook with another account.
#[derive(Debug, Default, PartialEq, Eq)]
struct Apart {
    /// By what names they are told apart now.
    named: BTreeSet<String>,
    /// Those taken for the same: the accounts of all are other ones, as in another assignment of Moodle's.
    same: BTreeSet<String>,
}

/// An account, and whether it is one of a single assignment.
pub(in crate::cli) type Account<'a> = (bool, &'a str);

/// Group and student.
type Who = (String, String);

impl Batch {
    /// Puts the number of the account behind the name of whom the gradebook has with another account, as
    /// where both are in one download.
    pub(super) fn tell_namesakes_apart(
        &self,
        class: &mut Class,
        gradebook: &Gradebook,
    ) -> Result<(), Failure> {
        let words = Words(self.lang.get());
        for lab in class.labs.keys() {
            let places = gradebook.places(lab);
            let placed = places.map_err(|error| results::failed(&self.gradebook, error))?;
            let found = apart(lab, &placed, &mut class.found.items, &class.accounts);
            if !found.named.is_empty() {
                let names = some_of(found.named.iter().map(String::as_str));
                tell!("{}", words.namesakes_apart(&names));
            }
            if !found.same.is_empty() {
                let names = some_of(found.same.iter().map(String::as_str));
                tell!("{}", words.other_accounts(found.same.len(), &names));
            }
        }
        Ok(())
    }
}

/// Whose account it is that handed in what was at `place`: that of the assignment, if the place names one, or else `lms`.
pub(in crate::cli) fn account<'a>(place: &'a str, lms: Option<&'a str>) -> Option<Account<'a>> {
    let of_assignment = moodle_participant_in(place).map(|number| (true, number));
    of_assignment.or_else(|| Some((false, lms?)))
}

/// Compares whom the gradebook has of a lab with whom was found; `sure` are the accounts that the roster
/// knows.
fn apart(lab: &str, placed: &[Placed], items: &mut [Item], sure: &BTreeSet<String>) -> Apart {
    let mut known: BTreeMap<Who, BTreeSet<Account<'_>>> = BTreeMap::new();
    for it in placed {
        if let Some(account) = account(&it.place, it.lms.as_deref()) {
            known.entry(who(&it.identity)).or_default().insert(account);
        }
    }
    let (mut others, mut of_assignment) = (Vec::new(), false);
    let (mut same, mut new) = (0, 0);
    for (at, item) in items.iter().enumerate() {
        let origin = item.origin();
        let account = account(&origin, item.person.lms.as_deref());
        let Some(account) = account.filter(|_| item.identity.lab == lab) else {
            continue;
        };
        if sure.contains(account.1) {
            continue;
        }
        // An account of one assignment says nothing of one of the system.
        let of = |who: &Who| {
            let accounts = known.get(who).into_iter().flatten();
            accounts.filter(|it| it.0 == account.0).collect::<Vec<_>>()
        };
        let (group, student) = who(&item.identity);
        let apart = format!("{student} {}", account.1);
        let apart_already = of(&(group.clone(), apart.clone())).contains(&&account);
        match &of(&(group, student))[..] {
            own if own.contains(&&account) => same += 1,
            _ if apart_already => others.push((at, apart, account.1.to_owned(), true)),
            [] => new += 1,
            _ => {
                of_assignment |= account.0;
                others.push((at, apart, account.1.to_owned(), false));
            }
        }
    }
    let conflicts = others.iter().filter(|(.., already)| !already).count();
    same += others.len() - conflicts;
    // Where nobody has the number that he had, and few are new, it is another assignment of Moodle's.
    let another = of_assignment && same == 0 && conflicts > new;
    let mut out = Apart::default();
    for (at, name, number, already) in others {
        let Some(item) = items.get_mut(at) else {
            continue;
        };
        if another && !already {
            out.same.insert(item.identity.student.clone());
            continue;
        }
        if !already {
            out.named.insert(name.clone());
        }
        item.identity.student = name;
        // What else is known by the name alone is the other one's, or nobody knows whose.
        item.person = Person {
            name: item.person.name.take(),
            lms: Some(number),
            ..Person::default()
        };
    }
    out
}

fn who(identity: &Identity) -> Who {
    (identity.group.clone(), identity.student.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use grader::batch::Place;

    fn identity(student: &str) -> Identity {
        Identity {
            group: String::new(),
            student: student.into(),
            lab: "us-upper".into(),
            attempt: 1,
        }
    }

    /// `Name_7`, in Moodle's download.
    fn moodle(name: &str) -> String {
        format!("a.zip/{name}_assignsubmission_file_")
    }

    fn placed(student: &str, place: String, lms: &str) -> Placed {
        Placed {
            identity: identity(student),
            place,
            lms: Some(lms.to_owned()),
        }
    }

    fn item(student: &str, place: String, lms: &str) -> Item {
        Item {
            identity: identity(student),
            person: Person {
                lms: Some(lms.to_owned()),
                email: Some("a@x".to_owned()),
                ..Person::default()
            },
            submitted: None,
            place: Place::Directory("x".into()),
            origin: Some(place),
        }
    }

    fn names(items: &[Item]) -> Vec<&str> {
        let names = items.iter().map(|item| item.identity.student.as_str());
        names.collect()
    }

    #[test]
    fn namesakes_in_downloads_of_their_own_are_two() {
        let none = BTreeSet::new();
        let before = [
            placed("Ivan", moodle("Ivan_7"), "7"),
            placed("Zoe", moodle("Zoe_8"), "8"),
        ];
        let mut items = [
            item("Ivan", moodle("Ivan_9"), "9"),
            item("Anna", moodle("Anna_10"), "10"),
        ];
        let found = apart("us-upper", &before, &mut items, &none);
        assert_eq!(names(&items), ["Ivan 9", "Anna"]);
        assert_eq!((found.named.len(), found.same.len()), (1, 0));
        assert_eq!(items[0].person.email, None, "it may be the other one's");
        // The next time it is known, and whoever is alone keeps the name.
        let after = [&before[..], &[placed("Ivan 9", moodle("Ivan_9"), "9")]].concat();
        let mut items = [item("Ivan", moodle("Ivan_9"), "9")];
        let found = apart("us-upper", &after, &mut items, &none);
        assert_eq!((names(&items), found), (vec!["Ivan 9"], Apart::default()));
        let mut items = [item("Ivan", moodle("Ivan_7"), "7")];
        apart("us-upper", &after, &mut items, &none);
        assert_eq!(names(&items), ["Ivan"]);
        // The roster knows better.
        let mut items = [item("Ivan", moodle("Ivan_11"), "11")];
        let sure = BTreeSet::from(["11".to_owned()]);
        apart("us-upper", &after, &mut items, &sure);
        assert_eq!(names(&items), ["Ivan"]);
    }

    #[test]
    fn another_assignment_has_other_numbers_for_everybody() {
        let none = BTreeSet::new();
        let before = [
            placed("Ivan", moodle("Ivan_7"), "7"),
            placed("Zoe", moodle("Zoe_8"), "8"),
        ];
        let both = || {
            [
                item("Ivan", moodle("Ivan_70"), "70"),
                item("Zoe", moodle("Zoe_80"), "80"),
            ]
        };
        let mut items = both();
        let found = apart("us-upper", &before, &mut items, &none);
        assert_eq!(names(&items), ["Ivan", "Zoe"]);
        assert_eq!((found.named.len(), found.same.len()), (0, 2));
        // Canvas has one number for each, everywhere.
        let before = [
            placed("Ivan", "b/ivan_7_1_a.c".into(), "7"),
            placed("Zoe", "lab30/zoe".into(), "8"),
        ];
        let mut items = [item("Ivan", "c/ivan_9_2_a.c".into(), "9")];
        apart("us-upper", &before, &mut items, &none);
        assert_eq!(names(&items), ["Ivan 9"]);
        // Of another system's numbers nothing follows.
        let mut items = both();
        let found = apart("us-upper", &before, &mut items, &none);
        assert_eq!(
            (names(&items), found),
            (vec!["Ivan", "Zoe"], Apart::default())
        );
    }
}
