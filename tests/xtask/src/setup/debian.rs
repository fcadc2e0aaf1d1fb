//! Debian's packages, by the machine's own configuration.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Missing;
use crate::paths;
use crate::process::{self, Show};

/// Whether packages can be installed: apt is here and we are root.
pub fn can_install() -> bool {
    paths::on_path("apt-get").is_some() && process::ask("id", &["-u"]).as_deref() == Some("0")
}

/// Why packages cannot be installed, as the beginning of an advice.
pub fn why_not() -> &'static str {
    if paths::on_path("apt-get").is_some() {
        "Packages can only be installed as root."
    } else {
        "This is not a Debian system, so it cannot be installed from here."
    }
}

/// Installs packages; the advice is for machines where that is impossible.
pub fn install(packages: &[&str], what: &'static str, advice: &str) -> Result<(), Missing> {
    if !can_install() {
        return Err(Missing { what, advice: format!("{} {advice}", why_not()) });
    }
    let log = paths::output().join(format!("setup-apt-{}.log", packages.join("-")));
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(["-q", "-y", "-o", "Acquire::Retries=3"]).args(args);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        process::run(&mut command, &log, Show::LogOnly).is_ok_and(|outcome| outcome.ok)
    };
    // A source that does not answer leaves the others' lists usable: only the install decides.
    apt(&["update"]);
    let mut args = vec!["install", "--no-install-recommends"];
    args.extend(packages);
    if apt(&args) {
        return Ok(());
    }
    let packages = packages.join(" ");
    Err(Missing {
        what,
        advice: format!("`apt-get install {packages}` failed; see {}. {advice}", log.display()),
    })
}

/// The mirror that this machine takes Debian from, or `None` for debootstrap's own choice.
pub fn mirror() -> Option<String> {
    let mut files = vec![Path::new("/etc/apt/sources.list").to_owned()];
    let folder = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    files.extend(folder.map(|entry| entry.path()));
    files.iter().filter_map(|file| fs::read_to_string(file).ok()).find_map(|text| mirror_in(&text))
}

/// The first archive of Debian itself (not of its security team, not of others) in a sources file.
fn mirror_in(text: &str) -> Option<String> {
    let of_debian = |address: &&str| {
        address.contains("://") && address.trim_end_matches('/').ends_with("/debian")
    };
    text.lines()
        .filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"))
        .flat_map(str::split_whitespace)
        .find(of_debian)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_read_in_both_formats() {
        let old = "# deb http://x/debian a\ndeb https://other.example/apt x main\n\
                   deb [signed-by=/k] http://mirror.example/debian/ bookworm main\n";
        assert_eq!(mirror_in(old).as_deref(), Some("http://mirror.example/debian/"));
        let new = "Types: deb\nURIs: https://mirror.example/debian\nSuites: bookworm\n";
        assert_eq!(mirror_in(new).as_deref(), Some("https://mirror.example/debian"));
        let security = "Types: deb\nURIs: https://mirror.example/debian-security\n";
        assert_eq!(mirror_in(security), None);
    }
}
