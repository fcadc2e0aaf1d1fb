//! Writes what Swift and Kotlin need to call the core, from the built library's own metadata.
//!
//! The library must keep its symbol table: the metadata is read from there.

mod api;
mod quiet;

use std::fs;
use std::io;
use std::path::Path;

use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage};
use uniffi_bindgen::{BindgenLoader, BindgenPaths, ComponentInterface, GlobalConfig};

/// Names of packages and modules; its table must be called `seldinger_core`, with an underscore.
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../uniffi.toml");

/// Why nothing, or not everything, was written.
#[derive(Debug, thiserror::Error)]
pub enum BindgenError {
    /// A path that is not UTF-8.
    #[error("not a readable path: {0}")]
    Path(String),
    /// The generator refused.
    #[error("{0}")]
    Generator(String),
    /// A type that may hold notes would print them: the generator's output has changed its shape.
    #[error("{0} would print what it holds")]
    Prints(String),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// For Android and the JVM.
    Kotlin,
    /// For Apple's systems, and Linux in tests.
    Swift,
}

/// Writes one side into `folder`. What is the same as before keeps its time stamp, so that nothing is
/// compiled again for nothing.
///
/// # Shape
/// Kotlin: one file in the folders of its package. Swift: `Seldinger/Seldinger.swift` and the module
/// `SeldingerFFI/` with header and map.
pub fn generate(language: Language, library: &Path, folder: &Path) -> Result<(), BindgenError> {
    let interface = interface(library)?;
    // Inside, where nothing else looks for sources.
    let fresh = folder.join("fresh");
    match fs::remove_dir_all(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&fresh)?,
    }
    let (target, file) = match language {
        Language::Kotlin => (TargetLanguage::Kotlin, "app/seldinger/core/seldinger_core.kt"),
        Language::Swift => (TargetLanguage::Swift, "Seldinger.swift"),
    };
    let options = GenerateOptions {
        languages: vec![target],
        source: utf8(library)?.into(),
        out_dir: utf8(&fresh)?.into(),
        config_override: Some(CONFIG.into()),
        ..GenerateOptions::default()
    };
    uniffi_bindgen::bindings::generate(options).map_err(generator)?;
    let written = fs::read_to_string(fresh.join(file))?;
    match language {
        Language::Kotlin => {
            put(&folder.join(file), &lenient(&quiet::kotlin(&written, &interface)?)?)?;
        }
        Language::Swift => {
            put(&folder.join("Seldinger").join(file), &quiet::swift(&written, &interface)?)?;
            let module = folder.join("SeldingerFFI");
            for (from, to) in [
                ("SeldingerFFI.h", "SeldingerFFI.h"),
                ("SeldingerFFI.modulemap", "module.modulemap"),
            ] {
                put(&module.join(to), &fs::read_to_string(fresh.join(from))?)?;
            }
        }
    }
    Ok(fs::remove_dir_all(&fresh)?)
}

/// Half a character, such as an emoji that a text field cut, goes to the core as `?`; the generator
/// would throw what the user typed away.
fn lenient(kotlin: &str) -> Result<String, BindgenError> {
    const STRICT: &str = "onMalformedInput(CodingErrorAction.REPORT)";
    if kotlin.contains(STRICT) {
        Ok(kotlin.replace(STRICT, "onMalformedInput(CodingErrorAction.REPLACE)"))
    } else {
        Err(BindgenError::Generator("texts are encoded in another way than before".to_owned()))
    }
}

/// The public signatures of what the library exports, one a line, in a fixed order.
pub fn signatures(library: &Path) -> Result<String, BindgenError> {
    Ok(api::render(&interface(library)?))
}

fn interface(library: &Path) -> Result<ComponentInterface, BindgenError> {
    let loader = BindgenLoader::new(BindgenPaths::default(), GlobalConfig::default());
    // The loader's own path type comes with its options.
    let options = GenerateOptions { source: utf8(library)?.into(), ..GenerateOptions::default() };
    let metadata = loader.load_metadata(&options.source).map_err(generator)?;
    let components = loader.load_cis(metadata).map_err(generator)?;
    let core = components.into_iter().find(|component| component.namespace() == "seldinger_core");
    core.ok_or_else(|| BindgenError::Generator("the library exports no core".to_owned()))
}

fn put(file: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(file).is_ok_and(|old| old == text) {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, text)
}

fn utf8(path: &Path) -> Result<&str, BindgenError> {
    path.to_str().ok_or_else(|| BindgenError::Path(path.display().to_string()))
}

fn generator(error: impl std::fmt::Display) -> BindgenError {
    BindgenError::Generator(format!("{error:#}"))
}
