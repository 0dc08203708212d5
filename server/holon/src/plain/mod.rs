//! Pages for people who follow a link and are not signed in: plain HTML that works without scripts, in both colour schemes.
//!
//! Forms are drawn from a JSON Schema with the fields that the app draws, and read back from what a browser sends.

mod check;
mod draw;
mod html;
mod page;
mod read;
mod strings;

pub use check::mismatches;
pub use draw::{Draw, shown};
pub use html::{Html, element, text, void};
pub use page::{Page, gone, icon, moment, notice, trouble};
pub use read::{Data, FORM, MOST_FORM, fields, read};
