//! Completion: what may stand at a cursor, with fields taken from real data.
