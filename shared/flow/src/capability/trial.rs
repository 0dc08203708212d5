//! A pure kind by itself: config compiled and evaluated, per-item fields as in a run, then the kind's function. What tests of
//! capabilities use; the machine does the same with its own names in scope.

use super::{Behaviour, Each, NodeError, NodeKind, Output, PureCall};
use crate::expr::{CompiledConfig, ExprError, MapScope, Meter, Scope};
use holon_model::{Map, Value};

/// Runs a pure kind with `input` as its only name, paid from `meter`.
///
/// # Errors
/// What the kind says, what its expressions say, and `not_pure` for a kind of another behaviour.
pub fn run(kind: &NodeKind, config: &Value, input: &Value, meter: &mut Meter) -> Result<Output, NodeError> {
    let Behaviour::Pure(function) = kind.behaviour else {
        return Err(NodeError::new("not_pure", format!("{kind:?} does not compute")));
    };
    let compiled = CompiledConfig::new(config, &kind.each_pointers(config)).map_err(|errors| {
        errors.into_iter().next().map_or_else(|| NodeError::new("syntax", "config"), |(_, error)| error.into())
    })?;
    let scope = MapScope(Value::map([("input", input.clone())]));
    let config = compiled.eval(&scope, meter).map_err(|(_, error)| NodeError::from(error))?;
    let each = Items { compiled: &compiled, scope };
    function(&mut PureCall { config: &config, input, each: &each, meter })
}

struct Items<'a> {
    compiled: &'a CompiledConfig,
    scope: MapScope,
}

impl Each for Items<'_> {
    fn eval(&self, pointer: &str, item: &Value, index: i64, meter: &mut Meter) -> Result<Value, ExprError> {
        let Some(program) = self.compiled.each(pointer) else {
            let message = format!("`{pointer}` is not a field that is evaluated per item");
            return Err(ExprError::Eval { code: "no_such_field", message, start: 0, end: 0, hint: None });
        };
        let mut names: Map = self.scope.0.as_map().cloned().unwrap_or_default();
        names.insert("item".into(), item.clone());
        names.insert("index".into(), Value::Int(index));
        program.eval(&MapScope(names.into()), meter)
    }

    fn scope(&self) -> &dyn Scope {
        &self.scope
    }
}
