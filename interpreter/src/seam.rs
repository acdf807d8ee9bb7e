//! A plain evaluator of the commonest expressions, until the whole language is evaluated.

use bloom_ir::Value;
use bloom_ir::expr::ast::{BinaryOp, Expr, Literal, Root, UnaryOp};

use crate::effect::EffectError;

#[derive(Debug)]
pub(crate) struct Compiled(Node);

#[derive(Debug)]
enum Node {
    Constant(Value),
    Variable(u32),
    Input,
    Run,
    Member(Box<Node>, String),
    Index(Box<Node>, Box<Node>),
    Unary(UnaryOp, Box<Node>),
    Binary(BinaryOp, Box<Node>, Box<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Size(Box<Node>),
}

pub(crate) struct Env<'a> {
    pub(crate) variables: &'a [Value],
    pub(crate) input: &'a Value,
    pub(crate) run: &'a Value,
}

pub(crate) fn compile(expr: &Expr, resolve: impl Fn(&str) -> Option<u32>) -> Result<Compiled, Box<str>> {
    node(expr, &resolve).map(Compiled).map_err(Into::into)
}

fn node(expr: &Expr, resolve: &dyn Fn(&str) -> Option<u32>) -> Result<Node, String> {
    let boxed = |expr: &Expr| node(expr, resolve).map(Box::new);
    Ok(match expr {
        Expr::Literal(literal) => Node::Constant(match literal {
            Literal::Null => Value::Null,
            Literal::Bool(value) => Value::Bool(*value),
            Literal::Int(int) => Value::Int(*int),
            Literal::Double(number) => Value::Double(*number),
            Literal::String(text) => Value::from(text.as_str()),
        }),
        Expr::Variable(name) => Node::Variable(resolve(name).ok_or_else(|| format!("unknown variable `{name}`"))?),
        Expr::Root(Root::Input) => Node::Input,
        Expr::Root(Root::Run) => Node::Run,
        Expr::Member { target, name } => Node::Member(boxed(target)?, name.clone()),
        Expr::Index { target, index } => Node::Index(boxed(target)?, boxed(index)?),
        Expr::Unary { op, operand } => Node::Unary(*op, boxed(operand)?),
        Expr::Binary { op, left, right } => Node::Binary(*op, boxed(left)?, boxed(right)?),
        Expr::Conditional { condition, then, otherwise } => {
            Node::If(boxed(condition)?, boxed(then)?, boxed(otherwise)?)
        }
        Expr::List(items) => Node::List(items.iter().map(|item| node(item, resolve)).collect::<Result<_, _>>()?),
        Expr::Map(entries) => Node::Map(
            entries
                .iter()
                .map(|(key, value)| Ok((node(key, resolve)?, node(value, resolve)?)))
                .collect::<Result<_, String>>()?,
        ),
        Expr::Call { function, args } if function == "size" && args.len() == 1 => Node::Size(boxed(&args[0])?),
        Expr::Call { function, .. } => return Err(format!("`{function}` is not evaluated yet")),
        _ => return Err("not evaluated yet".to_owned()),
    })
}

pub(crate) fn eval(compiled: &Compiled, env: &Env<'_>) -> Result<Value, EffectError> {
    walk(&compiled.0, env).map_err(|message| EffectError::new("expression", message))
}

fn walk(node: &Node, env: &Env<'_>) -> Result<Value, String> {
    use BinaryOp as B;
    Ok(match node {
        Node::Constant(value) => value.clone(),
        Node::Variable(slot) => env.variables[*slot as usize].clone(),
        Node::Input => env.input.clone(),
        Node::Run => env.run.clone(),
        Node::Member(target, name) => {
            walk(target, env)?.get(name).cloned().ok_or_else(|| format!("there is no member `{name}`"))?
        }
        Node::Index(target, index) => match (walk(target, env)?, walk(index, env)?) {
            (Value::List(items), Value::Int(index)) => {
                usize::try_from(index).ok().and_then(|index| items.get(index)).cloned().ok_or("out of range")?
            }
            (Value::Map(map), Value::String(key)) => map.get(&*key).cloned().ok_or("no such member")?,
            _ => return Err("cannot be indexed".to_owned()),
        },
        Node::Unary(UnaryOp::Not, operand) => Value::Bool(!walk(operand, env)?.as_bool().ok_or("`!` needs a bool")?),
        Node::Unary(UnaryOp::Negate, operand) => {
            Value::Int(walk(operand, env)?.as_int().and_then(i64::checked_neg).ok_or("`-` needs a number")?)
        }
        Node::If(condition, then, otherwise) => match walk(condition, env)? {
            Value::Bool(true) => walk(then, env)?,
            Value::Bool(false) => walk(otherwise, env)?,
            _ => return Err("`?:` needs a bool".to_owned()),
        },
        Node::List(items) => {
            items.iter().map(|item| walk(item, env)).collect::<Result<Vec<_>, _>>()?.into_iter().collect()
        }
        Node::Map(entries) => entries
            .iter()
            .map(|(key, value)| {
                Ok((walk(key, env)?.as_str().ok_or("a key must be text")?.to_owned(), walk(value, env)?))
            })
            .collect::<Result<Vec<_>, String>>()?
            .into_iter()
            .collect(),
        Node::Size(value) => match walk(value, env)? {
            Value::String(text) => Value::Int(i64::try_from(text.chars().count()).map_err(|error| error.to_string())?),
            Value::List(items) => Value::Int(i64::try_from(items.len()).map_err(|error| error.to_string())?),
            Value::Map(map) => Value::Int(i64::try_from(map.len()).map_err(|error| error.to_string())?),
            _ => return Err("has no size".to_owned()),
        },
        Node::Binary(op, left, right) => {
            let left = walk(left, env)?;
            match (op, &left) {
                (B::And, Value::Bool(false)) | (B::Or, Value::Bool(true)) => return Ok(left),
                _ => {}
            }
            let right = walk(right, env)?;
            match (op, &left, &right) {
                (B::And | B::Or, _, Value::Bool(_)) => right,
                (B::Equal, ..) => Value::Bool(left == right),
                (B::NotEqual, ..) => Value::Bool(left != right),
                (B::In, _, Value::List(items)) => Value::Bool(items.contains(&left)),
                (B::Less, Value::Int(a), Value::Int(b)) => Value::Bool(a < b),
                (B::LessEqual, Value::Int(a), Value::Int(b)) => Value::Bool(a <= b),
                (B::Greater, Value::Int(a), Value::Int(b)) => Value::Bool(a > b),
                (B::GreaterEqual, Value::Int(a), Value::Int(b)) => Value::Bool(a >= b),
                (B::Add, Value::String(a), Value::String(b)) => Value::from(format!("{a}{b}")),
                (B::Add, Value::List(a), Value::List(b)) => a.iter().chain(b.iter()).cloned().collect(),
                (B::Add, Value::Int(a), Value::Int(b)) => Value::Int(a.checked_add(*b).ok_or("overflow")?),
                (B::Subtract, Value::Int(a), Value::Int(b)) => Value::Int(a.checked_sub(*b).ok_or("overflow")?),
                (B::Multiply, Value::Int(a), Value::Int(b)) => Value::Int(a.checked_mul(*b).ok_or("overflow")?),
                (B::Divide, Value::Int(a), Value::Int(b)) => Value::Int(a.checked_div(*b).ok_or("overflow")?),
                (B::Remainder, Value::Int(a), Value::Int(b)) => Value::Int(a.checked_rem(*b).ok_or("overflow")?),
                _ => return Err(format!("{op:?} of {} and {}", left.type_name(), right.type_name())),
            }
        }
    })
}
