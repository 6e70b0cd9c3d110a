//! `grader init`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use grader::lab::catalog::LabSource;
use grader::starter::{self, LayError};

use super::failure::Failure;
use super::lang::both;
use super::lookup;
use super::options::LangOption;
use super::output;

/// Lay down what a student begins with: handout, sources, Makefile, CI
///
/// No file that exists is changed. Where other files have the same names, they are named and
/// nothing is laid down.
#[derive(Args)]
pub(super) struct Init {
    /// The lab: an id, or the directory of one
    lab: PathBuf,
    /// Where to; made if it is missing
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    #[command(flatten)]
    lang: LangOption,
}

impl Init {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let source = lookup::lab(&self.lab)?;
        let name = self.name_of(&source)?;
        let lang = self.lang.get();
        let files = starter::files(&source, lang, &name);
        let written = starter::lay(&self.dir, &files).map_err(|error| match error {
            LayError::InTheWay(_) => Failure::usage(both(
                format!("{error}; nothing was laid down"),
                format!("{}; ничего не создано", error.told(lang)),
            ))
            .hint(both(
                "take them away, or give another directory: grader init LAB DIR",
                "уберите их или укажите другой каталог: grader init LAB DIR",
            )),
            LayError::Io { path, error } => {
                let path = path.display();
                Failure::fault(both(
                    format!("{path} cannot be written"),
                    format!("{path} не записать"),
                ))
                .because(&error)
            }
        })?;
        let names: Vec<&str> = files
            .keys()
            .map(String::as_str)
            .filter(|name| written.contains(&self.dir.join(name)))
            .collect();
        let mut out = output::standard();
        let page = grader::report::laid_page(&source.lab, &self.dir, &names, &name, lang);
        out.write_all(page.as_bytes())?;
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }

    /// The lab as `grader check` takes it in the student's directory: where it lies below that
    /// directory, the way from there; elsewhere, its whole path.
    fn name_of(&self, source: &LabSource) -> Result<String, Failure> {
        let Some(dir) = &source.dir else {
            return Ok(source.lab.id.clone());
        };
        let unknown = |error| {
            let dir = dir.display();
            Failure::usage(both(
                format!("{dir}: where is it?"),
                format!("{dir}: где это?"),
            ))
            .because(&error)
        };
        let lab = dir.canonicalize().map_err(unknown)?;
        // A directory that is not there yet has nothing below it.
        let here = self.dir.canonicalize().unwrap_or_default();
        let below = lab
            .strip_prefix(&here)
            .ok()
            .filter(|_| !here.as_os_str().is_empty());
        let name = match below {
            Some(way) if way == Path::new("") => Path::new(".").to_owned(),
            Some(way) => Path::new(".").join(way),
            None => lab,
        };
        match name.to_str() {
            Some(name) if !name.chars().any(char::is_control) => Ok(name.to_owned()),
            _ => {
                let name = name.display();
                Err(Failure::usage(both(
                    format!("{name}: a Makefile cannot name this lab"),
                    format!("{name}: в Makefile это задание не назвать"),
                ))
                .hint(both(
                    "give its directory a name in UTF-8 without control characters",
                    "дайте каталогу имя в UTF-8 без управляющих символов",
                )))
            }
        }
    }
}
