//! The server: composition root and feature slices.
