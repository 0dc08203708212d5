//! Compiled config of a node or a graph's result: constant, computed, or broken.

use crate::{
    arena::{GraphId, NodeId},
    remember::{self, Asked, Memory},
};
use holon_flow::{
    NodeKind,
    capability::{Behaviour, Bodies, EffectClass, NodeError, Ports, Preview},
    definition::KindRef,
    expr::{CompiledConfig, ExprError, Meter, Scope},
    known::Expressions,
};
use holon_model::{SchemaRef, Value};

/// Config, ready to be evaluated once per node.
#[derive(Debug)]
pub(crate) enum Config {
    /// Nothing dynamic in it: shared by all runs.
    Constant(Value),
    /// Some of it is computed, perhaps for each item. Its values go by the number where somebody remembers them.
    Dynamic(CompiledConfig, u64),
    /// It cannot be read; a draft's node fails with this instead of the whole preview.
    Broken(NodeError),
}

impl Config {
    /// Config as it is known.
    pub(crate) fn of(config: &Expressions) -> Self {
        match config.read() {
            Ok(compiled) => match compiled.as_constant() {
                Some(constant) if config.each().is_empty() => Self::Constant(constant.clone()),
                _ => Self::Dynamic(compiled.clone(), config.number),
            },
            Err(errors) => {
                let first = errors.first().map_or_else(String::new, |(_, error)| error.to_string());
                Self::Broken(NodeError::new("invalid_expression", first))
            }
        }
    }

    /// The value for these names.
    #[inline]
    pub(crate) fn eval(&self, names: &dyn Scope, meter: &mut Meter) -> Result<Value, NodeError> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Dynamic(config, _) => config.eval(names, meter).map_err(|(pointer, error)| {
                let mut error = NodeError::from(error);
                if !pointer.is_empty() {
                    error.detail = Value::map([("field", Value::from(pointer))]);
                }
                error
            }),
            Self::Broken(error) => Err(error.clone()),
        }
    }

    /// The same, remembered from another time where there is a memory: `of` is the node whose it is, if it is one's.
    pub(crate) fn eval_once(
        &self,
        memory: Option<&Memory>,
        of: Option<(GraphId, NodeId)>,
        names: &dyn Scope,
        meter: &mut Meter,
    ) -> Result<Value, NodeError> {
        let (Self::Dynamic(_, number), Some(_)) = (self, memory) else { return self.eval(names, meter) };
        let asked = Asked { number: *number, node: of, input: None };
        let done = remember::call(memory, &asked, names, meter, &|names, meter| Ok((0, self.eval(names, meter)?)));
        done.map(|(_, value)| value)
    }

    /// The value of the per-item field at `pointer`; null where there is none.
    pub(crate) fn each(&self, pointer: &str, names: &dyn Scope, meter: &mut Meter) -> Result<Value, ExprError> {
        match self {
            Self::Dynamic(config, _) => {
                config.each(pointer).map_or(Ok(Value::Null), |program| program.eval(names, meter))
            }
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
