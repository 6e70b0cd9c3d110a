//! `grader results export`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use grader::charset::Charset;
use grader::gradebook::Gradebook;
use grader::gradebook::export::{self, Detail, ExportError, Filled, Grade, Grades, file_name};
use grader::text::{clean, some_of};

use super::Failed;
use super::pages::{Pages, put};
use crate::cli::failure::Failure;
use crate::cli::lang::{both, lang};
use crate::cli::options::LangOption;
use crate::cli::tell::tell;
use crate::cli::words::Words;

/// Write the grades as a learning management system reads them
#[derive(Args)]
pub(super) struct Export {
    /// For whom
    #[arg(value_enum)]
    format: Format,
    /// The lab
    lab: String,
    /// The file that the system gave, to be filled in: Canvas's gradebook, Moodle's worksheet
    #[arg(long, value_name = "FILE")]
    fill: Option<PathBuf>,
    /// The assignment's title in that file, or its number [default: the lab]
    #[arg(long, value_name = "TITLE")]
    assignment: Option<String>,
    /// The file to write; for one file a student the directory, or an archive that ends with .zip [default: standard output]
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) lang: LangOption,
}

/// Who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Canvas: the gradebook it exported (--fill), with one column filled
    Canvas,
    /// Moodle: for the import of grades; with --fill the offline worksheet
    Moodle,
    /// Moodle: feedback files, uploaded in bulk as a zip archive
    MoodleFeedback,
    /// Canvas: feedback files, uploaded in bulk as submissions in a zip archive
    CanvasFeedback,
    /// Gradescope: a results.json for each student
    Gradescope,
    /// nbgrader's long CSV
    Nbgrader,
    /// CSV: a row a student, a column a requirement
    Csv,
    /// JSON with everything
    Json,
    /// A page for each student, for a browser
    Html,
    /// A page for each student, in Markdown
    Markdown,
    /// The report of `grader check` for each student, as text
    Text,
}

impl Export {
    pub(super) fn run(&self, gradebook: &Gradebook, failed: Failed<'_>) -> Result<(), Failure> {
        self.fits_the_format()?;
        // One document holds everything; whatever is a file for each student reads one at a time.
        let detail = match self.format {
            Format::Json => Detail::Whole,
            _ => Detail::Line,
        };
        let grades = Grades::read(gradebook, &self.lab, detail, self.lang.get()).map_err(failed)?;
        let book = Book {
            gradebook,
            grades: &grades,
            failed,
        };
        let wrong = |error: ExportError| match error {
            ExportError::Gradebook(error) => failed(error),
            ExportError::Template(why) => match &self.fill {
                Some(path) => {
                    Failure::usage(format!("{}: {}", path.display(), why.in_lang(lang())))
                }
                None => Failure::usage(why.told(lang())),
            },
            error => Failure::fault(error.to_string()),
        };
        let words = self.words();
        // What is said of students whom the file to be filled in does not have.
        let not_there = words.pick(
            "of the gradebook cannot be found there",
            "из ведомости там не найдены",
        );
        match self.format {
            Format::Canvas => {
                let template = self.template()?.ok_or_else(|| {
                    Failure::usage(both(
                        "Canvas takes the file that it exported, with a column filled in",
                        "Canvas принимает файл, который сам выгрузил, с заполненным столбцом",
                    ))
                    .hint(both(
                        "Grades, Export in Canvas; then --fill FILE --assignment TITLE",
                        "в Canvas: Grades, Export; затем --fill FILE --assignment TITLE",
                    ))
                })?;
                let assignment = self.assignment.as_deref().unwrap_or(&self.lab);
                let filled = export::canvas(&grades, &template, assignment).map_err(wrong)?;
                self.filled(&filled, grades.lab.points, not_there)
            }
            Format::Moodle => match self.template()? {
                Some(template) => {
                    let filled = export::moodle_worksheet(&grades, &template).map_err(wrong)?;
                    self.filled(&filled, grades.lab.points, not_there)
                }
                None => {
                    let filled = export::moodle(&grades).map_err(wrong)?;
                    self.filled(
                        &filled,
                        grades.lab.points,
                        words.pick(
                            "have neither an e-mail address nor an ID number (give a roster)",
                            "без адреса почты и номера (задайте их в --roster)",
                        ),
                    )
                }
            },
            Format::Nbgrader => self.write(export::nbgrader(&grades).map_err(wrong)?),
            Format::Csv => self.write(export::csv(&grades).map_err(wrong)?),
            Format::Json => self.write(export::json(&grades)),
            Format::Html => self.files(&book, &|name| format!("{name}.html"), &|grade| {
                Some(export::html(&grades, grade))
            }),
            Format::Markdown => self.files(&book, &|name| format!("{name}.md"), &|grade| {
                Some(export::markdown(&grades, grade))
            }),
            Format::Text => self.files(&book, &|name| format!("{name}.txt"), &text),
            Format::Gradescope => {
                self.files(&book, &|name| format!("{name}/results.json"), &|grade| {
                    grade.standing.attempt.as_ref()?;
                    let value = export::gradescope(grade, grades.lang);
                    Some(format!("{}\n", serde_json::to_string_pretty(&value).ok()?))
                })
            }
            Format::MoodleFeedback => self.feedback(
                &book,
                &export::moodle_participant,
                &|grade, id| {
                    Some(format!(
                        "{}_{}_assignsubmission_file_/feedback.html",
                        // Moodle finds the number behind the first underscore.
                        file_name(grade.standing.student.full_name()).replace('_', " "),
                        file_name(id)
                    ))
                },
                words.pick(
                    "have no number of Moodle's (grade its download, or give it in the roster)",
                    "без номера Moodle (проверяйте её архив или задайте номер в --roster)",
                ),
            ),
            Format::CanvasFeedback => self.feedback(
                &book,
                &|grade| grade.standing.student.person.lms.clone(),
                &|grade, id| {
                    let place = &grade.standing.attempt.as_ref()?.place;
                    export::canvas_feedback_name(place, id)
                },
                words.pick(
                    "have no file of Canvas's (grade its download)",
                    "без файла Canvas (проверяйте её архив)",
                ),
            ),
        }
    }

