//! What the tests of this capability share: calling a kind with config and input. Per-item fields stand for a path into
//! the item, so that the tests need no evaluator: `{"$cel": "/a/b"}`.

use holon_flow::{
    capability::{Each, NodeError, Output, PureCall, PureFn},
    expr::{ExprError, Meter, Scope},
};
use holon_model::{Value, json};

struct Paths<'a>(&'a Value);

impl Each for Paths<'_> {
    fn eval(&self, pointer: &str, item: &Value, index: i64, meter: &mut Meter) -> Result<Value, ExprError> {
        meter.step(1)?;
        let path =
            self.0.pointer(pointer).and_then(|field| field.get("$cel")).and_then(Value::as_str).unwrap_or_default();
        if path == "index" {
            return Ok(Value::Int(index));
        }
        item.pointer(path).cloned().ok_or_else(|| ExprError::Eval {
            code: "no_such_field",
            message: format!("there is no `{path}`"),
            start: 0,
            end: 0,
            hint: None,
        })
    }

    fn scope(&self) -> &dyn Scope {
        self
    }
}

impl Scope for Paths<'_> {
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
    run(&mut PureCall { config: &config, input: &input, each: &Paths(&config), meter })
}

pub(crate) fn gives(run: PureFn, config: &str, input: &str, expected: &str) {
    assert_eq!(call(run, config, input), Ok(Output::One(value(expected))), "{config} over {input}");
}

pub(crate) fn fails(run: PureFn, config: &str, input: &str, code: &str) {
    assert_eq!(call(run, config, input).map_err(|error| error.code), Err(code.to_owned()), "{config} over {input}");
}
