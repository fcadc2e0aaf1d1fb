//! Files and folders that only their owner can read, whatever the umask says and whoever made the
//! folder that they are in. Where the system keeps rights otherwise, those of the folder above hold.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

/// What others may do is taken away; what the owner took from themselves stays taken.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// Makes a new file, to be read and written.
///
/// # Errors
/// `AlreadyExists`, and what the system says.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    with_mode(&mut options);
    let file = options.open(path)?;
    settle(&file)?;
    Ok(file)
}

/// Opens a file to be read and written; makes it where there is none.
///
/// # Errors
/// What the system says.
pub fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    with_mode(&mut options);
    let file = options.open(path)?;
    settle(&file)?;
    Ok(file)
}

/// Makes a folder that must not be there yet.
///
/// # Errors
/// `AlreadyExists`, and what the system says.
pub fn create_folder(path: &Path) -> io::Result<()> {
    // A umask only takes away.
    builder().create(path)
}

/// Makes a folder, and what is above it; one that is there is left as it is.
///
/// # Errors
/// What the system says.
pub fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        make_folder(above)?;
    }
    match create_folder(path) {
        // Another program was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    }
}

/// Takes from others what an earlier version, another program or a copy gave them. By its name: on POSIX
/// whoever opens a database file and closes it takes the locks of this process along.
pub fn correct(path: &Path) {
    #[cfg(unix)]
    if let Ok(about) = fs::symlink_metadata(path)
        && (about.is_file() || about.is_dir())
        && let Some(mode) = without_others(about.permissions())
    {
        // A file of somebody else's is theirs to close.
        let _ = fs::set_permissions(path, mode);
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[cfg(unix)]
fn without_others(mut mode: fs::Permissions) -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    let bits = mode.mode() & 0o7777;
    mode.set_mode(bits & !OTHERS);
    (bits & OTHERS != 0).then_some(mode)
}

/// A umask can take rights from the owner too.
#[cfg(unix)]
fn settle(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut mode = file.metadata()?.permissions();
    if mode.mode() & 0o777 == 0o600 {
        return Ok(());
    }
    mode.set_mode(0o600);
    file.set_permissions(mode)
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "where there are modes it can fail")]
fn settle(_file: &File) -> io::Result<()> {
    Ok(())
}

fn with_mode(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

fn builder() -> fs::DirBuilder {
    #[allow(unused_mut, reason = "modes are a matter of POSIX")]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_and_what_is_corrected_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        make_folder(&deep).unwrap();
        make_folder(&deep).unwrap();
        assert_eq!((mode(&deep), mode(deep.parent().unwrap())), (0o700, 0o700));
        let file = deep.join("file");
        create(&file).unwrap();
        assert_eq!(create(&file).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(mode(&file), 0o600);
        for (found, corrected) in [(0o666, 0o600), (0o444, 0o400), (0o600, 0o600)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(found)).unwrap();
            correct(&file);
            assert_eq!(mode(&file), corrected);
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
        open_or_create(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        correct(&deep.join("none"));
    }
}
