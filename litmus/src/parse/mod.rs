//! Reads a litmus test: a subset of the C format of herd7.
//!
//! ```text
//! C name
//! "What must not happen, in a sentence."
//! KEY=VALUE
//! { x=0; y=0; }
//!
//! P0 (atomic_int* x, int* y) {
//!   *y = 1;
//!   atomic_store_explicit(x, 1, memory_order_release); // P1
//! }
//!
//! exists (1:r0=1 /\ 1:r1=0)
//! ```
//!
//! A statement is an access, a fence, an assignment to a local variable or an `if`. An access stands
//! alone or as the whole of what a local variable is set to. A place that is not mentioned in front of
//! the program is 0 at first. A place that is the *expected* one of a `compare_exchange` is private to
//! its thread, and so a local variable.
//!
//! A remark of capitalised words behind a statement has the tags of its ordering: `// P1`. Where there are
//! two orderings, a comma is between their tags: `// S3 S6, S4`. Whatever follows a colon is prose.

use std::collections::{BTreeMap, BTreeSet};

mod condition;

use crate::lex::{Placed, Token, tokens};
use crate::program::{
    CompareExchange, Condition, Expression, Modify, Operator, Order, Place, Register, Role,
    Statement, Tagged, Test, Thread,
};

/// Reads a test.
///
/// # Errors
///
/// Says in which line the text is not what it should be.
pub fn parse(text: &str) -> Result<Test, String> {
    let brace = text.find('{').ok_or("there is no `{`")?;
    let (head, body) = text.split_at(brace);
    let mut parsed = parse_head(head)?;
    let tokens = tokens(body, 1 + head.matches('\n').count())?;
    let private = expected_names(&tokens);
    let mut parser = Parser { tokens, next: 0, private, test: &mut parsed, thread: 0 };
    parser.program()?;
    let exists = parser.exists()?;
    parsed.exists = exists;
    Ok(parsed)
}

fn parse_head(head: &str) -> Result<Test, String> {
    let mut lines = head.lines().map(str::trim).filter(|line| !line.is_empty());
    let name = lines.next().and_then(|line| line.strip_prefix("C ")).ok_or("not `C name`")?;
    let (mut claim, mut notes) = (String::new(), BTreeMap::new());
    for line in lines {
        if let Some(quoted) = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')) {
            quoted.clone_into(&mut claim);
        } else if let Some((key, value)) = line.split_once('=') {
            notes.insert(key.trim().to_owned(), value.trim().to_owned());
        } else {
            return Err(format!("neither a claim nor `KEY=VALUE`: {line}"));
        }
    }
    Ok(Test {
        name: name.trim().to_owned(),
        claim,
        notes,
        places: Vec::new(),
        initial: Vec::new(),
        threads: Vec::new(),
        exists: Condition::Not(Box::new(Condition::Place { place: 0, value: 0, is_equal: true })),
    })
}

/// The names of what a `compare_exchange` expects: `…_explicit(place, NAME, …`.
fn expected_names(tokens: &[Placed]) -> BTreeSet<String> {
    let name = |index: usize| match tokens.get(index) {
        Some((Token::Name(name), _)) => Some(name.as_str()),
        _ => None,
    };
    let calls = (0..tokens.len()).filter(|&index| name(index) == Some(COMPARE_EXCHANGE));
    calls.filter_map(|index| name(index + 4)).map(str::to_owned).collect()
}

const COMPARE_EXCHANGE: &str = "atomic_compare_exchange_strong_explicit";

/// How tightly the operators bind, loosest first.
const OPERATORS: &[&[(&str, Operator)]] = &[
    &[("|", Operator::Or)],
    &[("^", Operator::Xor)],
    &[("&", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply)],
];

struct Parser<'a> {
    tokens: Vec<Placed>,
    next: usize,
    /// Places that are local variables.
    private: BTreeSet<String>,
    test: &'a mut Test,
    /// The thread that is being read.
    thread: usize,
}

