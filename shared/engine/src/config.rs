//! Compiled config of a node or a graph's result: constant, computed, or broken.

use holon_flow::{
    NodeKind,
    capability::{Behaviour, Bodies, EffectClass, NodeError, Ports, Preview},
    definition::KindRef,
    expr::{ExprError, Meter, Scope},
};
use holon_model::{SchemaRef, Value};

/// Config, ready to be evaluated once per node.
#[derive(Debug)]
pub(crate) enum Config {
    /// Nothing dynamic in it: shared by all runs.
    Constant(Value),
    /// It cannot be read; a draft's node fails with this instead of the whole preview.
    Broken(NodeError),
}

impl Config {
    pub(crate) fn compile(config: &Value, _each: &[String]) -> (Self, Vec<(String, ExprError)>) {
        (Self::Constant(config.clone()), Vec::new())
    }

    /// The value for these names.
    #[inline]
    pub(crate) fn eval(&self, _names: &dyn Scope, _meter: &mut Meter) -> Result<Value, NodeError> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Broken(error) => Err(error.clone()),
        }
    }

    pub(crate) fn each(
        &self,
        _pointer: &str,
        _names: &dyn Scope,
        _meter: &mut Meter,
    ) -> Result<Value, ExprError> {
        Ok(Value::Null)
    }
}

/// A stand-in for a kind that no capability brings: it takes any input, and its node fails when it is reached.
pub(crate) fn missing_kind(kind: &KindRef) -> NodeKind {
    NodeKind {
        name: kind.name.clone(),
        version: kind.version,
        title: kind.name.to_string(),
        summary: String::new(),
        documentation: String::new(),
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
        preview: Preview::Run,
        sample: Value::Null,
        line: String::new(),
        defaults: Value::Null,
        import: None,
        behaviour: Behaviour::Pure(|_| Err(NodeError::new("unknown_kind", "there is no such node kind"))),
    }
}
