//! The syntax tree of an expression.

/// An expression of the IR: a subset of CEL.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `null`, `true`, `1`, `1.5`, `'text'`
    Literal(Literal),
    /// `v['name']`: a variable of the flow.
    Variable(String),
    /// `input` or `run`
    Root(Root),
    /// A name that an enclosing macro binds: `x` in `xs.map(x, x.slug)`.
    Local(String),
    /// `target.name`, also written `target['name']`: the member of a map; a missing one is an error.
    Member {
        /// What holds the member.
        target: Box<Expr>,
        /// The member's name, in any script.
        name: String,
    },
    /// `target[index]`: an element of a list, or a member whose name is computed.
    Index {
        /// The list or map.
        target: Box<Expr>,
        /// An int for a list, a string for a map.
        index: Box<Expr>,
    },
    /// `has(target.name)`: true when the member is there.
    Has {
        /// What may hold the member.
        target: Box<Expr>,
        /// The member's name.
        name: String,
    },
    /// `!x`, `-x`
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        operand: Box<Expr>,
    },
    /// `a + b`, `a && b`, `a in b`
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `condition ? then : otherwise`
    Conditional {
        /// A Boolean.
        condition: Box<Expr>,
        /// The value when it is true.
        then: Box<Expr>,
        /// The value when it is false.
        otherwise: Box<Expr>,
    },
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{'a': b}`; keys are strings when evaluated.
    Map(Vec<(Expr, Expr)>),
    /// `size(x)`, `x.startsWith(y)`: a method's receiver is its first argument, and the canonical spelling is the one
    /// that the function's entry in [`crate::expr::functions`] names.
    Call {
        /// The function's full name, as `size`, `startsWith`, `json.parse`.
        function: String,
        /// Its arguments; for a method the receiver comes first.
        args: Vec<Expr>,
    },
    /// `xs.all(x, p)` and the other CEL macros over a list or the keys of a map.
    Macro {
        /// Which macro.
        kind: Macro,
        /// The list, or the map whose keys it goes over.
        range: Box<Expr>,
        /// The name that is bound for each element.
        binds: String,
        /// The condition of the three-argument `map`.
        filter: Option<Box<Expr>>,
        /// What is evaluated for each element.
        body: Box<Expr>,
    },
}

impl Expr {
    /// The expressions that it is made of, one level below.
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Literal(_) | Self::Variable(_) | Self::Root(_) | Self::Local(_) => Vec::new(),
            Self::Member { target, .. } | Self::Has { target, .. } => vec![target],
            Self::Index { target, index } => vec![target, index],
            Self::Unary { operand, .. } => vec![operand],
            Self::Binary { left, right, .. } => vec![left, right],
            Self::Conditional { condition, then, otherwise } => vec![condition, then, otherwise],
            Self::List(items) => items.iter().collect(),
            Self::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            Self::Call { args, .. } => args.iter().collect(),
            Self::Macro { range, filter, body, .. } => {
                std::iter::once(&**range).chain(filter.as_deref()).chain(std::iter::once(&**body)).collect()
            }
        }
    }
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `1`
    Int(i64),
    /// `1.5`, always finite
    Double(f64),
    /// `'text'`
    String(String),
}

/// What an expression may name beside variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// `input`: the run's inputs.
    Input,
    /// `run`: `id`, `flow`, `version`, `started_at`, `now`.
    Run,
}

/// A prefix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `-`
    Negate,
}

/// An infix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the operators")]
pub enum BinaryOp {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A comprehension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Macro {
    /// `xs.all(x, p)`
    All,
    /// `xs.exists(x, p)`
    Exists,
    /// `xs.exists_one(x, p)`
    ExistsOne,
    /// `xs.filter(x, p)`
    Filter,
    /// `xs.map(x, e)`, `xs.map(x, p, e)`
    Map,
}