    /// An option that would do nothing is a mistake: somebody expects a file to be filled.
    fn fits_the_format(&self) -> Result<(), Failure> {
        let fills = matches!(self.format, Format::Canvas | Format::Moodle);
        if self.fill.is_some() && !fills {
            return Err(Failure::usage(both(
                "--fill is for the formats canvas and moodle",
                "--fill — для форматов canvas и moodle",
            ))
            .hint(both(
                "leave it out, or write `grader results export canvas LAB --fill FILE`",
                "уберите его или напишите `grader results export canvas LAB --fill FILE`",
            )));
        }
        if self.assignment.is_some() && self.format != Format::Canvas {
            return Err(Failure::usage(both(
                "--assignment is for the format canvas",
                "--assignment — для формата canvas",
            ))
            .hint(both(
                "leave it out: other files are of one assignment",
                "уберите его: в других файлах одно задание",
            )));
        }
        Ok(())
    }

    fn words(&self) -> Words {
        Words(self.lang.get())
    }

    fn template(&self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(path) = &self.fill else {
            return Ok(None);
        };
        fs::read(path).map(Some).map_err(|error| {
            let path = path.display();
            Failure::usage(both(
                format!("{path} cannot be read"),
                format!("{path} не читается"),
            ))
            .because(&error)
        })
    }

    fn write(&self, text: impl AsRef<[u8]>) -> Result<(), Failure> {
        match &self.output {
            Some(path) => put(path, text.as_ref()),
            None => Ok(std::io::stdout().lock().write_all(text.as_ref())?),
        }
    }

    /// Writes a file that was filled in, and says what could not be.
    fn filled(&self, filled: &Filled, lab: u32, missing: &str) -> Result<(), Failure> {
        let (bytes, lost) = filled.charset.encode(&filled.text);
        self.write(&bytes)?;
        let list = |what: &str, names: &[String]| {
            if !names.is_empty() {
                let shown = some_of(names.iter().map(String::as_str));
                tell!("{} {what}: {shown}", names.len());
            }
        };
        list(missing, &filled.missing);
        let words = self.words();
        let unknown = words.pick(
            "in the file are not in the gradebook",
            "из файла нет в ведомости",
        );
        list(unknown, &filled.unknown);
        let namesakes = words.pick(
            "in the file bear a name that is not only theirs, and no number tells who they are",
            "из файла носят одно имя с кем-то ещё, а по номерам их не различить",
        );
        list(namesakes, &filled.namesakes);
        let locked = words.pick(
            "have a grade there that cannot be changed, and were left as they are",
            "с оценкой, которую там нельзя изменить, оставлены как есть",
        );
        list(locked, &filled.locked);
        let excused = words.pick(
            "are excused there (EX), and were left as they are",
            "освобождены там (EX), оставлены как есть",
        );
        list(excused, &filled.excused);
        let replaced = words.pick(
            "had another grade there, which is replaced",
            "с другой оценкой в файле: она заменена",
        );
        list(replaced, &filled.replaced);
        let commented = words.pick(
            "had a comment there, which stays; ours stands behind it in brackets",
            "с комментарием в файле: он остался, наш — за ним в скобках",
        );
        list(commented, &filled.commented);
        if filled.charset == Charset::Cp1251 {
            tell!("{}", words.written_as_cp1251(lost));
        }
        if filled.unscaled {
            tell!("{}", words.unscaled(lab));
        }
        if let Some(most) = filled.scaled {
            tell!("{}", words.scaled(&words.number(most), lab));
        }
        tell!("{}", words.filled(filled.filled));
        Ok(())
    }

