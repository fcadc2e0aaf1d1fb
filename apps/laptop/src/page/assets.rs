//! What pages link to: embedded, named by content, so that a browser may keep it for as long as it
//! likes. It holds nothing that a user wrote.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    /// Where it is served: the name with a hash of the content in it.
    path: String,
}

macro_rules! texts {
    ($($file:literal),+ $(,)?) => { concat!($(include_str!(concat!("../../assets/", $file)), "\n"),+) };
}

/// One style sheet: fewer requests, and the order of its parts matters.
const STYLE: &str = texts!(
    "css/tokens.css",
    "css/base.css",
    "css/components.css",
    "css/frame.css",
    "css/jot.css",
    "css/cases.css",
    "css/case.css",
    "css/form.css",
    "css/consult.css",
    "css/pages.css",
    "css/checklists.css",
    "css/library.css",
    "css/charts.css",
    "css/tally.css",
    "css/devices.css",
    "css/narrow.css",
);
const SCRIPT: &str = texts!(
    "js/keys.js",
    "js/live.js",
    "js/stay.js",
    "js/lock.js",
    "js/timer.js",
    "js/devices.js",
    "js/import.js",
    "js/consult.js"
);

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let script = "text/javascript; charset=utf-8";
    let style = "text/css; charset=utf-8";
    vec![
        asset("app.css", style, STYLE.as_bytes()),
        asset("print.css", style, include_bytes!("../../assets/css/print.css")),
        asset("app.js", script, SCRIPT.as_bytes()),
        asset("htmx.js", script, include_bytes!("../../assets/vendor/htmx-2.0.11.min.js")),
        asset("icon.svg", "image/svg+xml", include_bytes!("../../assets/icon.svg")),
    ]
});

fn asset(name: &'static str, kind: &'static str, bytes: &'static [u8]) -> Asset {
    let hash = blake3::hash(bytes).to_hex();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let path = format!("/assets/{stem}.{}.{extension}", &hash[..16]);
    Asset { name, kind, bytes, path }
}

/// Where the asset called `name` is served; empty for one that does not exist.
pub fn path_of(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.path.as_str())
}

/// Serves an asset.
pub async fn serve(Path(name): Path<String>) -> Response {
    let named = |asset: &&Asset| asset.path.strip_prefix("/assets/") == Some(name.as_str());
    let Some(asset) = ASSETS.iter().find(named) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_that_a_template_names_exists() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let layout = std::fs::read_to_string(folder.join("layout.html")).unwrap();
        let named: Vec<_> = layout.split("path_of(\"").skip(1).collect();
        assert!(named.len() > 3, "{named:?}");
        for name in named.iter().filter_map(|rest| rest.split('"').next()) {
            assert!(!path_of(name).is_empty(), "{name} does not exist");
        }
    }

    #[test]
    fn nothing_is_written_inline_or_fetched_from_elsewhere() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("http://") && !text.contains("https://"));
            assert!(!text.contains("Storage"), "the browser keeps nothing that was typed");
        }
    }
}
