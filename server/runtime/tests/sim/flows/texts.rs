//! The flows that are written by hand: nodes that say after which one they come.

/// Flows that call no other one, first in the list; others may call them.
pub const LEAVES: &[&str] = &[
    // Three effects, one after the other.
    r#"{"a": {"kind": "test.call@1"}, "b": {"kind": "test.call@1", "after": "a"}, "c": {"kind": "test.call@1", "after": "b"}}"#,
    // Trying again, and an error that is caught.
    r#"{"t": {"kind": "try@1", "bodies": {"body": {"a": {"kind": "test.call@1", "policies": {"retry": {"attempts": 3, "initial": "200ms"}}}},
        "catch": {"c": {"kind": "test.call@1"}}, "finally": {"f": {"kind": "test.call@1"}}}}, "z": {"kind": "test.call@1", "after": "t"}}"#,
    // What must not be done twice.
    r#"{"a": {"kind": "test.call@1"}, "t": {"kind": "try@1", "after": "a", "bodies": {"body": {"o": {"kind": "test.once@1"}},
        "catch": {"c": {"kind": "test.call@1"}}}}, "p": {"kind": "test.once@1", "after": "t", "policies": {"timeout": "2s"}}}"#,
    // Branches, a race, a list.
    r#"{"p": {"kind": "parallel@1", "bodies": {"l": {"a": {"kind": "test.call@1"}}, "m": {"b": {"kind": "test.call@1"}}, "r": {"w": {"kind": "flow.wait@1", "config": {"for": "700ms"}}}}},
        "r": {"kind": "race@1", "after": "p", "bodies": {"fast": {"a": {"kind": "test.call@1"}}, "slow": {"w": {"kind": "flow.wait@1", "config": {"for": "30ms"}}}}},
        "e": {"kind": "map@1", "after": "r", "config": {"items": {"$cel": "[1, 2, 3, 4, 5]"}, "concurrency": 2, "gather": "all_settled"}, "bodies": {"body": {"a": {"kind": "test.call@1"}}}}}"#,
    // A snapshot before a long sleep.
    r#"{"e": {"kind": "map@1", "config": {"items": {"$cel": "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]"}, "concurrency": 4, "gather": "all_settled"}, "bodies": {"body": {"a": {"kind": "test.call@1"}}}},
        "w": {"kind": "flow.wait@1", "config": {"for": "65s"}, "after": "e"}, "z": {"kind": "test.call@1", "after": "w"}}"#,
    // Values that stand beside the journal.
    r#"{"big": {"kind": "test.call@1", "policies": {"retry": {"attempts": 2, "initial": "50ms"}}}, "big2": {"kind": "test.call@1", "after": "big"}, "c": {"kind": "test.call@1", "config": {"value": 1}, "after": "big2"}}"#,
    // Undone, always.
    r#"{"s": {"kind": "saga@1", "config": {"steps": [{"step": "one", "compensate": "undo_one"}, {"step": "two", "compensate": "undo_two"}, {"step": "four", "compensate": "undo_four"}, {"step": "three"}]},
        "bodies": {"one": {"a": {"kind": "test.call@1"}}, "undo_one": {"u": {"kind": "test.call@1"}}, "two": {"a": {"kind": "test.call@1"}}, "undo_two": {"u": {"kind": "test.call@1"}},
        "four": {"a": {"kind": "test.call@1"}}, "undo_four": {"u": {"kind": "test.call@1"}}, "three": {"n": {"kind": "flow.fail@1", "config": {"code": "no", "message": "no"}}}}}}"#,
    // Undone when it must be, with a pause in between.
    r#"{"s": {"kind": "saga@1", "config": {"steps": [{"step": "one", "compensate": "undo_one", "retry": {"attempts": 2, "initial": "100ms"}}, {"step": "two", "compensate": "undo_two", "retry": {"attempts": 1}}, {"step": "three"}]},
        "bodies": {"one": {"a": {"kind": "test.call@1"}}, "undo_one": {"u": {"kind": "test.call@1"}}, "two": {"w": {"kind": "flow.wait@1", "config": {"for": "1s"}}, "a": {"kind": "test.call@1", "after": "w"}},
        "undo_two": {"u": {"kind": "test.call@1"}}, "three": {"a": {"kind": "test.call@1"}, "b": {"kind": "test.call@1", "after": "a"}}}}}"#,
    // Signals, in order, early ones too.
    r#"{"a": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": "x"}}, "c": {"kind": "test.call@1", "after": "a"},
        "b": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": "x"}, "after": "c"}, "d": {"kind": "flow.signal@1", "config": {"name": "sent"}, "policies": {"timeout": {"after": "8s", "fallback": 0}}, "after": "b"}}"#,
    // People.
    r#"{"q": {"kind": "flow.approval@1", "config": {"title": "May it?", "choices": [{"port": "yes"}, {"port": "no"}], "assignees": ["team"], "due": "3s", "escalate_to": ["boss"]}},
        "y": {"kind": "test.call@1", "after": "q.yes"}, "n": {"kind": "test.once@1", "after": "q.no"}}"#,
    // Time.
    r#"{"w": {"kind": "flow.wait@1", "config": {"for": "2s"}}, "a": {"kind": "test.call@1", "after": "w"}, "x": {"kind": "flow.wait@1", "config": {"for": "70s"}, "after": "a"}, "b": {"kind": "test.call@1", "after": "x"}}"#,
    // Answers before it ends.
    r#"{"a": {"kind": "test.call@1"}, "r": {"kind": "flow.respond@1", "config": {"status": 200}, "after": "a"}, "b": {"kind": "test.call@1", "after": "r"}}"#,
    // Again and again.
    r#"{"l": {"kind": "loop@1", "config": {"while": {"$cel": "index < 4"}, "max": 6}, "bodies": {"body": {"a": {"kind": "test.call@1"}}}}, "b": {"kind": "test.call@1", "after": "l"}}"#,
    // Goes on in another run, twice, with the signals that came early: each run takes one of them.
    r#"{"c": {"kind": "when@1", "config": {"if": {"$cel": "input > 0"}}}, "s": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": "x"}, "policies": {"timeout": {"after": "2s", "fallback": 0}}, "after": "c.true"},
        "a": {"kind": "test.call@1", "after": "s"},
        "g": {"kind": "flow.continue@1", "config": {"input": {"$cel": "trigger - 1"}}, "after": "a"}, "z": {"kind": "test.call@1", "after": "c.false"}}"#,
    // Enough inputs for a snapshot while it is at work.
    r#"{"e": {"kind": "map@1", "config": {"items": {"$cel": "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(x, [1, 2, 3, 4, 5, 6, 7])"}, "concurrency": 3, "gather": "all_settled"},
        "bodies": {"body": {"i": {"kind": "map@1", "config": {"items": {"$cel": "input"}, "concurrency": 2, "gather": "all_settled"}, "bodies": {"body": {"a": {"kind": "test.call@1"}}}}}}}}"#,
    // Counts in Holon's own database, with every result once.
    r#"{"n": {"kind": "state.increment@1", "config": {"key": "runs"}}, "a": {"kind": "test.call@1", "after": "n"},
        "e": {"kind": "map@1", "config": {"items": {"$cel": "[1, 2, 3]"}, "concurrency": 3, "gather": "all_settled"}, "bodies": {"body": {"m": {"kind": "state.increment@1", "config": {"key": "runs"}}}}, "after": "a"}}"#,
    // Nothing but computing.
    r#"{"a": {"kind": "test.set@1", "config": {"value": {"$cel": "[1, 2, 3].map(x, x * 2)"}}}, "b": {"kind": "test.set@1", "after": "a"}}"#,
];

