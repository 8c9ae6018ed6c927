//! Queries, read from SQL.

use sqlparser::ast::{
    self, BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, SelectItem,
    SetExpr, Statement, TableFactor, UnaryOperator,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::poly::{Poly, SIZE};
use super::predicate::{FAR, Predicate};
use super::schema::{Schema, TableSchema};
use crate::error::Error;

/// The longest query, in bytes.
const LENGTH: usize = 16 << 10;
/// The most words and signs of a query beside numbers and commas: a chain of operators is as deep a tree as it is long.
const WORDS: usize = 512;
/// The most items of a query.
const ITEMS: usize = 64;
/// The most values of a list.
const LIST: usize = 256;

/// A query with its names resolved.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    pub table: TableSchema,
    pub items: Vec<Item>,
    pub filter: Predicate,
    /// The columns of GROUP BY.
    pub keys: Vec<usize>,
}

/// What is selected, and how it is called.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub name: String,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// An expression of every selected row.
    Plain(Poly),
    /// A column of GROUP BY, by its place there.
    Key(usize),
    Count,
    Sum(Poly),
    Avg(Poly),
    Min(Poly),
    Max(Poly),
}

impl Query {
    /// The query of a text on a table of a schema.
    ///
    /// # Errors
    /// Text that is no query, names that do not exist, and whatever is not supported, by name.
    pub fn parse(text: &str, schema: &Schema) -> Result<Self, Error> {
        if text.len() > LENGTH {
            return Err(Error::TooMany { what: "bytes", have: text.len(), most: LENGTH });
        }
        let statements = statements(text)?;
        let [Statement::Query(query)] = statements.as_slice() else {
            return unsupported("anything but one SELECT statement");
        };
        let SetExpr::Select(select) = query.body.as_ref() else {
            return unsupported("a combination of queries such as UNION");
        };
        check_clauses(query, select)?;
        let table = schema.table(&table_name(select)?)?.clone();
        let mut items = Vec::new();
        let keys = keys(&select.group_by, &table)?;
        for item in &select.projection {
            let names = Names { table: &table, keys: &keys, reach: 0 };
            items.extend(names.items(item)?);
        }
        if items.len() > ITEMS {
            return Err(Error::TooMany { what: "expressions", have: items.len(), most: ITEMS });
        }
        check_mixture(&items, &keys)?;
        let filter = filter(select.selection.as_ref(), &table)?;
        Ok(Query { table, items, filter, keys })
    }

    /// Whether it asks for rows and not for aggregates of them.
    pub fn is_rows(&self) -> bool {
        self.items.iter().all(|item| matches!(item.value, Value::Plain(_)))
    }
}

/// The statements of a text that is not too deep for those who go through it.
fn statements(text: &str) -> Result<Vec<Statement>, Error> {
    let syntax = |what: String| Error::Syntax { what };
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize();
    let mut tokens = tokens.map_err(|error| syntax(error.to_string()))?;
    tokens.retain(|token| !matches!(token, Token::Whitespace(_)));
    let have = tokens.iter().filter(|token| !matches!(token, Token::Number(..) | Token::Comma)).count();
    if have > WORDS {
        return Err(Error::TooMany { what: "words and signs", have, most: WORDS });
    }
    let parsed = Parser::new(&GenericDialect {}).with_tokens(tokens).parse_statements();
    parsed.map_err(|error| syntax(error.to_string()))
}

fn unsupported<T>(part: impl Into<String>) -> Result<T, Error> {
    Err(Error::Unsupported { part: part.into() })
}

