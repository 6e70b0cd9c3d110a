//! A reference program as a process of its own: `reference NAME ARGUMENT...`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let name = args.next().unwrap_or_default();
    let args: Vec<_> = args.collect();
    match name.to_str().and_then(|name| reference::run(name, &args)) {
        Some(status) => ExitCode::from(u8::try_from(status).unwrap_or(1)),
        None => {
            eprintln!("usage: reference {}", reference::NAMES.join("|"));
            ExitCode::from(2)
        }
    }
}