/// Flows that call the leaves.
pub const CALLERS: &[&str] = &[
    r#"{"f": {"kind": "flow@1", "config": {"flow": "LEAF0", "input": 1}}, "z": {"kind": "test.call@1", "after": "f"}}"#,
    r#"{"p": {"kind": "parallel@1", "bodies": {"l": {"f": {"kind": "flow@1", "config": {"flow": "LEAF6", "input": 1}}}, "r": {"f": {"kind": "flow@1", "config": {"flow": "LEAF3", "input": 1}}}}}}"#,
    r#"{"f": {"kind": "flow@1", "config": {"flow": "LEAF2", "input": 1}, "policies": {"retry": {"attempts": 3, "initial": "300ms"}}}, "z": {"kind": "test.call@1", "after": "f"}}"#,
    r#"{"f": {"kind": "flow@1", "config": {"flow": "LEAF13", "input": 3}}, "z": {"kind": "test.call@1", "after": "f"}}"#,
    r#"{"r": {"kind": "race@1", "bodies": {"l": {"f": {"kind": "flow@1", "config": {"flow": "LEAF10", "input": 1}}}, "w": {"w": {"kind": "flow.wait@1", "config": {"for": "3s"}}}}}, "z": {"kind": "test.call@1", "after": "r"}}"#,
    r#"{"f": {"kind": "flow@1", "config": {"flow": "LEAF8", "input": 1}, "policies": {"timeout": "9s"}}, "z": {"kind": "test.call@1"}}"#,
];

