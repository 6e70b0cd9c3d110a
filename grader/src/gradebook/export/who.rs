//! Whose row of somebody else's file is whose.

use std::collections::{BTreeSet, HashMap};

use super::{Grade, Grades};

/// What a number or an address in a file is. The same number may be one student's university number
/// and another's number in Canvas, so kinds are never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Id {
    /// The system's own number: Canvas's `ID`, Moodle's participant.
    Lms,
    /// The university's: Canvas's `SIS User ID`, Moodle's `ID number`.
    Number,
    /// Canvas's `SIS Login ID`, Moodle's user name.
    Login,
    /// An e-mail address.
    Email,
}

/// What a row calls its student.
#[derive(Clone, Debug, Default)]
pub(super) struct Called<'f> {
    /// The better ones first.
    pub(super) ids: Vec<(Id, &'f str)>,
    pub(super) name: String,
}

/// A student's place in the grades, or nothing where the name is that of several.
type Place = Option<usize>;

/// The students by whatever a file may call them.
pub(super) struct Students<'g> {
    rows: &'g [Grade],
    ids: HashMap<(Id, String), Place>,
    /// What the directories are called: often the login or the university's number.
    directories: HashMap<String, Place>,
    names: HashMap<String, Place>,
}

impl<'g> Students<'g> {
    /// `lms` gives the number that the system has for a student.
    pub(super) fn new(grades: &'g Grades, lms: &dyn Fn(&Grade) -> Option<String>) -> Self {
        let mut out = Self {
            rows: &grades.rows,
            ids: HashMap::new(),
            directories: HashMap::new(),
            names: HashMap::new(),
        };
        for (place, row) in grades.rows.iter().enumerate() {
            let student = &row.standing.student;
            let person = &student.person;
            let known = [
                (Id::Lms, lms(row)),
                (Id::Number, person.number.clone()),
                (Id::Login, person.login.clone()),
                (Id::Email, person.email.clone()),
            ];
            for (kind, id) in known {
                if let Some(id) = id.map(|id| plain(&id)).filter(|id| !id.is_empty()) {
                    add(&mut out.ids, (kind, id), place);
                }
            }
            add(&mut out.directories, plain(&student.name), place);
            for name in [student.full_name(), &student.name] {
                for name in ways(name) {
                    add(&mut out.names, name, place);
                }
            }
        }
        out
    }

    /// The student of each row: by an identifier, or else by a name that no other row has and that no
    /// identifier denies.
    pub(super) fn of_rows(&self, rows: &[Called<'_>]) -> Vec<Place> {
        let mut out: Vec<Place> = rows.iter().map(|row| self.by_id(row)).collect();
        let mut claims: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            if out.get(at).is_some_and(Option::is_none)
                && let Some(place) = self.by_name(row)
            {
                claims.entry(place).or_default().push(at);
            }
        }
        for (place, by) in claims {
            if let [at] = by[..]
                && !out.contains(&Some(place))
                && let Some(row) = out.get_mut(at)
            {
                *row = Some(place);
            }
        }
        out
    }

    /// The names of rows without a student that several students bear, or several rows.
    pub(super) fn several(&self, rows: &[Called<'_>], places: &[Place]) -> BTreeSet<String> {
        let without = rows.iter().zip(places).filter(|(_, place)| place.is_none());
        let several = without.filter(|(row, _)| match self.by_name(row) {
            // Who is found by a number elsewhere in the file is somebody else.
            Some(place) => !places.contains(&Some(place)),
            None => {
                let known = ways(&row.name);
                let mut known = known.iter().filter_map(|name| self.names.get(name));
                known.any(Option::is_none)
            }
        });
        several.map(|(row, _)| row.name.clone()).collect()
    }

    fn by_id(&self, row: &Called<'_>) -> Place {
        let known = |(kind, id): &(Id, &str)| {
            let id = plain(id);
            if id.is_empty() {
                return None;
            }
            let one = |kind: Id| self.ids.get(&(kind, id.clone())).copied();
            match kind {
                Id::Lms => one(Id::Lms),
                Id::Number => one(Id::Number).or_else(|| self.directories.get(&id).copied()),
                // Many universities log in with the e-mail address.
                Id::Login => one(Id::Login)
                    .or_else(|| one(Id::Email))
                    .or_else(|| self.directories.get(&id).copied()),
                Id::Email => one(Id::Email).or_else(|| one(Id::Login)),
            }?
        };
        row.ids.iter().find_map(known)
    }

    fn by_name(&self, row: &Called<'_>) -> Place {
        if simple(&row.name).is_empty() {
            return None;
        }
        let place = ways(&row.name)
            .iter()
            .find_map(|name| *self.names.get(name)?)?;
        let person = &self.rows.get(place)?.standing.student.person;
        let denied = row.ids.iter().any(|(kind, id)| {
            let own = person.number.as_deref().filter(|_| *kind == Id::Number);
            own.is_some_and(|own| !id.trim().is_empty() && plain(own) != plain(id))
        });
        (!denied).then_some(place)
    }
}

/// A name of several is nobody's.
fn add<K: Eq + std::hash::Hash>(map: &mut HashMap<K, Place>, key: K, place: usize) {
    map.entry(key)
        .and_modify(|other| *other = other.filter(|other| *other == place))
        .or_insert(Some(place));
}

fn plain(id: &str) -> String {
    id.trim().to_lowercase()
}

/// `Ivanov, Ivan` as `ivanov ivan`.
fn simple(name: &str) -> String {
    let parts: Vec<String> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(str::to_lowercase)
        .collect();
    parts.join(" ")
}

/// A name as it is, in any order of its parts, and with `е` for `ё`, as it is written as often.
fn ways(name: &str) -> [String; 3] {
    let parts = in_any_order(name);
    let loose = format!("without dots: {}", parts.replace('ё', "е"));
    [simple(name), parts, loose]
}

/// The same in whichever order the parts are written.
fn in_any_order(name: &str) -> String {
    let simple = simple(name);
    let mut parts: Vec<&str> = simple.split(' ').collect();
    parts.sort_unstable();
    format!("any order: {}", parts.join(" "))
}
