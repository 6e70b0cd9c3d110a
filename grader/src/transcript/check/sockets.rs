//! Whether the files of a program's sockets are gone.

use supervisor::bytes::escape;
use supervisor::event::What;
use supervisor::plan::Address;

use super::Seen;

/// Whether the file of its socket is gone.
pub(super) fn unlinked(seen: Seen<'_>) -> Result<(), String> {
    // Only a path name is a file.
    let gone = seen.events.iter().any(|event| match &event.what {
        What::Unlinked { program: of, .. } => *of == seen.program && seen.window.has(event.step),
        What::Listening {
            process, address, ..
        } => process.program == seen.program && !matches!(address, Address::Path(_)),
        _ => false,
    });
    if gone {
        Ok(())
    } else {
        Err("the socket file is still there".to_owned())
    }
}

/// Whether the files of all sockets that the program bound are gone.
pub(super) fn no_socket_left(seen: Seen<'_>) -> Result<(), String> {
    let gone = |wanted: &Address| {
        seen.events.iter().any(|event| match &event.what {
            What::Unlinked {
                program: of,
                address,
            } => *of == seen.program && address == wanted && seen.window.has(event.step),
            What::Renamed { from, .. } => from == wanted,
            _ => false,
        })
    };
    let left = seen.events.iter().find_map(|event| match &event.what {
        What::Bound {
            process, address, ..
        }
        | What::Listening {
            process, address, ..
        } if process.program == seen.program && matches!(address, Address::Path(_)) => {
            (!gone(address)).then_some(address)
        }
        _ => None,
    });
    match left {
        None => Ok(()),
        Some(Address::Path(path)) => Err(format!("{} is still there", escape(path))),
        Some(_) => Err("a socket file is still there".to_owned()),
    }
}
