//! The editor's document: commands with inverses, history, layout, geometry, forms and outline. No view, no browser.
//!
//! The server applies the same commands to the stored document that the editor applied to its own copy: [`document::edit`].

pub mod apply;
pub mod bodies;
pub mod command;
pub mod compose;
pub mod document;
pub mod form;
pub mod fragment;
pub mod geometry;
pub mod history;
pub mod hit;
pub mod kinds;
pub mod layout;
pub mod outline;
pub mod path;
pub mod place;
pub mod private;
pub mod rebase;
pub mod rename;
pub mod replay;
pub mod session;
pub mod states;
pub mod view;
pub mod way;
pub mod worker;
pub mod written;

pub use apply::{CommandError, apply, apply_all};
pub use command::Command;
pub use fragment::Fragment;
pub use geometry::{Point, Rect};
pub use history::History;
pub use kinds::{KindInfo, Kinds};
pub use path::{GraphPath, Step};
pub use session::Session;
pub use view::GraphView;
