//! The durable runtime: Store, committer, loop, timers, effect pools.
