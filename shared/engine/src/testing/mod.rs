//! A small catalogue, a generator of flows, oracles and a corpus: for tests, the parity gate and benchmarks.
//!
//! Everything here is integer arithmetic on a seed, so that native code and wasm32 build the same flows and schedules.

pub mod corpus;
pub mod edit;
pub mod generate;
pub mod rng;
pub mod world;

use crate::{Compiled, Input, RunInfo, Stamped, compile};
use holon_flow::{
    Capability, Catalogue, Definition,
    capability::{NodeError, Output, PureCall},
};
use holon_model::{Payload, RunId, Timestamp, Value, json};
use std::sync::Arc;

/// The kinds of tests: primitives under their own names, two pure kinds and an effect.
///
/// # Panics
/// When this folder's manifest is not right.
pub fn catalogue() -> Catalogue {
    let capability =
        Capability::from_manifest(include_str!("capability.json"), &[("test.set@1", set), ("test.pick@1", pick)]);
    Catalogue::new(vec![capability.expect("the manifest of the test kinds is right")])
}

/// Config: `{value}`, passed on; without one the input.
fn set(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    Ok(Output::One(call.config.get("value").unwrap_or(call.input).clone()))
}

/// Config: `{where}` for each item of the input; without any item that holds, the input on `none`.
fn pick(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    let items = call.input.as_list().ok_or_else(|| NodeError::new("type_mismatch", "the input must be a list"))?;
    let mut kept = Vec::new();
    for (index, item) in (0..).zip(items) {
        call.meter.step(1)?;
        if call.each.eval("/where", item, index, call.meter)? == Value::Bool(true) {
            kept.push(item.clone());
        }
    }
    Ok(if kept.is_empty() { Output::Port("none".into(), call.input.clone()) } else { Output::One(Value::from(kept)) })
}

/// A definition from its JSON text.
///
/// # Panics
/// When the text is not a definition.
pub fn definition(text: &str) -> Definition {
    let value = json::parse(text.as_bytes()).expect("the definition is JSON");
    Definition::from_value(&value).expect("the JSON is a definition")
}

/// A compiled flow from its definition's JSON text.
///
/// # Panics
/// When the text is not a definition that compiles with the test catalogue.
pub fn flow(text: &str) -> Arc<Compiled> {
    compile(&definition(text), &catalogue()).expect("the definition compiles")
}

/// The run with this number.
pub fn run_id(number: u32) -> RunId {
    RunId::from(uuid::Uuid::from_u128(u128::from(number) << 64 | 1))
}

/// A start at time 1,000 with this input and seed.
pub fn start(input: Value, seed: u64) -> Stamped<Input> {
    let at = Timestamp(1_000);
    Stamped::new(at, Input::Start { input: Payload::Inline(input), run: Box::new(RunInfo::new(run_id(1), seed, at)) })
}
