//! The empty submission: for each role a program that ends at once. It must earn nothing.

use std::fs;
use std::io;
use std::path::Path;

use crate::lab::Lab;

/// Writes the sources, and a manifest that says which is which, into `dir`.
///
/// # Errors
/// Where a file cannot be written.
pub fn write_empty(lab: &Lab, dir: &Path) -> io::Result<()> {
    let mut manifest = String::new();
    for program in lab.programs.iter().filter(|p| p.same_as.is_none()) {
        let source = format!("{}.c", program.executable);
        fs::write(dir.join(&source), "int main(void) { return 0; }\n")?;
        manifest += &format!("[programs.{}]\nsources = [{source:?}]\n", program.name);
    }
    fs::write(dir.join("grader.toml"), manifest)
}
