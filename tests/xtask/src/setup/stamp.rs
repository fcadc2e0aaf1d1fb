//! Folders that count only when they are whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const STAMP: &str = ".complete";

/// A folder made by a recipe. It is whole when its stamp, written last, holds that very recipe: a
/// set-up that was killed, and one by an older recipe, are made again.
pub struct Stamped {
    folder: PathBuf,
    recipe: String,
}

impl Stamped {
    /// The folder that `recipe` makes.
    pub fn new(folder: PathBuf, recipe: impl Into<String>) -> Self {
        Self { folder, recipe: recipe.into() }
    }

    /// The folder, if it is whole.
    pub fn whole(&self) -> Option<&Path> {
        let stamp = fs::read_to_string(self.folder.join(STAMP)).ok()?;
        (stamp == self.recipe).then_some(self.folder.as_path())
    }

    /// The folder, made by `make` unless it is whole already.
    pub fn ensure(&self, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<&Path> {
        if self.whole().is_none() {
            self.clear()?;
            fs::create_dir_all(&self.folder)?;
            make(&self.folder)?;
            fs::write(self.folder.join(STAMP), &self.recipe)?;
        }
        Ok(&self.folder)
    }

    fn clear(&self) -> io::Result<()> {
        // Removing a tree with /dev mounted inside would empty the machine's own.
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let inside = |line: &&str| {
            line.split(' ').nth(1).is_some_and(|at| Path::new(at).starts_with(&self.folder))
        };
        if let Some(line) = mounts.lines().find(inside) {
            return Err(io::Error::other(format!("something is mounted in the folder: {line}")));
        }
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_broken_off_set_up_is_made_again() {
        let stamped = Stamped::new(folder("broken"), "1");
        let broken = stamped.ensure(|at| {
            fs::write(at.join("half"), "")?;
            Err(io::Error::other("killed"))
        });
        assert!(broken.is_err());
        assert_eq!(stamped.whole(), None);
        let at = stamped.ensure(|at| fs::write(at.join("all"), "")).unwrap().to_owned();
        assert!(at.join("all").exists() && !at.join("half").exists());
        stamped.ensure(|_| panic!("it is whole")).unwrap();
        fs::remove_dir_all(at).unwrap();
    }

    #[test]
    fn another_recipe_is_made_again() {
        let at = folder("recipe");
        Stamped::new(at.clone(), "1").ensure(|_| Ok(())).unwrap();
        let newer = Stamped::new(at.clone(), "2");
        assert_eq!(newer.whole(), None);
        newer.ensure(|at| fs::write(at.join("new"), "")).unwrap();
        assert!(newer.whole().unwrap().join("new").exists());
        fs::remove_dir_all(at).unwrap();
    }
}
