//! Swift 6: the machine's own, else Debian's in a tree of its own.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::stamp::Stamped;
use super::{Missing, debian, failed};
use crate::paths;
use crate::process::{self, Show};

/// Where Swift was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swift {
    /// On PATH.
    Own {
        /// As it names itself.
        version: String,
    },
    /// In a Debian tree.
    Tree {
        /// The tree's top.
        folder: PathBuf,
    },
}

impl fmt::Display for Swift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own { version } => write!(f, "Swift {version}"),
            Self::Tree { folder } => write!(f, "Swift in {}", folder.display()),
        }
    }
}

const WHAT: &str = "Swift 6";
const ADVICE: &str = "Install Swift 6.0 or newer so that `swift` is on PATH (swift.org's toolchain, \
                      Xcode 16, or the package `swiftlang` of Debian 13).";

/// The release that has Swift 6; the build machines run an older one.
const RELEASE: &str = "trixie";
const PACKAGES: [&str; 3] = ["swiftlang", "libc6-dev", "libstdc++-14-dev"];

/// Where the package and the library are seen inside the tree.
const PACKAGE_INSIDE: &str = "/seldinger/package";
const STAGE_INSIDE: &str = "/seldinger/stage";

/// Looks for Swift.
pub fn find() -> Result<Swift, Missing> {
    let own = process::ask("swift", &["--version"]).and_then(|text| version(&text));
    if let Some(version) = own {
        return Ok(Swift::Own { version });
    }
    match tree().whole() {
        Some(folder) => Ok(Swift::Tree { folder: folder.to_owned() }),
        None => Err(Missing { what: WHAT, advice: ADVICE.to_owned() }),
    }
}

/// Finds or installs Swift.
pub fn ensure() -> Result<Swift, Missing> {
    find().or_else(|_| {
        if !cfg!(target_os = "linux") || !debian::can_install() {
            return Err(Missing { what: WHAT, advice: format!("{} {ADVICE}", debian::why_not()) });
        }
        if paths::on_path("debootstrap").is_none() {
            debian::install(&["debootstrap"], WHAT, ADVICE)?;
        }
        tree().ensure(make_tree).map_err(failed(WHAT, ADVICE))?;
        find()
    })
}

impl Swift {
    /// `swift` with these arguments, run in the folder `package`; `stage` is the folder that both
    /// sides share. Arguments may hold [`Swift::stage`].
    pub fn command(&self, package: &Path, stage: &Path, args: &[&str]) -> Command {
        let Self::Tree { folder } = self else {
            let mut command = Command::new("swift");
            command.args(args).current_dir(package);
            return command;
        };
        let mounts = "set -e
            tree=$1; package=$2; stage=$3; shift 3
            mkdir -p \"$tree/seldinger/package\" \"$tree/seldinger/stage\"
            mount -t proc proc \"$tree/proc\"
            mount --rbind /dev \"$tree/dev\"
            mount --bind \"$package\" \"$tree/seldinger/package\"
            mount --bind \"$stage\" \"$tree/seldinger/stage\"
            exec chroot \"$tree\" /bin/sh -c 'cd /seldinger/package && exec swift \"$@\"' sh \"$@\"";
        let mut command = in_namespace(mounts);
        command.arg(folder).arg(package).arg(stage).args(args);
        // The tree has no users and no caches of ours.
        command.env("HOME", "/root").env_remove("XDG_CACHE_HOME").env("LANG", "C.UTF-8");
        command
    }

    /// The shared folder as `swift` sees it.
    pub fn stage(&self, stage: &Path) -> PathBuf {
        match self {
            Self::Own { .. } => stage.to_owned(),
            Self::Tree { .. } => PathBuf::from(STAGE_INSIDE),
        }
    }

    /// The package as `swift` sees it.
    pub fn package(&self, package: &Path) -> PathBuf {
        match self {
            Self::Own { .. } => package.to_owned(),
            Self::Tree { .. } => PathBuf::from(PACKAGE_INSIDE),
        }
    }
}

/// A shell whose mounts vanish with it.
fn in_namespace(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]);
    command
}

fn tree() -> Stamped {
    let packages = PACKAGES.join(" ");
    let recipe = format!("1 {RELEASE} {} {packages}", std::env::consts::ARCH);
    Stamped::new(paths::cache().join(format!("swift-{RELEASE}")), recipe)
}

fn make_tree(folder: &Path) -> io::Result<()> {
    let log = |name: &str| paths::output().join(format!("setup-swift-{name}.log"));
    let script = "exec debootstrap --variant=minbase --include=ca-certificates \"$@\"";
    let mut base = in_namespace(script);
    base.arg(RELEASE).arg(folder);
    base.args(debian::mirror());
    must(&mut base, &log("base"))?;

    // Proxies and the like, as this machine's apt has them.
    let settings = process::ask("apt-config", &["dump", "Acquire"]).unwrap_or_default();
    let ours = settings.lines().filter(|line| line.contains("Proxy") || line.contains("::Verify-"));
    let settings = ours.collect::<Vec<_>>().join("\n") + "\nAcquire::Retries \"3\";\n";
    fs::write(folder.join("etc/apt/apt.conf.d/90machine"), settings)?;

    let script = "set -e
        tree=$1; shift
        mount -t proc proc \"$tree/proc\"
        mount --rbind /dev \"$tree/dev\"
        export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
        chroot \"$tree\" apt-get -q -y install --no-install-recommends \"$@\"
        chroot \"$tree\" apt-get clean
        chroot \"$tree\" swift --version";
    let mut packages = in_namespace(script);
    packages.arg(folder).args(PACKAGES);
    must(&mut packages, &log("packages"))
}

fn must(command: &mut Command, log: &Path) -> io::Result<()> {
    let outcome = process::run(command, log, Show::LogOnly)?;
    if outcome.ok {
        return Ok(());
    }
    let last = outcome.lines.last().cloned().unwrap_or_default();
    Err(io::Error::other(format!("{last}; see {}", log.display())))
}

/// The version that `swift --version` prints, from 6 on.
fn version(text: &str) -> Option<String> {
    let rest = text.split_once("Swift version ")?.1;
    let version = rest.split_whitespace().next()?;
    let major: u32 = version.split('.').next()?.parse().ok()?;
    (major >= 6).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_swift_6_counts() {
        assert_eq!(version("Swift version 6.0.3 (x)\nTarget: y").as_deref(), Some("6.0.3"));
        assert_eq!(version("Apple Swift version 6.1 (swiftlang)").as_deref(), Some("6.1"));
        assert_eq!(version("Swift version 5.10.1 (x)"), None);
        assert_eq!(version("swift: a storage server"), None);
    }

    #[test]
    fn paths_are_those_that_swift_sees() {
        let tree = Swift::Tree { folder: PathBuf::from("/tree") };
        assert_eq!(tree.stage(Path::new("/here")), Path::new("/seldinger/stage"));
        let own = Swift::Own { version: "6.0".to_owned() };
        assert_eq!(own.stage(Path::new("/here")), Path::new("/here"));
    }
}