/// Refuses every clause but SELECT, FROM, WHERE and GROUP BY.
fn check_clauses(query: &ast::Query, select: &ast::Select) -> Result<(), Error> {
    let known = [
        (query.with.is_some(), "WITH"),
        (query.order_by.is_some(), "ORDER BY"),
        (query.limit_clause.is_some(), "LIMIT"),
        (select.distinct.is_some(), "DISTINCT"),
        (select.having.is_some(), "HAVING"),
        (select.from.len() > 1 || select.from.iter().any(|from| !from.joins.is_empty()), "a join of tables"),
        (select.into.is_some(), "INTO"),
    ];
    if let Some((_, part)) = known.into_iter().find(|(used, _)| *used) {
        return unsupported(part);
    }
    // What is supported, written again: whatever is missing is not.
    let mut plain = select.clone();
    plain.projection.clear();
    plain.from.clear();
    plain.selection = None;
    plain.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
    let rest = ast::Query { body: Box::new(SetExpr::Select(Box::new(plain))), ..query.clone() };
    let rest = rest.to_string();
    match rest.trim() {
        "SELECT" => Ok(()),
        rest => unsupported(format!("the clause in {rest:?}")),
    }
}

/// The name of the one table.
fn table_name(select: &ast::Select) -> Result<String, Error> {
    let Some(from) = select.from.first() else { return unsupported("a query without FROM") };
    let TableFactor::Table { name, .. } = &from.relation else {
        return unsupported(format!("{} in FROM", from.relation));
    };
    match name.0.as_slice() {
        // An alias, a sample and their like would be written after the name.
        [part] if from.to_string() == name.to_string() => match part.as_ident() {
            Some(ident) => Ok(ident.value.clone()),
            None => unsupported(format!("{name} in FROM")),
        },
        _ => unsupported(format!("{from} in FROM")),
    }
}

/// The columns of GROUP BY.
fn keys(group_by: &GroupByExpr, table: &TableSchema) -> Result<Vec<usize>, Error> {
    let GroupByExpr::Expressions(exprs, modifiers) = group_by else { return unsupported("GROUP BY ALL") };
    if !modifiers.is_empty() {
        return unsupported(format!("{group_by}"));
    }
    let names = Names { table, keys: &[], reach: 0 };
    let mut keys = Vec::new();
    for expr in exprs {
        match names.column(expr)? {
            Some(column) if !keys.contains(&column) => keys.push(column),
            Some(_) => {}
            None => return unsupported(format!("GROUP BY {expr}")),
        }
    }
    Ok(keys)
}

/// The condition on rows. One that no row of these bits can meet is computed as it is written, like any other.
fn filter(selection: Option<&Expr>, table: &TableSchema) -> Result<Predicate, Error> {
    let Some(expr) = selection else { return Ok(Predicate::Always(true)) };
    let condition = |reach| Names { table, keys: &[], reach }.condition(expr);
    let filter = condition(0)?;
    if matches!(filter, Predicate::Always(false)) { condition(REACH) } else { Ok(filter) }
}

/// How far expressions are taken to go beyond their ranges.
const REACH: i128 = 1 << 20;

/// Refuses rows beside aggregates.
fn check_mixture(items: &[Item], keys: &[usize]) -> Result<(), Error> {
    let plain = items.iter().find(|item| matches!(item.value, Value::Plain(_)));
    let aggregate = items.iter().find(|item| !matches!(item.value, Value::Plain(_)));
    match (plain, aggregate) {
        (Some(plain), Some(aggregate)) => {
            unsupported(format!("{} beside {}, without GROUP BY of it,", plain.name, aggregate.name))
        }
        (Some(plain), None) if !keys.is_empty() => {
            unsupported(format!("{} beside GROUP BY of something else", plain.name))
        }
        _ => Ok(()),
    }
}

/// What names mean.
struct Names<'a> {
    table: &'a TableSchema,
    keys: &'a [usize],
    /// How far expressions are taken to go beyond their ranges.
    reach: i128,
}

