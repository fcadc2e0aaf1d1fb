//! The licenses of everything that ships: `apps/laptop/THIRD-PARTY.txt`, from the packages' own files.
//! With `WRITE_NOTICES=1` the file is written anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

/// Where the notices are kept, from the project's root.
const FILE: &str = "apps/laptop/THIRD-PARTY.txt";

/// What may be linked with MIT: permissive ones, and MPL, which asks only for its own files.
const LICENSES: [&str; 10] = [
    "MIT",
    "Apache-2.0",
    "BSD",
    "BlueOak-1.0.0",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "MPL-2.0",
    "public domain",
];

/// What is said of one package.
struct Package {
    name: String,
    license: String,
    texts: Vec<String>,
}

#[test]
fn every_package_that_ships_is_named_with_its_license() {
    let packages = packages();
    let file = root().join(FILE);
    if env::var_os("WRITE_NOTICES").is_some() {
        fs::write(&file, text(&packages)).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap();
    for package in &packages {
        let fits = LICENSES.iter().any(|license| package.license.contains(license));
        assert!(fits, "{} is under {:?}", package.name, package.license);
        let line = format!("\n{}: {}\n", package.name, package.license);
        assert!(
            written.contains(&line),
            "{} is not in {FILE}: run `cargo xtask notices`",
            package.name
        );
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(packages: &[Package]) -> String {
    let mut out = String::from(
        "Third-party notices\n\nSeldinger contains these packages, each under its own license.\n\
         Written by `cargo xtask notices`.\n\n",
    );
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        let _ = writeln!(out, "{}: {}", package.name, package.license);
        for text in &package.texts {
            users.entry(text).or_default().push(&package.name);
        }
    }
    for (text, users) in users {
        let line = "-".repeat(80);
        let _ = write!(out, "\n{line}\n{}\n{line}\n\n{}\n", users.join(", "), text.trim_end());
    }
    out
}

fn packages() -> Vec<Package> {
    let shipped = shipped();
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--locked"])).unwrap();
    let mut packages = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let word = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
        let name = format!("{} {}", word("name"), word("version"));
        if package["source"].is_null() || !shipped.contains(&name) {
            continue;
        }
        let folder = PathBuf::from(word("manifest_path"));
        let texts = folder.parent().map(license_texts).unwrap_or_default();
        packages.push(Package { name, license: word("license"), texts });
    }
    packages.push(Package {
        name: "SQLite, SQLCipher and OpenSSL (built into libsqlite3-sys)".to_owned(),
        license: "public domain; BSD-3-Clause, Zetetic LLC; Apache-2.0".to_owned(),
        texts: Vec::new(),
    });
    packages
}

/// Names and versions of what is linked into the app and the library, tests and build tools left out.
fn shipped() -> BTreeSet<String> {
    let tree = cargo(&[
        "tree",
        "--locked",
        "--package",
        "seldinger",
        "--package",
        "seldinger-bindings",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--target",
        "all",
        "--format",
        "{p}",
    ]);
    let name = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        Some(format!("{name} {}", rest.split_whitespace().next()?))
    };
    tree.lines().filter_map(name).collect()
}

fn license_texts(folder: &Path) -> Vec<String> {
    let is_license = |path: &PathBuf| {
        let name =
            path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
        path.is_file()
            && ["license", "licence", "copying", "notice", "unlicense"]
                .iter()
                .any(|word| name.starts_with(word))
    };
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(is_license);
    // Of two licenses to choose from, the one that this project has itself.
    let is_mit = |path: &PathBuf| path.to_string_lossy().to_lowercase().ends_with("mit");
    if files.iter().any(is_mit) {
        files.retain(is_mit);
    }
    files.sort();
    files
        .iter()
        .filter(|path| is_license(path))
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect()
}

fn cargo(args: &[&str]) -> String {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = std::process::Command::new(cargo).args(args).current_dir(root()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}