    fn place(&self) -> Result<&Path, Failure> {
        self.output.as_deref().ok_or_else(|| {
            Failure::usage(both(
                "this makes a file for each student; say where: --output DIR, or --output FILE.zip",
                "здесь на каждого студента файл; скажите куда: --output DIR или --output FILE.zip",
            ))
        })
    }

    fn files(
        &self,
        book: &Book<'_>,
        name: &dyn Fn(&str) -> String,
        content: &dyn Fn(&Grade) -> Option<String>,
    ) -> Result<(), Failure> {
        let place = self.place()?;
        let mut pages = Pages::at(place)?;
        let mut taken = BTreeSet::new();
        let mut count = 0;
        for grade in &book.grades.rows {
            let student = &grade.standing.student;
            let own = file_name(&student.name);
            let own = if student.group.is_empty() {
                own
            } else {
                format!("{}-{own}", file_name(&student.group))
            };
            let own = unused(&own, &mut taken);
            if let Some(text) = content(&book.whole(grade)?) {
                pages.add(&name(&own), &text)?;
                count += 1;
            }
        }
        pages.close()?;
        say(self.words(), count, place);
        Ok(())
    }

    /// Pages under the names by which a system takes them back in bulk; `name` gives them.
    fn feedback(
        &self,
        book: &Book<'_>,
        account: &dyn Fn(&Grade) -> Option<String>,
        name: &dyn Fn(&Grade, &str) -> Option<String>,
        without_name: &str,
    ) -> Result<(), Failure> {
        let place = self.place()?;
        let mut pages = Pages::at(place)?;
        let mut count = 0;
        let (mut without, mut several) = (Vec::new(), Vec::new());
        let mut owners: BTreeMap<String, usize> = BTreeMap::new();
        for grade in &book.grades.rows {
            if let Some(account) = account(grade).filter(|_| grade.standing.attempt.is_some()) {
                *owners.entry(account).or_default() += 1;
            }
        }
        for grade in &book.grades.rows {
            let student = &grade.standing.student;
            if grade.standing.attempt.is_none() {
                continue;
            }
            let account = account(grade);
            // Whose page it would be there nobody can tell; one of them is an earlier name.
            if account.as_ref().and_then(|of| owners.get(of)) > Some(&1) {
                several.push(student.qualified());
                continue;
            }
            let Some(name) = account.and_then(|account| name(grade, &account)) else {
                without.push(student.qualified());
                continue;
            };
            pages.add(&name, &export::html(book.grades, &book.whole(grade)?))?;
            count += 1;
        }
        if !without.is_empty() {
            let shown = some_of(without.iter().map(String::as_str));
            tell!("{} {without_name}: {shown}", without.len());
        }
        if !several.is_empty() {
            let shown = some_of(several.iter().map(String::as_str));
            let what = self.words().pick(
                "have a number there that somebody else of the gradebook has as well, and get no page (an earlier name? `grader results forget` removes it)",
                "имеют там номер, который есть и у другого в ведомости, и страницы не получают (прежнее имя? его удаляет `grader results forget`)",
            );
            tell!("{} {what}: {shown}", several.len());
        }
        pages.close()?;
        say(self.words(), count, place);
        Ok(())
    }
}

/// What files for each student are made of.
struct Book<'a> {
    gradebook: &'a Gradebook,
    grades: &'a Grades,
    failed: Failed<'a>,
}

impl Book<'_> {
    fn whole(&self, grade: &Grade) -> Result<Grade, Failure> {
        grade.whole(self.gradebook).map_err(self.failed)
    }
}

fn text(grade: &Grade) -> Option<String> {
    let record = grade.record.as_ref()?;
    if record.report.is_none() {
        // The feedback says why, and not where the instructor keeps it.
        return Some(format!("{}\n", grade.feedback));
    }
    Some(format!("{}\n{}", grade.feedback, record.text))
}

/// A name that nobody has yet.
fn unused(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut out = name.to_owned();
    let mut number = 2;
    // Some file systems do not tell capitals from small letters.
    while !taken.insert(out.to_lowercase()) {
        out = format!("{name}-{number}");
        number += 1;
    }
    out
}

fn say(words: Words, count: usize, place: &Path) {
    let place = clean(&place.display().to_string());
    tell!("{}", words.files(count, &place));
}
