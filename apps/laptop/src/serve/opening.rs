//! The file that carries a one-time token to the browser.
//!
//! What a program is started with, every user of the machine can read (`ps`, `/proc`). So the browser
//! is started with the name of a file in a folder that only its owner can enter, and the file posts the
//! token. It goes as soon as the token is used.

use std::fs;
use std::path::{Path, PathBuf};

use seldinger_core::store::owner_only;

use super::OPEN;
use crate::data_dir::{Places, make_private_folder, write_private};
use crate::open::random_word;

/// Removed when it is dropped.
pub struct OpeningFile(PathBuf);

impl OpeningFile {
    /// Writes the file; `None` where that does not work, or where others could read it: the file system
    /// of a stick may know no owners.
    pub fn write(places: &Places, port: u16, token: &str) -> Option<Self> {
        let folder = places.opening();
        make_private_folder(&folder).ok()?;
        if !is_private(&folder) {
            return None;
        }
        let file = folder.join(format!("{}.html", &random_word()[..16]));
        write_private(&file, page(port, token).as_bytes()).ok()?;
        Some(Self(file))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for OpeningFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Removes what programs that were killed left behind. Only for whoever serves the folder.
pub fn sweep(places: &Places) {
    let _ = fs::remove_dir_all(places.opening());
}

/// Whether nobody but its owner can enter the folder. Elsewhere than on Unix the rights of the profile's
/// folder decide, which it inherits.
#[cfg(unix)]
fn is_private(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    // An older one, or one made under another mask.
    owner_only::correct(folder);
    let kind = fs::symlink_metadata(folder);
    kind.is_ok_and(|kind| kind.is_dir() && kind.permissions().mode().trailing_zeros() >= 6)
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> bool {
    true
}

/// A form that sends itself. Where scripts are off, its button does.
fn page(port: u16, token: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en-US\"><head><meta charset=\"utf-8\"><title>Seldinger</title>\
         <meta name=\"referrer\" content=\"no-referrer\"></head><body>\
         <form method=\"post\" action=\"http://127.0.0.1:{port}{OPEN}\">\
         <input type=\"hidden\" name=\"token\" value=\"{token}\"><button>Open Seldinger</button></form>\
         <script>document.forms[0].submit()</script></body></html>\n"
    )
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_its_owner_reads_it_and_it_goes_when_it_was_used() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::in_folder(folder.path());
        // As an older version or another program may have left it.
        fs::create_dir_all(places.opening()).unwrap();
        fs::set_permissions(places.opening(), fs::Permissions::from_mode(0o755)).unwrap();
        let file = OpeningFile::write(&places, 8000, "token").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(file.path()), mode(&places.opening())), (0o600, 0o700));
        let text = fs::read_to_string(file.path()).unwrap();
        assert!(text.contains("http://127.0.0.1:8000/open\"") && text.contains("value=\"token\""));
        assert!(!file.path().display().to_string().contains("token"));
        let path = file.path().to_owned();
        drop(file);
        assert!(!path.exists());
        fs::write(places.opening().join("left.html"), "").unwrap();
        sweep(&places);
        assert!(!places.opening().exists());
    }

    #[test]
    fn a_folder_that_leads_elsewhere_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::in_folder(folder.path());
        fs::create_dir_all(places.data()).unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(&elsewhere, places.opening()).unwrap();
        assert!(OpeningFile::write(&places, 8000, "token").is_none());
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
        let mode = fs::metadata(&elsewhere).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o755, "what it leads to is not ours to change");
    }
}
