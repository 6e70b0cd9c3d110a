//! What lies outside a sandbox, for attacks to reach for: a secret, somebody else's submission,
//! sockets that listen.

use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Whatever is stolen contains this.
pub(crate) const TOKEN: &str = "TOPSECRET-4711";

pub(crate) struct Outside {
    home: TempDir,
    abstract_name: String,
    sockets: (UnixListener, UnixListener, TcpListener),
    listing: Vec<PathBuf>,
}

impl Outside {
    pub(crate) fn new() -> Self {
        let home = tempfile::Builder::new()
            .prefix("grader-attacks-")
            // Whoever gets here may read and write all of it.
            .permissions(fs::Permissions::from_mode(0o777))
            .tempdir()
            .unwrap();
        let open = home.path().join("open");
        for directory in [&open, &home.path().join("other")] {
            fs::create_dir(directory).unwrap();
            fs::set_permissions(directory, fs::Permissions::from_mode(0o777)).unwrap();
        }
        fs::write(home.path().join("secret.txt"), format!("{TOKEN}\n")).unwrap();
        let other = format!("/* {TOKEN} */ int main(void) {{ return 0; }}\n");
        fs::write(home.path().join("other/attacker.c"), other).unwrap();
        let abstract_name = format!("attack-target-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let sockets = (
            UnixListener::bind_addr(&address).unwrap(),
            UnixListener::bind(open.join("socket")).unwrap(),
            TcpListener::bind("127.0.0.1:0").unwrap(),
        );
        fs::set_permissions(open.join("socket"), fs::Permissions::from_mode(0o777)).unwrap();
        sockets.0.set_nonblocking(true).unwrap();
        sockets.1.set_nonblocking(true).unwrap();
        sockets.2.set_nonblocking(true).unwrap();
        let mut outside = Self {
            home,
            abstract_name,
            sockets,
            listing: Vec::new(),
        };
        outside.listing = outside.listing();
        outside
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    fn listing(&self) -> Vec<PathBuf> {
        let entries = |name: &str| fs::read_dir(self.path().join(name)).unwrap();
        let entries = ["open", "other"].into_iter().flat_map(entries);
        let mut all: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        all.sort();
        all
    }

    /// The places by the names that attacks know them by.
    pub(crate) fn places(&self) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.display().to_string();
        let lab = end_to_end::root()
            .canonicalize()
            .unwrap()
            .join("fixtures/attacks/lab");
        vec![
            ("SECRET", text(self.path().join("secret.txt"))),
            (
                "OTHER_SUBMISSION",
                text(self.path().join("other/attacker.c")),
            ),
            ("OUTSIDE_SOCKET", text(self.path().join("open/socket"))),
            ("OUTSIDE_ABSTRACT", self.abstract_name.clone()),
            (
                "OUTSIDE_PORT",
                self.sockets.2.local_addr().unwrap().port().to_string(),
            ),
            ("OUTSIDE", text(self.path().join("open"))),
            ("LAB", text(lab.join("lab.toml"))),
            ("SNAPSHOT", text(lab.join("snapshots/filter.snap"))),
            ("CACHE", text(self.path().join("secret.txt"))),
            ("GRADER", text(end_to_end::executable().to_owned())),
        ]
    }

    /// Whether nobody has come by.
    pub(crate) fn untouched(&self) -> Result<(), String> {
        // The others are reached on the reduced rung, which has the machine's network.
        if self.sockets.0.accept().is_ok() {
            return Err("somebody has connected to the abstract name".to_owned());
        }
        let now = self.listing();
        if now != self.listing {
            return Err(format!("there were {:?}, now {now:?}", self.listing));
        }
        Ok(())
    }
}
