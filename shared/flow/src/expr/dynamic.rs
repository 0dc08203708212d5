//! Config: constants with `{"$cel": "…"}` and `{"$text": "…"}` among them, compiled once and evaluated once a node.

use super::program::{Name, Program};
use super::{ExprError, Meter, Scope, ops};
use holon_model::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An error in config: the JSON pointer to the dynamic value, and what is wrong with it.
pub type Located = (String, ExprError);

/// Deepest nesting of config.
const MAX_DEPTH: usize = 96;

/// Config ready to be evaluated. Clones share it.
#[derive(Debug, Clone)]
pub struct CompiledConfig(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: Part,
    programs: Vec<(String, Program)>,
    each: BTreeMap<String, Program>,
}

/// The name of the contract for [`CompiledConfig`].
pub type Compiled = CompiledConfig;

/// A part of config.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Const(Value),
    Program(Program),
    List(Box<[Part]>),
    Map(Box<[(Arc<str>, Part)]>),
}

/// What a map means in config.
enum Meaning<'v> {
    Plain,
    Expression(&'v str),
    Text(&'v str),
    Escaped(Arc<str>, &'v Value),
    Wrong(&'static str),
}

/// `{"$cel": …}` and `{"$text": …}` are dynamic only by themselves; one more `$` makes them constants.
fn meaning(map: &Map) -> Meaning<'_> {
    let dynamic = |key: &str| matches!(key, "$cel" | "$text");
    if map.len() != 1 {
        return if map.keys().any(|key| dynamic(key)) {
            Meaning::Wrong("`$cel` and `$text` stand alone in their map")
        } else {
            Meaning::Plain
        };
    }
    let Some((key, value)) = map.iter().next() else { return Meaning::Plain };
    match (&**key, value) {
        ("$cel", Value::Str(source)) => Meaning::Expression(source),
        ("$text", Value::Str(source)) => Meaning::Text(source),
        ("$cel" | "$text", _) => Meaning::Wrong("the value of `$cel` and `$text` is text"),
        (key, value) if key.starts_with("$$") && dynamic(last_dollar(key)) => Meaning::Escaped(key[1..].into(), value),
        _ => Meaning::Plain,
    }
}

/// `$$$cel` from its last dollar on.
fn last_dollar(key: &str) -> &str {
    key.rfind('$').map_or("", |at| &key[at..])
}

impl CompiledConfig {
    /// Compiles config. The values at the pointers in `each` are compiled apart and stay as they were written.
    ///
    /// # Errors
    /// Each dynamic value that is not an expression or text, with its pointer.
    pub fn new(config: &Value, each: &[String]) -> Result<Self, Vec<Located>> {
        let mut compiler = Compiler {
            errors: Vec::new(),
            programs: Vec::new(),
            each: each.iter().map(String::as_str).collect(),
            found: BTreeMap::new(),
        };
        let root = compiler.part(config, &mut String::new(), 0, true);
        if compiler.errors.is_empty() {
            Ok(Self(Arc::new(Inner { root, programs: compiler.programs, each: compiler.found })))
        } else {
            Err(compiler.errors)
        }
    }

    /// Config with its dynamic values evaluated, those of each item apart.
    ///
    /// # Errors
    /// The first dynamic value that has none, with its pointer.
    pub fn eval(&self, scope: &dyn Scope, meter: &mut Meter) -> Result<Value, Located> {
        self.0.root.eval(scope, meter)
    }

    /// The program of a value that is evaluated for each item.
    pub fn each(&self, pointer: &str) -> Option<&Program> {
        self.0.each.get(pointer)
    }

    /// Config, when nothing in it is dynamic.
    pub fn as_constant(&self) -> Option<&Value> {
        if let Part::Const(value) = &self.0.root { Some(value) } else { None }
    }

    /// All programs with the pointers they stand at, those of each item included.
    pub fn programs(&self) -> impl Iterator<Item = (&str, &Program)> {
        self.0.programs.iter().map(|(pointer, program)| (pointer.as_str(), program))
    }

    /// Whether a pointer lies in a value that is evaluated for each item, so that `item` and `index` are its own.
    pub fn is_each(&self, pointer: &str) -> bool {
        self.0.each.keys().any(|each| {
            pointer.strip_prefix(each.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

struct Compiler<'c> {
    errors: Vec<Located>,
    programs: Vec<(String, Program)>,
    each: Vec<&'c str>,
    found: BTreeMap<String, Program>,
}

fn wrong(message: &str) -> ExprError {
    ExprError::Syntax {
        message: message.to_owned(),
        start: 0,
        end: 0,
        hint: Some("write `$$cel` or `$$text` for a constant map with this key".to_owned()),
    }
}

impl Compiler<'_> {
    /// A part; with `apart` the values of each item are found and kept as they are.
    fn part(&mut self, value: &Value, pointer: &mut String, depth: usize, apart: bool) -> Part {
        if depth > MAX_DEPTH {
            self.errors.push((pointer.clone(), wrong("the nesting of config is deeper than 96")));
            return Part::Const(Value::Null);
        }
        if apart && self.each.contains(&pointer.as_str()) {
            let known = self.programs.len();
            let program = match self.part(value, pointer, depth, false) {
                Part::Const(value) => Program::constant(value),
                Part::Program(program) => program,
                part => {
                    let names: Vec<Name> =
                        self.programs[known..].iter().flat_map(|(_, program)| program.names().to_vec()).collect();
                    Program::config(part, names)
                }
            };
            self.found.insert(pointer.clone(), program);
            return Part::Const(value.clone());
        }
        match value {
            Value::Map(map) => self.map(map, value, pointer, depth, apart),
            Value::List(items) => {
                let items = items.iter().enumerate();
                let parts: Vec<Part> =
                    items.map(|(index, item)| self.child(&index.to_string(), item, pointer, depth, apart)).collect();
                if parts.iter().all(|part| matches!(part, Part::Const(_))) {
                    return Part::Const(Value::list(parts.into_iter().map(Part::into_constant)));
                }
                Part::List(parts.into())
            }
            other => Part::Const(other.clone()),
        }
    }

    fn child(&mut self, token: &str, value: &Value, pointer: &mut String, depth: usize, apart: bool) -> Part {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
        let part = self.part(value, pointer, depth + 1, apart);
        pointer.truncate(length);
        part
    }

    fn map(&mut self, map: &Map, value: &Value, pointer: &mut String, depth: usize, apart: bool) -> Part {
        let compiled = match meaning(map) {
            Meaning::Plain => {
                let fields =
                    map.iter().map(|(key, value)| (key.clone(), self.child(key, value, pointer, depth, apart)));
                let fields: Vec<(Arc<str>, Part)> = fields.collect();
                if fields.iter().all(|(_, part)| matches!(part, Part::Const(_))) {
                    return Part::Const(Value::map(fields.into_iter().map(|(key, part)| (key, part.into_constant()))));
                }
                return Part::Map(fields.into());
            }
            Meaning::Escaped(key, inner) => {
                let part = self.child(&format!("${key}"), inner, pointer, depth, apart);
                return match part {
                    Part::Const(value) => Part::Const(Value::map([(key, value)])),
                    part => Part::Map(Box::new([(key, part)])),
                };
            }
            Meaning::Expression(source) => Program::compile(source),
            Meaning::Text(source) => Program::text(source),
            Meaning::Wrong(message) => Err(wrong(message)),
        };
        match compiled {
            Ok(program) => {
                self.programs.push((pointer.clone(), program.clone()));
                Part::Program(program)
            }
            Err(error) => {
                self.errors.push((pointer.clone(), error));
                Part::Const(value.clone())
            }
        }
    }
}

impl Part {
    fn into_constant(self) -> Value {
        if let Self::Const(value) = self { value } else { Value::Null }
    }

    /// The value; constants are shared, what is made is charged.
    pub(super) fn eval(&self, scope: &dyn Scope, meter: &mut Meter) -> Result<Value, Located> {
        let here = |error: ExprError| (String::new(), error);
        match self {
            Self::Const(value) => Ok(value.clone()),
            Self::Program(program) => program.eval(scope, meter).map_err(here),
            Self::List(parts) => {
                meter.alloc(ops::CELL * (1 + parts.len() as u64)).map_err(here)?;
                let mut items = Vec::with_capacity(parts.len());
                for (index, part) in parts.iter().enumerate() {
                    items.push(part.eval(scope, meter).map_err(|error| under(&index.to_string(), error))?);
                }
                Ok(Value::from(items))
            }
            Self::Map(fields) => {
                meter.alloc(ops::CELL * (1 + fields.len() as u64)).map_err(here)?;
                // One by one: collecting into a map goes through a list and a sort, and config maps are small.
                let mut map = Map::new();
                for (key, part) in fields {
                    map.insert(key.clone(), part.eval(scope, meter).map_err(|error| under(key, error))?);
                }
                Ok(Value::from(map))
            }
        }
    }
}

fn under(token: &str, (pointer, error): Located) -> Located {
    (format!("/{}{pointer}", token.replace('~', "~0").replace('/', "~1")), error)
}
