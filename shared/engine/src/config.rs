//! Compiled config of a node or a graph's result: constant, computed, or broken.

use holon_flow::{
    NodeKind,
    capability::{Behaviour, Bodies, EffectClass, NodeError, Ports, Preview},
    definition::KindRef,
    expr::{CompiledConfig, ExprError, Meter, Scope},
};
use holon_model::{SchemaRef, Value};

/// Config, ready to be evaluated once per node.
#[derive(Debug)]
pub(crate) enum Config {
    /// Nothing dynamic in it: shared by all runs.
    Constant(Value),
    /// Some of it is computed, perhaps for each item.
    Dynamic(CompiledConfig),
    /// It cannot be read; a draft's node fails with this instead of the whole preview.
    Broken(NodeError),
}

impl Config {
    /// Compiles config; the fields at `each` are evaluated per item.
    pub(crate) fn compile(config: &Value, each: &[String]) -> (Self, Vec<(String, ExprError)>) {
        match CompiledConfig::new(config, each) {
            Ok(compiled) => match compiled.as_constant() {
                Some(constant) if each.is_empty() => (Self::Constant(constant.clone()), Vec::new()),
                _ => (Self::Dynamic(compiled), Vec::new()),
            },
            Err(errors) => {
                let first = errors.first().map_or_else(String::new, |(_, error)| error.to_string());
                (Self::Broken(NodeError::new("invalid_expression", first)), errors)
            }
        }
    }

    /// The value for these names.
    #[inline]
    pub(crate) fn eval(&self, names: &dyn Scope, meter: &mut Meter) -> Result<Value, NodeError> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Dynamic(config) => config.eval(names, meter).map_err(|(pointer, error)| {
                let mut error = NodeError::from(error);
                if !pointer.is_empty() {
                    error.detail = Value::map([("field", Value::from(pointer))]);
                }
                error
            }),
            Self::Broken(error) => Err(error.clone()),
        }
    }

    /// The value of the per-item field at `pointer`; null where there is none.
    pub(crate) fn each(&self, pointer: &str, names: &dyn Scope, meter: &mut Meter) -> Result<Value, ExprError> {
        match self {
            Self::Dynamic(config) => config.each(pointer).map_or(Ok(Value::Null), |program| program.eval(names, meter)),
            _ => Ok(Value::Null),
        }
    }
}

/// A stand-in for a kind that no capability brings: it takes any input, and its node fails when it is reached.
pub(crate) fn missing_kind(kind: &KindRef) -> NodeKind {
    NodeKind {
        name: kind.name.clone(),
        version: kind.version,
        title: kind.name.to_string(),
        summary: String::new(),
        category: String::new(),
        icon: String::new(),
        keywords: Vec::new(),
        config: SchemaRef::any(),
        input: SchemaRef::any(),
        output: SchemaRef::any(),
        ports: Ports { inputs: vec!["in".into()], outputs: vec!["out".into()], outputs_from: None, error: true },
        bodies: Bodies::None,
        effect: EffectClass::Pure,
        resources: Vec::new(),
        cacheable: false,
        delivery: false,
        preview: Preview::Run,
        sample: Value::Null,
        line: String::new(),
        defaults: Value::Null,
        local: None,
        import: None,
        behaviour: Behaviour::Pure(|_| Err(NodeError::new("unknown_kind", "there is no such node kind"))),
    }
}
