//! The library: what a student reads about a procedure or an imaging topic, in half a minute or in whole.
//!
//! An article is data: `content/procedures/` one a file, `content/imaging.toml`. Which sections it has is
//! data too (`content/library.toml`). Every statement with a figure names its source.

mod article;
mod rows;
mod search;
mod shipped;
#[cfg(test)]
mod tests;

pub use article::{Article, ArticleEntry, ArticleKind, ArticleRisk, ArticleSection, ArticleSource};
pub use search::{LibraryHit, search};
pub use shipped::{article, articles, imaging_articles, procedure_article};
