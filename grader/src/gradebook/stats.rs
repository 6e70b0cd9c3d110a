//! The class as a whole: what fails most, who made the same mistake, what is not stable.

use rusqlite::params;

use super::{Gradebook, GradebookError};

/// Statistics of a lab.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Submissions with all points, with some, with none, not gradable, not graded by our fault.
    pub counts: [usize; 5],
    /// The middle of the graded ones' points.
    pub median: Option<f64>,
    /// The requirements, the one that fails most first; behind them those that are worth nothing.
    pub requirements: Vec<RequirementStats>,
    /// Students without full marks whose transcripts are wrong in the same way in every scenario.
    pub same_mistakes: Vec<Group>,
    /// Students who handed in the same files.
    pub same_files: Vec<Group>,
    /// Requirements that were met only sometimes: `group/student s-next`.
    pub unstable: Vec<String>,
    /// Which took longest: `group/student`, seconds.
    pub slowest: Vec<(String, f64)>,
    /// What was not graded, with the reason.
    pub to_look_at: Vec<(String, String)>,
}

/// How a requirement fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequirementStats {
    /// Its id.
    pub name: String,
    /// Met by so many.
    pub met: u32,
    /// Failed by so many.
    pub failed: u32,
    /// Neither: something it needs failed first.
    pub not_reached: u32,
    /// It is worth nothing: only reported.
    pub reported: bool,
}

/// Students with something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// `group/student`, sorted.
    pub students: Vec<String>,
    /// The scenarios in which they differ from the reference; empty for equal files.
    pub scenarios: Vec<String>,
}

const JOINED: &str = "
    FROM run JOIN submission ON submission.id = run.submission
    JOIN student ON student.id = submission.student";
/// The results that count, one for each student: their numbers as a list in JSON.
const COUNTING: &str = "WHERE run.id IN (SELECT value FROM json_each(?1))";

const WHO: &str =
    "CASE student.class WHEN '' THEN student.name ELSE student.class || '/' || student.name END";

impl Gradebook {
    /// Statistics of the results that count, of each student the attempt that `results show` shows.
    ///
    /// # Errors
    /// There is no such lab, or the gradebook cannot be read.
    pub fn stats(&self, lab: &str) -> Result<Stats, GradebookError> {
        let standings = self.standings(Some(lab))?;
        let counting = standings
            .iter()
            .filter_map(|s| Some(s.attempt.as_ref()?.run));
        let runs: Vec<String> = counting.map(|run| run.to_string()).collect();
        let runs = format!("[{}]", runs.join(","));
        let mut out = Stats::default();
        let mut points: Vec<u32> = Vec::new();
        let mut query = self.connection.prepare(&format!(
            "SELECT {WHO}, run.status, run.points, run.possible, run.message, run.seconds {JOINED} {COUNTING}
             ORDER BY 1"
        ))?;
        let mut rows = query.query([&runs])?;
        while let Some(row) = rows.next()? {
            let (who, status): (String, String) = (row.get(0)?, row.get(1)?);
            let (earned, possible): (u32, u32) = (row.get(2)?, row.get(3)?);
            let place = match status.as_str() {
                "graded" if earned >= possible => 0,
                "graded" if earned > 0 => 1,
                "graded" => 2,
                "ungradable" => 3,
                _ => 4,
            };
            if let Some(count) = out.counts.get_mut(place) {
                *count += 1;
            }
            if status == "graded" {
                points.push(earned);
                out.slowest.push((who, row.get(5)?));
            } else {
                let why: Option<String> = row.get(4)?;
                out.to_look_at.push((who, why.unwrap_or_default()));
            }
        }
        out.slowest.sort_by(|a, b| b.1.total_cmp(&a.1));
        out.slowest.truncate(3);
        out.median = median(&mut points);
        out.requirements = self.requirement_stats(&runs)?;
        out.same_mistakes = self.same_mistakes(&runs)?;
        out.same_files = self.groups(&runs, "run.sources", "run.status = 'graded'")?;
        let mut query = self.connection.prepare(&format!(
            "SELECT {WHO} || ' ' || verdict.requirement {JOINED}
             JOIN verdict ON verdict.run = run.id AND verdict.outcome = 'unstable' {COUNTING}
             ORDER BY 1"
        ))?;
        out.unstable = query
            .query_map([runs], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(out)
    }

    fn requirement_stats(&self, runs: &str) -> Result<Vec<RequirementStats>, GradebookError> {
        let sql = format!(
            "SELECT verdict.requirement, sum(verdict.outcome = 'pass'),
                    sum(verdict.outcome IN ('fail', 'unstable')),
                    sum(verdict.outcome = 'not-reached'), max(verdict.possible) = 0 {JOINED}
             JOIN verdict ON verdict.run = run.id {COUNTING} AND run.status = 'graded'
             GROUP BY verdict.requirement ORDER BY 5, 3 DESC, 4 DESC, 1"
        );
        let mut query = self.connection.prepare(&sql)?;
        let rows = query.query_map([runs], |row| {
            Ok(RequirementStats {
                name: row.get(0)?,
                met: row.get(1)?,
                failed: row.get(2)?,
                not_reached: row.get(3)?,
                reported: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn same_mistakes(&self, runs: &str) -> Result<Vec<Group>, GradebookError> {
        let mut groups = self.groups(
            runs,
            "run.wrong",
            // What is wrong and costs nothing most have in common.
            "run.wrong IS NOT NULL AND run.status = 'graded' AND run.points < run.possible",
        )?;
        for group in &mut groups {
            let Some(first) = group.students.first() else {
                continue;
            };
            let mut query = self.connection.prepare_cached(&format!(
                "SELECT DISTINCT scenario.name FROM scenario WHERE scenario.transcript IS NOT NULL
                 AND scenario.run IN (SELECT run.id {JOINED} {COUNTING} AND {WHO} = ?2) ORDER BY 1"
            ))?;
            group.scenarios = query
                .query_map(params![runs, first], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
        }
        Ok(groups)
    }

    /// Groups of at least two students that have `what` in common, the largest first.
    fn groups(
        &self,
        runs: &str,
        what: &str,
        condition: &str,
    ) -> Result<Vec<Group>, GradebookError> {
        let mut query = self.connection.prepare(&format!(
            "SELECT {what}, {WHO} {JOINED} {COUNTING} AND {condition} ORDER BY 1, 2"
        ))?;
        let mut rows = query.query([runs])?;
        let mut out: Vec<(String, Group)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (key, who): (String, String) = (row.get(0)?, row.get(1)?);
            match out.last_mut() {
                Some((last, group)) if *last == key => group.students.push(who),
                _ => {
                    let group = Group {
                        students: vec![who],
                        scenarios: Vec::new(),
                    };
                    out.push((key, group));
                }
            }
        }
        let mut groups: Vec<Group> = out
            .into_iter()
            .map(|(_, group)| group)
            .filter(|group| group.students.len() > 1)
            .collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.students.len()));
        Ok(groups)
    }
}

fn median(points: &mut [u32]) -> Option<f64> {
    points.sort_unstable();
    let middle = points.len() / 2;
    let upper = f64::from(*points.get(middle)?);
    if points.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = f64::from(*points.get(middle.checked_sub(1)?)?);
    Some(f64::midpoint(lower, upper))
}
