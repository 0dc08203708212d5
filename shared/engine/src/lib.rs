//! The machine: a definition and stamped inputs in, decisions out. No clock, no randomness, no I/O.