impl Names<'_> {
    /// The items of one place in SELECT: all columns for a star.
    fn items(&self, item: &SelectItem) -> Result<Vec<Item>, Error> {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                Ok(vec![Item { name: expr.to_string(), value: self.value(expr)? }])
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                Ok(vec![Item { name: alias.value.clone(), value: self.value(expr)? }])
            }
            SelectItem::Wildcard(_) if item.to_string() == "*" => {
                let columns = self.table.columns().iter().enumerate();
                Ok(columns.map(|(i, (name, _))| Item { name: name.clone(), value: self.bare(i) }).collect())
            }
            SelectItem::Wildcard(_)
            | SelectItem::QualifiedWildcard(..)
            | SelectItem::ExprWithAliases { .. } => unsupported(item.to_string()),
        }
    }

    fn bare(&self, column: usize) -> Value {
        let key = self.keys.iter().position(|key| *key == column);
        key.map_or_else(|| Value::Plain(Poly::column(column)), Value::Key)
    }

    fn value(&self, expr: &Expr) -> Result<Value, Error> {
        if let Some(column) = self.column(expr)? {
            return Ok(self.bare(column));
        }
        if let Expr::Function(function) = expr {
            return self.aggregate(function);
        }
        Ok(Value::Plain(self.number(expr)?))
    }

    fn aggregate(&self, function: &ast::Function) -> Result<Value, Error> {
        let name = function.name.to_string().to_ascii_uppercase();
        let FunctionArguments::List(list) = &function.args else { return unsupported(function.to_string()) };
        let [FunctionArg::Unnamed(argument)] = list.args.as_slice() else {
            return unsupported(function.to_string());
        };
        // DISTINCT, FILTER, OVER and their like would be written too.
        if function.to_string() != format!("{}({argument})", function.name) {
            return unsupported(function.to_string());
        }
        match (name.as_str(), argument) {
            ("COUNT", FunctionArgExpr::Wildcard) => Ok(Value::Count),
            // There are no NULLs.
            ("COUNT", FunctionArgExpr::Expr(expr)) => self.number(expr).map(|_| Value::Count),
            ("SUM", FunctionArgExpr::Expr(expr)) => self.number(expr).map(Value::Sum),
            ("AVG", FunctionArgExpr::Expr(expr)) => self.number(expr).map(Value::Avg),
            ("MIN", FunctionArgExpr::Expr(expr)) => self.number(expr).map(Value::Min),
            ("MAX", FunctionArgExpr::Expr(expr)) => self.number(expr).map(Value::Max),
            _ => unsupported(function.to_string()),
        }
    }

    /// The column that an expression is, if it is one.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most kinds of expressions are no columns")]
    fn column(&self, expr: &Expr) -> Result<Option<usize>, Error> {
        match expr {
            Expr::Identifier(name) => self.table.column(&name.value).map(Some),
            Expr::CompoundIdentifier(names) => match names.as_slice() {
                [table, name] if table.value.eq_ignore_ascii_case(self.table.name()) => {
                    self.table.column(&name.value).map(Some)
                }
                _ => {
                    let known = self.table.name().to_owned();
                    Err(Error::Unknown { what: "table of", name: expr.to_string(), known })
                }
            },
            Expr::Nested(inner) => self.column(inner),
            _ => Ok(None),
        }
    }

    /// A number in every row.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all else is refused")]
    fn number(&self, expr: &Expr) -> Result<Poly, Error> {
        if let Some(column) = self.column(expr)? {
            return Ok(Poly::column(column));
        }
        let number = match expr {
            Expr::Nested(inner) => self.number(inner)?,
            Expr::Value(value) => constant(&value.value)?,
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => self.number(expr)?.negated(),
            Expr::UnaryOp { op: UnaryOperator::Plus, expr } => self.number(expr)?,
            Expr::BinaryOp { left, op: BinaryOperator::Plus, right } => {
                self.number(left)?.plus(&self.number(right)?, 1)?
            }
            Expr::BinaryOp { left, op: BinaryOperator::Minus, right } => {
                self.number(left)?.plus(&self.number(right)?, -1)?
            }
            Expr::BinaryOp { left, op: BinaryOperator::Multiply, right } => {
                self.number(left)?.times(&self.number(right)?)?
            }
            Expr::BinaryOp { op: BinaryOperator::Divide | BinaryOperator::Modulo, .. } => {
                return unsupported(format!("the division {expr}"));
            }
            Expr::Function(_) => return unsupported(format!("{expr} inside an expression or a condition")),
            _ => return unsupported(expr.to_string()),
        };
        let (least, most) = number.range(&self.table.most());
        if least < -SIZE || most > SIZE {
            return Err(Error::Overflow { what: expr.to_string(), least, most, limit: SIZE });
        }
        Ok(number)
    }

    /// A condition.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all else is refused")]
    fn condition(&self, expr: &Expr) -> Result<Predicate, Error> {
        match expr {
            Expr::Nested(inner) => self.condition(inner),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => Ok(self.condition(expr)?.not()),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                Ok(Predicate::all(vec![self.condition(left)?, self.condition(right)?]))
            }
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                Ok(Predicate::any(vec![self.condition(left)?, self.condition(right)?]))
            }
            Expr::BinaryOp { left, op, right } => self.comparison(left, op, right, expr),
            Expr::Between { expr: value, negated, low, high } => {
                let above = self.between(value, low, (0, FAR), expr)?;
                let below = self.between(value, high, (-FAR, 0), expr)?;
                let both = Predicate::all(vec![above, below]);
                Ok(if *negated { both.not() } else { both })
            }
            Expr::InList { expr: value, list, negated } => {
                if list.len() > LIST {
                    return Err(Error::TooMany { what: "values in a list", have: list.len(), most: LIST });
                }
                let equal = list.iter().map(|one| self.between(value, one, (0, 0), expr));
                let any = Predicate::any(equal.collect::<Result<_, _>>()?);
                Ok(if *negated { any.not() } else { any })
            }
            _ => unsupported(format!("the condition {expr}")),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "all else is refused")]
    fn comparison(&self, a: &Expr, op: &BinaryOperator, b: &Expr, whole: &Expr) -> Result<Predicate, Error> {
        let ends = match op {
            BinaryOperator::Eq => (0, 0),
            BinaryOperator::NotEq => return Ok(self.between(a, b, (0, 0), whole)?.not()),
            BinaryOperator::Lt => (-FAR, -1),
            BinaryOperator::LtEq => (-FAR, 0),
            BinaryOperator::Gt => (1, FAR),
            BinaryOperator::GtEq => (0, FAR),
            _ => return unsupported(format!("the condition {whole}")),
        };
        self.between(a, b, ends, whole)
    }

    /// a - b in an interval.
    fn between(&self, a: &Expr, b: &Expr, ends: (i128, i128), whole: &Expr) -> Result<Predicate, Error> {
        let difference = self.number(a)?.plus(&self.number(b)?, -1)?;
        let most = self.table.most();
        let (lo, hi) = difference.split().0.range(&most);
        if hi.saturating_sub(lo) >= COMPARED {
            let what = format!("what {whole} compares");
            return Err(Error::Overflow { what, least: lo, most: hi, limit: COMPARED });
        }
        Ok(Predicate::between(&difference, ends, &most, self.reach))
    }
}

/// How many values a comparison tells apart.
const COMPARED: i128 = 1 << 34;

/// An integer written out.
fn constant(value: &ast::Value) -> Result<Poly, Error> {
    let ast::Value::Number(digits, _) = value else {
        return unsupported(format!("the value {value}, which is no integer,"));
    };
    match digits.parse::<i128>() {
        Ok(c) if c <= SIZE => Ok(Poly::constant(c)),
        Ok(c) => {
            Err(Error::Overflow { what: "a number of the query".to_owned(), least: c, most: c, limit: SIZE })
        }
        Err(_) => unsupported(format!("the value {value}, which is no integer,")),
    }
}
