//! The editor's document: commands with inverses, layout. No view, no browser.
