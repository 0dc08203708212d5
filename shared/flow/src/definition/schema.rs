//! The published JSON Schema of definitions (draft 2020-12): the shape that `parse` reads, for editors and API clients.
//!
//! `docs/flow.schema.json` holds it; a test keeps the two the same, and the schema and the reader of one mind.

use super::{limits, names::RESERVED};
use holon_model::{Value, json};

/// The schema.
pub fn definition_schema() -> Value {
    let text = SCHEMA
        .replace("RESERVED", &Value::list(RESERVED.iter().map(|word| Value::from(*word))).to_json())
        .replace("MAX_NODES", &limits::MAX_NODES.to_string())
        .replace("MAX_PLACES", &limits::MAX_PLACES.to_string())
        .replace("MAX_PLACE", &limits::MAX_PLACE.to_string())
        .replace("MAX_CONCURRENCY", &limits::MAX_CONCURRENCY.to_string())
        .replace("MAX_QUEUE", &limits::MAX_QUEUE.to_string())
        .replace("MAX_RATE", &limits::MAX_RATE.to_string())
        .replace("MAX_EDGES", &limits::MAX_EDGES.to_string())
        .replace("MAX_NAME", &limits::MAX_NAME.to_string())
        .replace("MAX_TEXT", &limits::MAX_TEXT.to_string())
        .replace("MAX_TAGS", &limits::MAX_TAGS.to_string())
        .replace("MAX_TAG", &limits::MAX_TAG.to_string())
        .replace("MAX_ATTEMPTS", &limits::MAX_ATTEMPTS.to_string());
    json::parse(text.as_bytes()).unwrap_or_default()
}

