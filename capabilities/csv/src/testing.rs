//! What the tests of this capability share: calling a kind with config and input.

use holon_flow::{
    capability::{Each, NodeError, PureCall, PureFn},
    expr::{ExprError, Meter, Scope},
};
use holon_model::{Value, json};

pub(crate) use holon_flow::capability::Output;

struct Nothing;

impl Each for Nothing {
    fn eval(&self, _: &str, _: &Value, _: i64, _: &mut Meter) -> Result<Value, ExprError> {
        Err(ExprError::OutOfFuel)
    }

    fn scope(&self) -> &dyn Scope {
        self
    }
}

impl Scope for Nothing {
    fn name(&self, _: &str) -> Option<Value> {
        None
    }

    fn node(&self, _: &str) -> Option<Value> {
        None
    }

    fn nodes(&self) -> Value {
        Value::Null
    }
}

pub(crate) fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap()
}

pub(crate) fn call(run: PureFn, config: &str, input: &str) -> Result<Output, NodeError> {
    call_with(run, config, input, &mut Meter::new(100_000, 1_000_000))
}

pub(crate) fn call_with(run: PureFn, config: &str, input: &str, meter: &mut Meter) -> Result<Output, NodeError> {
    let (config, input) = (value(config), value(input));
    run(&mut PureCall { config: &config, input: &input, each: &Nothing, meter })
}

pub(crate) fn gives(run: PureFn, config: &str, input: &str, expected: &str) {
    assert_eq!(call(run, config, input), Ok(Output::One(value(expected))), "{config} over {input}");
}

pub(crate) fn fails(run: PureFn, config: &str, input: &str, code: &str) {
    assert_eq!(call(run, config, input).map_err(|error| error.code), Err(code.to_owned()), "{config} over {input}");
}
