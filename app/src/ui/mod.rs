//! The component kit: semantic HTML and design tokens, one component a file.

pub mod time;
