//! Bounds of definitions: what is read at all. They keep hostile input cheap; no honest flow comes near them.

/// Nodes in all graphs of a definition together.
pub const MAX_NODES: usize = 10_000;
/// Edges in all graphs of a definition together.
pub const MAX_EDGES: usize = 40_000;
/// Graphs inside graphs: the definition's own graph is depth 0.
pub const MAX_DEPTH: usize = 16;
/// Weight of a definition, in bytes as [`holon_model::Value::weight`] counts.
pub const MAX_WEIGHT: u64 = 16 * 1024 * 1024;
/// Characters of a flow's name.
pub const MAX_NAME: usize = 200;
/// Characters of a description or a note.
pub const MAX_TEXT: usize = 10_000;
/// Tags of a flow.
pub const MAX_TAGS: usize = 50;
/// Characters of a tag.
pub const MAX_TAG: usize = 64;
/// Problems reported at once; a last one says that there are more.
pub const MAX_DIAGNOSTICS: usize = 200;
/// Attempts of a retry policy.
pub const MAX_ATTEMPTS: u32 = 100;
/// Longest duration a definition may state: about a hundred years, in milliseconds.
pub const MAX_DURATION: u64 = 100 * 365 * 24 * 60 * 60 * 1000;
/// Longest time for which an answer is good, in milliseconds: a day. No history is kept for less, so that what is kept of an answer
/// never outlives the run that it was given to.
pub const MAX_TTL: u64 = 24 * 60 * 60 * 1000;
/// Places that a node names of what is not to be kept.
pub const MAX_PLACES: usize = 100;
/// Bytes of such a place.
pub const MAX_PLACE: usize = 512;
/// Runs of a flow, or instances of a node in a run, that may go on at a time.
pub const MAX_CONCURRENCY: u32 = 10_000;
/// Runs of a flow that may wait, of each key.
pub const MAX_QUEUE: u32 = 10_000;
/// Runs of a flow that may begin in the time of a rate limit.
pub const MAX_RATE: u32 = 1_000_000;
