//! `grader doctor`.

mod russian;

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use grader::lab::Lang;
use grader::report::{Finding, findings_page};
use grader::submission::Toolchain;
use supervisor::probe::probe;

use super::failure::{Failure, NOT_MET};
use super::lang::both;
use super::options::LangOption;
use super::output;

/// Show what this machine can enforce, and how to get the rest
#[derive(Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    lang: LangOption,
}

impl Doctor {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let exe = std::env::current_exe().map_err(|error| {
            Failure::fault(both(
                "the path of this executable is unknown",
                "путь этой программы неизвестен",
            ))
            .because(&error)
        })?;
        let mut findings: Vec<Finding> = probe(&exe)
            .into_iter()
            .map(|check| Finding {
                name: check.name,
                ok: check.ok,
                detail: check.detail,
                remedy: check.remedy,
            })
            .collect();
        let lang = self.lang.get();
        if lang == Lang::Ru {
            findings = findings.into_iter().map(russian::finding).collect();
        }
        // The last thing tried is a whole scenario: what is missing before it costs strictness.
        let usable = findings.last().is_some_and(|finding| finding.ok);
        let tools = Toolchain::from_env();
        for (name, tool) in [("make", &tools.make), ("cargo", &tools.cargo)] {
            findings.push(Finding {
                name: name.to_owned(),
                ok: tool.is_some(),
                detail: tool.as_ref().map_or(
                    lang.pick("not found", "не найден").to_owned(),
                    |tool| tool.path.display().to_string(),
                ),
                remedy: tool.is_none().then(|| {
                    lang.pick(
                        format!("submissions with a build file of {name} need it: install {name}"),
                        format!("нужен работам с файлом сборки {name}: установить {name}"),
                    )
                }),
            });
        }
        let mut out = output::standard();
        out.write_all(findings_page(&findings).as_bytes())?;
        out.flush()?;
        Ok(if usable {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(NOT_MET)
        })
    }
}