const SCHEMA: &str = r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Holon flow definition",
  "description": "A flow: a graph of nodes and edges, and what surrounds it. What it means is explained in flow-language.md.",
  "type": "object",
  "required": ["holon", "nodes"],
  "additionalProperties": false,
  "properties": {
    "holon": { "description": "The form of this definition.", "const": 1 },
    "name": { "description": "What people call the flow.", "type": "string", "maxLength": MAX_NAME },
    "description": { "description": "One or a few sentences.", "type": "string", "maxLength": MAX_TEXT },
    "tags": { "type": "array", "maxItems": MAX_TAGS, "items": { "type": "string", "minLength": 1, "maxLength": MAX_TAG } },
    "input": { "description": "JSON Schema of the trigger's value.", "type": ["object", "boolean"] },
    "output": { "description": "JSON Schema of the result.", "type": ["object", "boolean"] },
    "limits": {
      "description": "Bounds of the flow's runs.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "deadline": { "description": "The longest a run may take; then it fails.", "$ref": "#/$defs/duration" },
        "concurrency": {
          "description": "How many runs of the flow go on at a time.",
          "type": "object",
          "required": ["limit"],
          "additionalProperties": false,
          "properties": {
            "limit": { "description": "So many, of each key.", "type": "integer", "minimum": 1, "maximum": MAX_CONCURRENCY },
            "key": { "description": "Runs for which it gives the same stand in one line: a value or an expression over `trigger`." },
            "when_full": { "description": "What becomes of a start when so many go on.", "enum": ["queue", "refuse", "replace"], "default": "queue" },
            "queue": { "description": "How many may wait, of each key.", "type": "integer", "minimum": 1, "maximum": MAX_QUEUE, "default": 1000 }
          }
        },
        "rate": {
          "description": "How many runs of the flow begin in a time.",
          "type": "object",
          "required": ["limit", "per"],
          "additionalProperties": false,
          "properties": {
            "limit": { "description": "So many, of each key.", "type": "integer", "minimum": 1, "maximum": MAX_RATE },
            "per": { "description": "In this time.", "$ref": "#/$defs/duration" },
            "burst": { "description": "So many at once, when none began for a while; as many as `limit` unless it is said.", "type": "integer", "minimum": 1, "maximum": MAX_RATE },
            "key": { "description": "As with `concurrency`." }
          }
        }
      }
    },
    "nodes": { "$ref": "#/$defs/nodes" },
    "edges": { "$ref": "#/$defs/edges" },
    "result": { "$ref": "#/$defs/result" },
    "tests": { "description": "Tests that travel with the flow.", "type": "array" },
    "samples": { "description": "Data that preview uses for triggers and effects, by path without indices: `each/call`.", "type": "object" },
    "layout": { "description": "Where things are drawn.", "type": "object" }
  },
  "$defs": {
    "name": { "type": "string", "pattern": "^[a-z][a-z0-9_]{0,47}$" },
    "key": {
      "description": "A key of a node or of a body: no word that expressions reserve.",
      "$ref": "#/$defs/name",
      "not": { "enum": RESERVED }
    },
    "graph": {
      "description": "The body of a scope.",
      "type": "object",
      "required": ["nodes"],
      "additionalProperties": false,
      "properties": {
        "nodes": { "$ref": "#/$defs/nodes" },
        "edges": { "$ref": "#/$defs/edges" },
        "result": { "$ref": "#/$defs/result" }
      }
    },
    "nodes": {
      "description": "Nodes by key.",
      "type": "object",
      "maxProperties": MAX_NODES,
      "propertyNames": { "$ref": "#/$defs/key" },
      "additionalProperties": { "$ref": "#/$defs/node" }
    },
    "edges": { "type": "array", "maxItems": MAX_EDGES, "items": { "$ref": "#/$defs/edge" } },
    "edge": {
      "description": "From an out-port to an in-port.",
      "type": "object",
      "required": ["from", "to"],
      "additionalProperties": false,
      "properties": { "from": { "$ref": "#/$defs/end" }, "to": { "$ref": "#/$defs/end" } }
    },
    "end": {
      "description": "`key.port`, such as `hook.out`.",
      "type": "string",
      "pattern": "^[a-z][a-z0-9_]{0,47}\\.[a-z][a-z0-9_]{0,47}$"
    },
    "result": {
      "description": "The graph's output, with `{\"$cel\": \"…\"}` and `{\"$text\": \"…\"}` in it. Absent: its only sink's value, else a map of sinks by key."
    },
    "node": {
      "type": "object",
      "required": ["kind"],
      "additionalProperties": false,
      "properties": {
        "kind": {
          "description": "`name@version` of a node kind, such as `http.request@1`.",
          "type": "string",
          "pattern": "^[a-z0-9_.]+@0*[1-9][0-9]*$"
        },
        "config": { "description": "Settings; what they may be is in the kind's own schema.", "type": "object" },
        "join": {
          "description": "When the node runs, with several in-edges: all settled and one taken; all taken; at the first taken.",
          "enum": ["any", "all", "first"],
          "default": "any"
        },
        "policies": { "$ref": "#/$defs/policies" },
        "bodies": {
          "description": "The graphs that a scope holds.",
          "type": "object",
          "propertyNames": { "$ref": "#/$defs/key" },
          "additionalProperties": { "$ref": "#/$defs/graph" }
        },
        "disabled": { "description": "Whether it passes its input through instead of running.", "type": "boolean", "default": false },
        "note": { "description": "A remark for people.", "type": "string", "maxLength": MAX_TEXT }
      }
    },
    "policies": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "retry": {
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "attempts": { "description": "In all.", "type": "integer", "minimum": 1, "maximum": MAX_ATTEMPTS, "default": 3 },
            "initial": { "description": "Wait before the second attempt.", "$ref": "#/$defs/duration", "default": "1s" },
            "factor": { "description": "Each wait is this many times the one before.", "type": "number", "minimum": 1, "maximum": 100, "multipleOf": 0.01, "default": 2 },
            "max": { "description": "The longest wait.", "$ref": "#/$defs/duration", "default": "1m" },
            "jitter": { "description": "Whether up to a quarter of each wait is taken off.", "type": "boolean", "default": true }
          }
        },
        "timeout": {
          "description": "The longest it may take, all attempts included; with what the node gives then instead of failing.",
          "oneOf": [
            { "$ref": "#/$defs/duration" },
            {
              "type": "object",
              "required": ["after"],
              "additionalProperties": false,
              "properties": {
                "after": { "$ref": "#/$defs/duration" },
                "fallback": { "description": "Given instead of failing, with `{\"$cel\": \"…\"}` and `{\"$text\": \"…\"}` in it." }
              }
            }
          ]
        },
        "cache": {
          "description": "For how long an answer stands for the next one too.",
          "type": "object",
          "required": ["ttl"],
          "additionalProperties": false,
          "properties": {
            "ttl": { "description": "A day at most.", "$ref": "#/$defs/duration" },
            "key": { "description": "Effects of the node for which it gives the same have one answer: a value, or an expression over `input` and `config`." }
          }
        },
        "concurrency": {
          "description": "How many of the node go on at a time within a run; the others wait their turn.",
          "type": "object",
          "required": ["limit"],
          "additionalProperties": false,
          "properties": {
            "limit": { "description": "So many.", "type": "integer", "minimum": 1, "maximum": MAX_CONCURRENCY }
          }
        },
        "redact": {
          "description": "Places in what the node is given from outside that are replaced before anything is kept: JSON pointers, with `*` for every member or item.",
          "type": "array",
          "maxItems": MAX_PLACES,
          "items": { "type": "string", "maxLength": MAX_PLACE, "pattern": "^(/.*)?$" }
        }
      }
    },
    "duration": {
      "description": "Such as `30s`, `1h30m` or `250ms` (w, d, h, m, s, ms), or milliseconds.",
      "oneOf": [
        { "type": "string", "pattern": "^\\s*[0-9]+(w|d|h|ms|m|s)(\\s*[0-9]+(w|d|h|ms|m|s))*\\s*$" },
        { "type": "integer", "minimum": 0 }
      ]
    }
  }
}"##;