type Result<T, E = String> = std::result::Result<T, E>;

impl Parser<'_> {
    fn line(&self) -> usize {
        let index = self.next.min(self.tokens.len().saturating_sub(1));
        self.tokens.get(index).map_or(0, |&(_, line)| line)
    }

    fn error<T>(&self, what: &str) -> Result<T> {
        Err(format!("line {}: {what}", self.line()))
    }

    /// The next token that is not a remark.
    fn peek(&mut self) -> Option<&Token> {
        while let Some((Token::Remark(_), _)) = self.tokens.get(self.next) {
            self.next += 1;
        }
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    fn take(&mut self, sign: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.next += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, sign: &str) -> Result<()> {
        if self.take(sign) { Ok(()) } else { self.error(&format!("no `{sign}`")) }
    }

    fn name(&mut self) -> Result<String> {
        if let Some(Token::Name(name)) = self.peek() {
            let name = name.clone();
            self.next += 1;
            return Ok(name);
        }
        self.error("no name")
    }

    fn take_name(&mut self, wanted: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Name(name)) if name == wanted);
        self.next += usize::from(is_next);
        is_next
    }

    fn number(&mut self) -> Result<i64> {
        let is_negative = self.take("-");
        if let Some(&Token::Number(number)) = self.peek() {
            self.next += 1;
            return Ok(if is_negative { -number } else { number });
        }
        self.error("no number")
    }

    fn place(&mut self, name: &str) -> Place {
        let places = &mut self.test.places;
        if let Some(place) = places.iter().position(|place| place == name) {
            return place;
        }
        places.push(name.to_owned());
        self.test.initial.push(0);
        places.len() - 1
    }

    fn find_register(&self, name: &str) -> Option<Register> {
        self.test.threads[self.thread].registers.iter().position(|register| register == name)
    }

    fn declare(&mut self, name: &str, initial: i64) -> Result<Register> {
        if self.find_register(name).is_some() {
            return self.error(&format!("there is already a `{name}`"));
        }
        let thread = &mut self.test.threads[self.thread];
        thread.registers.push(name.to_owned());
        thread.initial.push(initial);
        Ok(thread.registers.len() - 1)
    }

    fn register(&mut self, name: &str) -> Result<Register> {
        match self.find_register(name) {
            Some(register) => Ok(register),
            None => self.error(&format!("there is no local variable `{name}`")),
        }
    }

    fn program(&mut self) -> Result<()> {
        let mut initial_private = BTreeMap::new();
        self.expect("{")?;
        while !self.take("}") {
            let name = self.name()?;
            self.expect("=")?;
            let value = self.number()?;
            if self.private.contains(&name) {
                initial_private.insert(name, value);
            } else {
                let place = self.place(&name);
                self.test.initial[place] = value;
            }
            if !self.take(";") && !matches!(self.peek(), Some(Token::Sign("}"))) {
                return self.error("no `;`");
            }
        }
        let mut owners = BTreeSet::new();
        while self.take_name(&format!("P{}", self.test.threads.len())) {
            self.thread = self.test.threads.len();
            self.test.threads.push(Thread::default());
            self.expect("(")?;
            loop {
                let kind = self.name()?;
                self.expect("*")?;
                let name = self.name()?;
                if self.private.contains(&name) {
                    if kind != "int" || !owners.insert(name.clone()) {
                        return self.error(&format!("`{name}` is not private to one thread"));
                    }
                    self.declare(&name, initial_private.get(&name).copied().unwrap_or(0))?;
                } else {
                    self.place(&name);
                }
                if !self.take(",") {
                    break;
                }
            }
            self.expect(")")?;
            let code = self.block()?;
            self.test.threads[self.thread].code = code;
        }
        Ok(())
    }

    fn block(&mut self) -> Result<Vec<Statement>> {
        self.expect("{")?;
        let mut code = Vec::new();
        while !self.take("}") {
            if let Some(statement) = self.statement()? {
                code.push(statement);
            }
        }
        Ok(code)
    }

    /// A statement; `None` for a declaration.
    fn statement(&mut self) -> Result<Option<Statement>> {
        if self.take_name("if") {
            self.expect("(")?;
            let condition = self.expression(0)?;
            self.expect(")")?;
            let then = self.block()?;
            let otherwise = if self.take_name("else") { self.block()? } else { Vec::new() };
            return Ok(Some(Statement::If { condition, then, otherwise }));
        }
        let mut statement = self.simple()?;
        self.expect(";")?;
        let tags = self.tags();
        let Some(statement) = &mut statement else {
            return if tags.is_empty() { Ok(None) } else { self.error("tags without an ordering") };
        };
        self.attach(statement, tags)?;
        Ok(Some(statement.clone()))
    }

    fn attach(&self, statement: &mut Statement, tags: Vec<Vec<String>>) -> Result<()> {
        let mut tags = tags.into_iter();
        let orders = match statement {
            Statement::Load { order, .. }
            | Statement::Store { order, .. }
            | Statement::Modify { order, .. }
            | Statement::Fence { order, .. } => vec![order],
            Statement::CompareExchange(step) => vec![&mut step.success, &mut step.failure],
            Statement::Assign { .. } | Statement::If { .. } => Vec::new(),
        };
        for order in orders {
            order.tags = tags.next().unwrap_or_default();
        }
        if tags.next().is_some() { self.error("more tags than orderings") } else { Ok(()) }
    }

    /// The tags in the remark behind the statement that was just read.
    fn tags(&mut self) -> Vec<Vec<String>> {
        let line = self.tokens[self.next - 1].1;
        let Some((Token::Remark(remark), at)) = self.tokens.get(self.next) else {
            return Vec::new();
        };
        if *at != line {
            return Vec::new();
        }
        let tags = remark.split(':').next().unwrap_or_default();
        let tags: Vec<Vec<String>> = tags
            .split(',')
            .map(|tags| tags.split_whitespace().map(str::to_owned).collect())
            .collect();
        let is_tag = |tag: &String| tag.starts_with(|c: char| c.is_ascii_uppercase());
        if tags.iter().flatten().all(is_tag) { tags } else { Vec::new() }
    }

    fn simple(&mut self) -> Result<Option<Statement>> {
        if self.take("*") {
            let name = self.name()?;
            self.expect("=")?;
            let value = self.expression(0)?;
            return Ok(Some(match self.find_register(&name) {
                Some(register) => Statement::Assign { register, value },
                None => Statement::Store { place: self.place(&name), value, order: plain() },
            }));
        }
        let name = self.name()?;
        if name == "int" {
            let name = self.name()?;
            let register = self.declare(&name, 0)?;
            return if self.take("=") { self.assign(register).map(Some) } else { Ok(None) };
        }
        if self.take("=") {
            let register = self.register(&name)?;
            return self.assign(register).map(Some);
        }
        match name.as_str() {
            "atomic_store_explicit" => {
                self.expect("(")?;
                let name = self.name()?;
                let place = self.place(&name);
                self.expect(",")?;
                let value = self.expression(0)?;
                self.expect(",")?;
                let order = self.order()?;
                self.expect(")")?;
                Ok(Some(Statement::Store { place, value, order }))
            }
            "atomic_thread_fence" => {
                self.expect("(")?;
                let order = self.order()?;
                self.expect(")")?;
                Ok(Some(Statement::Fence { order, role: Role::Fence }))
            }
            _ => {
                // Its result is not looked at.
                let unused = format!("_{}", self.test.threads[self.thread].registers.len());
                let register = self.declare(&unused, 0)?;
                self.call(&name, register).map(Some)
            }
        }
    }

    /// What a local variable is set to.
    fn assign(&mut self, register: Register) -> Result<Statement> {
        let start = self.next;
        if self.take("*") {
            let name = self.name()?;
            if self.find_register(&name).is_none() {
                return Ok(Statement::Load { register, place: self.place(&name), order: plain() });
            }
            self.next = start;
        }
        if let Some(Token::Name(name)) = self.peek()
            && name.starts_with("atomic_")
        {
            let name = self.name()?;
            return self.call(&name, register);
        }
        Ok(Statement::Assign { register, value: self.expression(0)? })
    }

    /// An access that has a result.
    fn call(&mut self, name: &str, register: Register) -> Result<Statement> {
        let fetch = |operator| Modify::Fetch(operator);
        let how = match name {
            "atomic_load_explicit" => {
                self.expect("(")?;
                let name = self.name()?;
                let place = self.place(&name);
                self.expect(",")?;
                let order = self.order()?;
                self.expect(")")?;
                return Ok(Statement::Load { register, place, order });
            }
            COMPARE_EXCHANGE => return self.compare_exchange(register),
            "atomic_exchange_explicit" => Modify::Exchange,
            "atomic_fetch_add_explicit" => fetch(Operator::Add),
            "atomic_fetch_sub_explicit" => fetch(Operator::Subtract),
            "atomic_fetch_or_explicit" => fetch(Operator::Or),
            "atomic_fetch_and_explicit" => fetch(Operator::And),
            "atomic_fetch_xor_explicit" => fetch(Operator::Xor),
            _ => return self.error(&format!("there is no `{name}`")),
        };
        self.expect("(")?;
        let name = self.name()?;
        let place = self.place(&name);
        self.expect(",")?;
        let operand = self.expression(0)?;
        self.expect(",")?;
        let order = self.order()?;
        self.expect(")")?;
        Ok(Statement::Modify { register, place, how, operand, order })
    }

    fn compare_exchange(&mut self, register: Register) -> Result<Statement> {
        self.expect("(")?;
        let name = self.name()?;
        let place = self.place(&name);
        self.expect(",")?;
        let name = self.name()?;
        let expected = self.register(&name)?;
        self.expect(",")?;
        let desired = self.expression(0)?;
        self.expect(",")?;
        let success = self.order()?;
        self.expect(",")?;
        let failure = self.order()?;
        self.expect(")")?;
        let step = CompareExchange { register, place, expected, desired, success, failure };
        Ok(Statement::CompareExchange(Box::new(step)))
    }

    fn order(&mut self) -> Result<Tagged> {
        let name = self.name()?;
        let order = match name.as_str() {
            "memory_order_relaxed" => Order::Relaxed,
            "memory_order_acquire" => Order::Acquire,
            "memory_order_release" => Order::Release,
            "memory_order_acq_rel" => Order::AcqRel,
            "memory_order_seq_cst" => Order::SeqCst,
            _ => return self.error(&format!("`{name}` is no ordering")),
        };
        Ok(Tagged { order, tags: Vec::new() })
    }

    fn expression(&mut self, level: usize) -> Result<Expression> {
        let Some(operators) = OPERATORS.get(level) else { return self.atom() };
        let mut left = self.expression(level + 1)?;
        while let Some(&(_, operator)) = operators.iter().find(|(sign, _)| self.take(sign)) {
            let right = self.expression(level + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn atom(&mut self) -> Result<Expression> {
        if self.take("(") {
            let expression = self.expression(0)?;
            self.expect(")")?;
            return Ok(expression);
        }
        if matches!(self.peek(), Some(Token::Number(_) | Token::Sign("-"))) {
            return Ok(Expression::Constant(self.number()?));
        }
        self.take("*");
        let name = self.name()?;
        Ok(Expression::Register(self.register(&name)?))
    }
}

/// What an access is that is not atomic.
fn plain() -> Tagged {
    Tagged { order: Order::Plain, tags: Vec::new() }
}