/// What came later, each with its limits: `LATEST` and a number call one of them.
pub const LATEST: &[(&str, &str)] = &[
    // One at a time.
    (
        r#"{"concurrency": {"limit": 1}}"#,
        r#"{"a": {"kind": "test.call@1"}, "w": {"kind": "flow.wait@1", "config": {"for": "400ms"}, "after": "a"}, "b": {"kind": "test.call@1", "after": "w"}}"#,
    ),
    // Two at a time of each of two lines.
    (
        r#"{"concurrency": {"limit": 2, "key": {"$cel": "trigger == 2 ? 'two' : 'other'"}}}"#,
        r#"{"a": {"kind": "test.call@1"}, "b": {"kind": "test.once@1", "after": "a"}, "w": {"kind": "flow.wait@1", "config": {"for": "300ms"}, "after": "b"}}"#,
    ),
    // What has no place is refused.
    (
        r#"{"concurrency": {"limit": 2, "when_full": "refuse"}}"#,
        r#"{"a": {"kind": "test.call@1"}, "w": {"kind": "flow.wait@1", "config": {"for": "600ms"}, "after": "a"}}"#,
    ),
    // The newest one wins.
    (
        r#"{"concurrency": {"limit": 1, "when_full": "replace"}}"#,
        r#"{"a": {"kind": "test.call@1"}, "w": {"kind": "flow.wait@1", "config": {"for": "2s"}, "after": "a"}, "b": {"kind": "test.call@1", "after": "w"}}"#,
    ),
    // Few may wait.
    (
        r#"{"concurrency": {"limit": 1, "queue": 2}}"#,
        r#"{"a": {"kind": "test.call@1"}, "w": {"kind": "flow.wait@1", "config": {"for": "900ms"}, "after": "a"}}"#,
    ),
    // Its place is handed on.
    (
        r#"{"concurrency": {"limit": 1}}"#,
        r#"{"c": {"kind": "when@1", "config": {"if": {"$cel": "input == 2 || input == 1"}}}, "a": {"kind": "test.call@1", "after": "c.true"},
         "g": {"kind": "flow.continue@1", "config": {"input": {"$cel": "trigger - 1"}}, "after": "a"}, "z": {"kind": "test.call@1", "after": "c.false"}}"#,
    ),
    // Its place is kept while it sleeps.
    (
        r#"{"concurrency": {"limit": 1}}"#,
        r#"{"s": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": "x"}, "policies": {"timeout": {"after": "5s", "fallback": 0}}}, "a": {"kind": "test.call@1", "after": "s"}}"#,
    ),
    // So many in a time.
    (
        r#"{"rate": {"limit": 2, "per": "1m", "burst": 1}}"#,
        r#"{"a": {"kind": "test.call@1"}, "b": {"kind": "test.call@1", "after": "a"}}"#,
    ),
    // A call that waits for its place, wanted and not wanted any more.
    (
        "{}",
        r#"{"f": {"kind": "flow@1", "config": {"flow": "LATEST0", "input": 1}}, "z": {"kind": "test.call@1", "after": "f"}}"#,
    ),
    (
        r#"{"concurrency": {"limit": 2}}"#,
        r#"{"r": {"kind": "race@1", "bodies": {"l": {"f": {"kind": "flow@1", "config": {"flow": "LATEST4", "input": 1}}}, "w": {"w": {"kind": "flow.wait@1", "config": {"for": "700ms"}}}}}, "z": {"kind": "test.call@1", "after": "r"}}"#,
    ),
    // For workers: tried again, and what is wrong is dealt with.
    (
        "{}",
        r#"{"t": {"kind": "try@1", "bodies": {"body": {"a": {"kind": "worker.task@1", "config": {"pool": "images", "name": "resize", "timeout": "20s", "heartbeat": "2s"}, "policies": {"retry": {"attempts": 3, "initial": "200ms"}}}},
        "catch": {"c": {"kind": "test.call@1"}}}}, "z": {"kind": "test.call@1", "after": "t"}}"#,
    ),
    // For many workers at once.
    (
        "{}",
        r#"{"e": {"kind": "map@1", "config": {"items": {"$cel": "[1, 2, 3, 4]"}, "concurrency": 3, "gather": "all_settled"},
        "bodies": {"body": {"a": {"kind": "worker.task@1", "config": {"pool": "images", "name": "resize", "input": {"$cel": "item"}, "timeout": "12s", "heartbeat": "1s"}}}}}, "z": {"kind": "test.once@1", "after": "e"}}"#,
    ),
    // Taken back from workers.
    (
        "{}",
        r#"{"r": {"kind": "race@1", "bodies": {"l": {"a": {"kind": "worker.task@1", "config": {"pool": "images", "name": "resize", "timeout": "30s", "heartbeat": "3s"}}}, "w": {"w": {"kind": "flow.wait@1", "config": {"for": "1s"}}}}},
        "s": {"kind": "saga@1", "after": "r", "config": {"steps": [{"step": "one", "compensate": "undo_one"}, {"step": "three"}]},
        "bodies": {"one": {"a": {"kind": "worker.task@1", "config": {"pool": "other", "name": "book", "timeout": "9s", "heartbeat": "1s"}}}, "undo_one": {"u": {"kind": "test.call@1"}}, "three": {"a": {"kind": "test.call@1"}}}}}"#,
    ),
    // Events, one after the other and many at once.
    (
        "{}",
        r#"{"p": {"kind": "event.publish@1", "config": {"subject": "orders.made"}}, "a": {"kind": "test.call@1", "after": "p"},
        "e": {"kind": "map@1", "config": {"items": {"$cel": "[1, 2, 3]"}, "concurrency": 2, "gather": "all_settled"}, "bodies": {"body": {"p": {"kind": "event.publish@1", "config": {"subject": "orders.line", "data": {"$cel": "item * 2"}}}}}, "after": "a"},
        "z": {"kind": "test.once@1", "after": "e"}}"#,
    ),
    // Counts and keeps, at once.
    (
        "{}",
        r#"{"p": {"kind": "parallel@1", "bodies": {"l": {"n": {"kind": "state.increment@1", "config": {"key": "runs"}}}, "r": {"n": {"kind": "state.increment@1", "config": {"key": "runs"}}}}},
        "k": {"kind": "state.put@1", "config": {"key": "last", "value": {"$cel": "run.id"}}, "after": "p"}, "a": {"kind": "test.call@1", "after": "k"},
        "n": {"kind": "state.increment@1", "config": {"key": "runs"}, "after": "a"}}"#,
    ),
    // Answers that are used again: in the run itself, by what was asked.
    (
        "{}",
        r#"{"e": {"kind": "map@1", "config": {"items": {"$cel": "[1, 1, 2, 1]"}, "concurrency": 1, "gather": "all_settled"}, "bodies": {"body": {"kept": {"kind": "test.call@1", "policies": {"cache": {"ttl": "20s"}}},
        "w": {"kind": "flow.wait@1", "config": {"for": "100ms"}, "after": "kept"}}}}, "z": {"kind": "test.once@1", "after": "e"}}"#,
    ),
    // By a key of their own, for a short time.
    (
        "{}",
        r#"{"kept_by_key": {"kind": "test.call@1", "policies": {"cache": {"ttl": "2s", "key": "one"}, "retry": {"attempts": 2, "initial": "200ms"}}}, "w": {"kind": "flow.wait@1", "config": {"for": "1500ms"}, "after": "kept_by_key"},
        "kept": {"kind": "test.call@1", "config": {"value": 7}, "policies": {"cache": {"ttl": "3s"}}, "after": "w"}, "z": {"kind": "test.once@1", "after": "kept"}}"#,
    ),
    // Batches: what several runs bring, each its own.
    (
        "{}",
        r#"{"c": {"kind": "batch@1", "config": {"size": 3, "within": "2s"}, "bodies": {"body": {"a": {"kind": "test.call@1"}, "s": {"kind": "test.set@1", "config": {"value": {"$cel": "trigger.map(x, [x, size(trigger)])"}}, "after": "a"}}}},
        "z": {"kind": "test.once@1", "after": "c"}}"#,
    ),
    // Of two keys, tried again, with a time of its own; what comes out is everybody's.
    (
        r#"{"concurrency": {"limit": 3}}"#,
        r#"{"t": {"kind": "try@1", "bodies": {"body": {"c": {"kind": "batch@1", "config": {"size": 2, "within": "700ms", "key": {"$cel": "input == 2 ? 'two' : 'other'"}}, "policies": {"retry": {"attempts": 3, "initial": "200ms"}, "timeout": "5s"},
        "bodies": {"body": {"o": {"kind": "test.once@1"}, "n": {"kind": "state.increment@1", "config": {"key": "runs"}, "after": "o"}}}}},
        "catch": {"e": {"kind": "test.call@1"}}}}, "z": {"kind": "test.call@1", "after": "t"}}"#,
    ),
    // Items that are not wanted any more, before and after their batch has begun.
    (
        "{}",
        r#"{"r": {"kind": "race@1", "bodies": {"l": {"c": {"kind": "batch@1", "config": {"size": 2, "within": "900ms", "item": {"$cel": "run.id"}}, "bodies": {"body": {"a": {"kind": "test.call@1"}, "w": {"kind": "flow.wait@1", "config": {"for": "300ms"}, "after": "a"}, "s": {"kind": "test.set@1", "config": {"value": {"$cel": "trigger"}}, "after": "w"}}}}},
        "w": {"w": {"kind": "flow.wait@1", "config": {"for": "1s"}}}}}, "z": {"kind": "test.once@1", "after": "r"}}"#,
    ),
    // Many of one run, and batches of what comes out of batches.
    (
        "{}",
        r#"{"e": {"kind": "map@1", "config": {"items": {"$cel": "[1, 2, 3, 4, 5]"}, "concurrency": 4, "gather": "all_settled"}, "bodies": {"body": {"c": {"kind": "batch@1", "config": {"size": 3, "within": "500ms", "item": {"$cel": "item"}},
        "bodies": {"body": {"d": {"kind": "batch@1", "config": {"size": 2, "within": "200ms"}, "bodies": {"body": {"a": {"kind": "test.call@1"}}}}}}}}}}, "z": {"kind": "test.once@1", "after": "e"}}"#,
    ),
];
