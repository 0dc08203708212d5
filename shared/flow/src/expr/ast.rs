//! The compact tree that evaluation walks: names resolved, macros recognised, constants folded.

use super::dynamic::Part;
use super::functions::Function;
use super::lexer::Span;
use holon_model::Value;
use std::sync::Arc;

/// A root name of FLOW.md ("Names in scope"), `nodes` apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// What the trigger emitted.
    Trigger,
    /// The value of the single in-edge, or a map by source.
    Input,
    /// The item of the body that is run.
    Item,
    /// Its index.
    Index,
    /// The run's variables.
    Vars,
    /// Facts of the run: its id, when it started.
    Run,
}

impl Root {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Trigger, Self::Input, Self::Item, Self::Index, Self::Vars, Self::Run];

    /// The name as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Input => "input",
            Self::Item => "item",
            Self::Index => "index",
            Self::Vars => "vars",
            Self::Run => "run",
        }
    }

    /// The root of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|root| root.name() == name)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cmp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arith {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

impl Arith {
    pub(super) fn symbol(self) -> char {
        match self {
            Self::Add => '+',
            Self::Sub => '-',
            Self::Mul => '*',
            Self::Div => '/',
            Self::Rem => '%',
        }
    }
}

/// What a macro makes of the items it walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FoldOp {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
    TransformMap,
    TransformMapEntry,
    SortBy,
    GroupBy,
    DistinctBy,
    Sum,
    Avg,
    MinBy,
    MaxBy,
    Count,
    First,
}

/// `list.macro(x, filter?, body)` and its forms with two names.
#[derive(Debug)]
pub(super) struct Fold {
    pub(super) op: FoldOp,
    pub(super) list: Node,
    /// One name (item of a list, key of a map) or two (index and item, key and value).
    pub(super) two: bool,
    pub(super) filter: Option<Node>,
    pub(super) body: Node,
}

/// An element of a list, or of a map with its key; an optional one is left out when it is null.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Option<Node>,
    pub(super) value: Node,
    pub(super) optional: bool,
}

/// A piece of text with expressions in it.
#[derive(Debug)]
pub(super) enum Piece {
    Literal(Arc<str>),
    Value(Node),
    For { list: Node, two: bool, body: Box<[Piece]> },
    If { arms: Box<[(Node, Box<[Piece]>)]>, otherwise: Box<[Piece]> },
}

#[derive(Debug)]
pub(super) enum Kind {
    Const(Value),
    Root(Root),
    /// A name that is no root: the scope may know it.
    Name(Arc<str>),
    Nodes,
    NodeOutput(Arc<str>),
    /// A name that a macro or loop brought, counted from the innermost.
    Local(u16),
    Select {
        operand: Box<Node>,
        key: Arc<str>,
        optional: bool,
    },
    Index {
        pair: Box<[Node; 2]>,
        optional: bool,
    },
    Has(Box<Node>, Arc<str>),
    HasNode(Arc<str>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<[Node]>),
    Or(Box<[Node]>),
    Compare(Cmp, Box<[Node; 2]>),
    Arith(Box<Node>, Box<[(Arith, Node)]>),
    Cond(Box<[(Node, Node)]>, Box<Node>),
    List(Box<[Entry]>),
    Map(Box<[Entry]>),
    Call(&'static Function, Box<[Node]>),
    Matches(Box<Node>, Box<regex_lite::Regex>),
    Coalesce(Box<[Node]>),
    Bind(Box<[Node; 2]>),
    Fold(Box<Fold>),
    Text(Box<[Piece]>),
    /// A piece of config with programs of its own, evaluated for each item.
    Config(Box<Part>),
}

/// A part of an expression, where it stands and how deep it is.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) span: Span,
    pub(super) depth: u16,
}

impl Node {
    pub(super) fn constant(&self) -> Option<&Value> {
        if let Kind::Const(value) = &self.kind { Some(value) } else { None }
    }
}
