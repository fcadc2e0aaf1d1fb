//! The articles that ship with the core; each is read when it is first asked for.

use std::sync::OnceLock;

use super::article::{Article, ArticleKind, SectionKinds, imaging, procedure};
use crate::content::Content;
use crate::content::source::SourceFile;

macro_rules! files {
    ($($id:literal,)+) => {
        [$(($id, concat!("procedures/", $id, ".toml"),
            include_str!(concat!("../../content/procedures/", $id, ".toml")))),+]
    };
}

/// Id, file name and text of each procedure.
pub(super) const PROCEDURES: [(&str, &str, &str); 56] = files![
    "picc",
    "nontunnelled-line",
    "tunnelled-line",
    "dialysis-catheter",
    "line-removal",
    "port",
    "port-removal",
    "fistulogram",
    "angiography",
    "angioplasty-stent",
    "embolization-gi-bleed",
    "embolization-fibroid",
    "embolization-trauma",
    "embolization-prostate",
    "embolization-bronchial",
    "biopsy-liver",
    "biopsy-liver-transjugular",
    "biopsy-lung",
    "biopsy-bone",
    "biopsy-kidney",
    "biopsy-superficial",
    "ablation-rfa",
    "ablation-microwave",
    "ablation-cryo",
    "tace",
    "y90-mapping",
    "y90",
    "portal-vein-embolization",
    "paracentesis",
    "thoracentesis",
    "chest-tube",
    "biliary-drain",
    "biliary-stent",
    "biliary-exchange",
    "cholecystostomy",
    "gastrostomy",
    "gastrojejunostomy",
    "feeding-tube-exchange",
    "tips",
    "tips-revision",
    "abscess-drain",
    "drain-check",
    "drain-removal",
    "nephrostomy",
    "nephrostomy-exchange",
    "ureteral-stent",
    "ivc-filter",
    "ivc-filter-retrieval",
    "venography",
    "thrombectomy",
    "thrombectomy-pulmonary",
    "thrombolysis",
    "venous-stent",
    "lumbar-puncture",
    "vertebroplasty",
    "joint-injection",
];
pub(super) const IMAGING: (&str, &str) =
    ("imaging.toml", include_str!("../../content/imaging.toml"));
pub(super) const SECTIONS: (&str, &str) =
    ("library.toml", include_str!("../../content/library.toml"));

fn sections() -> &'static SectionKinds {
    static SECTION_KINDS: OnceLock<SectionKinds> = OnceLock::new();
    let (name, text) = SECTIONS;
    // A test reads all of it; a build in which it fails does not ship.
    SECTION_KINDS
        .get_or_init(|| SectionKinds::parse(SourceFile::new(name, text)).unwrap_or_default())
}

/// The article on a procedure.
pub fn procedure_article(id: &str) -> Option<&'static Article> {
    static ARTICLES: [OnceLock<Option<Article>>; PROCEDURES.len()] =
        [const { OnceLock::new() }; PROCEDURES.len()];
    let at = PROCEDURES.iter().position(|(known, ..)| *known == id)?;
    let (id, name, text) = PROCEDURES[at];
    let read = || {
        let known = Content::shipped().procedure(id)?;
        procedure(SourceFile::new(name, text), known, sections()).ok()
    };
    ARTICLES[at].get_or_init(read).as_ref()
}

/// The articles on imaging, in reading order.
pub fn imaging_articles() -> &'static [Article] {
    static ARTICLES: OnceLock<Vec<Article>> = OnceLock::new();
    let (name, text) = IMAGING;
    ARTICLES.get_or_init(|| imaging(SourceFile::new(name, text), sections()).unwrap_or_default())
}

/// An article of either kind.
pub fn article(kind: ArticleKind, id: &str) -> Option<&'static Article> {
    match kind {
        ArticleKind::Procedure => procedure_article(id),
        ArticleKind::Imaging => imaging_articles().iter().find(|article| article.id == id),
    }
}

/// Every article: procedures in the order of their list, then imaging.
pub fn articles() -> impl Iterator<Item = &'static Article> {
    let procedures = PROCEDURES.iter().filter_map(|(id, ..)| procedure_article(id));
    procedures.chain(imaging_articles())
}
