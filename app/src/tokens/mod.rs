//! Personal API tokens: for programs that act as their maker.

pub mod api;
mod create;
mod page;
pub(crate) mod strings;

pub use page::TokensPage;
