//! The handler audit's library: compiled once, kept in the cache.

use std::fs;
use std::path::PathBuf;

use crate::submission::{Cache, Toolchain};

/// The library's path, compiled if it is not there yet. `None` where it cannot be.
pub(super) fn provide(cache: &Cache, toolchain: &Toolchain) -> Option<PathBuf> {
    let cc = toolchain.cc.as_ref()?;
    let source = supervisor::shim::source();
    let identity = cc.identity();
    let inputs = [
        b"handler shim".as_slice(),
        source.as_bytes(),
        identity.as_bytes(),
    ];
    cache.keep(&inputs, || {
        let dir = tempfile::tempdir()?;
        let out = dir.path().join("handlers.so");
        supervisor::shim::compile(&cc.path, &out)?;
        fs::read(out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::CacheMode;

    #[test]
    fn the_library_is_a_shared_object_and_made_once() {
        let cache = Cache::open(&CacheMode::Off).unwrap();
        let toolchain = Toolchain::from_env();
        let path = provide(&cache, &toolchain).unwrap();
        assert!(fs::read(&path).unwrap().starts_with(b"\x7fELF"));
        assert_eq!(provide(&cache, &toolchain), Some(path));
        assert_eq!(provide(&cache, &Toolchain::default()), None);
    }
}
