//! What the tests of several capabilities share: a kind of their own by its name, over config and input as JSON.

use holon_flow::{
    capability::{NodeError, Output, trial},
    expr::Meter,
};
use holon_model::{Value, json};

pub(crate) fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap()
}

pub(crate) fn call(kind: &str, config: &str, input: &str) -> Result<Output, NodeError> {
    call_with(kind, config, input, &mut Meter::new(100_000, 1_000_000))
}

pub(crate) fn call_with(kind: &str, config: &str, input: &str, meter: &mut Meter) -> Result<Output, NodeError> {
    let capability = crate::capability().unwrap();
    let kind = capability.kinds.iter().find(|known| known.reference().to_string() == kind).unwrap();
    trial::run(kind, &value(config), &value(input), meter)
}

pub(crate) fn gives(kind: &str, config: &str, input: &str, expected: &str) {
    assert_eq!(call(kind, config, input), Ok(Output::One(value(expected))), "{config} over {input}");
}

pub(crate) fn fails(kind: &str, config: &str, input: &str, code: &str) {
    assert_eq!(call(kind, config, input).map_err(|error| error.code), Err(code.to_owned()), "{config} over {input}");
}
