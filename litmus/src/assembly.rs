//! Writes a test in the AArch64 format of herd7, compiled as [`aarch64`](crate::aarch64) takes it to
//! be: `LDAPR` to acquire, and loops of exclusive accesses. Such a loop is left after one try, and the
//! final states that are asked for are those in which each try succeeded. All barriers are fences.

use std::fmt::Write;

use crate::print::condition;
use crate::program::{
    CompareExchange, Expression, Modify, Operator, Order, Statement, Tagged, Test, Thread,
};

/// The test as a text.
#[must_use]
pub fn of(test: &Test) -> String {
    let mut output = format!("AArch64 {}\n\"{}\"\n{{\n", test.name, test.claim);
    for (place, value) in test.places.iter().zip(&test.initial) {
        let _ = write!(output, "{place}={value}; ");
    }
    output.push('\n');
    let (mut columns, mut success) = (Vec::new(), String::new());
    for (number, thread) in test.threads.iter().enumerate() {
        for (register, place) in test.places.iter().enumerate() {
            let _ = write!(output, "{number}:X{register}={place}; ");
        }
        for (register, value) in thread.initial.iter().enumerate() {
            let _ = write!(output, "{number}:X{}={value}; ", test.places.len() + register);
        }
        output.push('\n');
        let mut compiler = Compiler::new(test, number, thread);
        compiler.code(&thread.code);
        for status in &compiler.statuses {
            let _ = write!(success, " /\\ {number}:X{status}=0");
        }
        columns.push(compiler.lines);
    }
    output.push_str("}\n");
    let header = (0..columns.len()).map(|number| format!(" P{number:<24}"));
    let _ = writeln!(output, "{};", header.collect::<Vec<_>>().join("|"));
    for row in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
        let cells = columns.iter().map(|lines| lines.get(row).map_or("", String::as_str));
        let cells: Vec<String> = cells.map(|cell| format!(" {cell:<25}")).collect();
        let _ = writeln!(output, "{};", cells.join("|"));
    }
    let asked = condition(test, &test.exists, "X", |test, _, register| {
        format!("X{}", test.places.len() + register)
    });
    let _ = writeln!(output, "exists ({asked}{success})");
    output
}

struct Compiler<'a> {
    test: &'a Test,
    lines: Vec<String>,
    /// Labels of all threads are different ones.
    thread: usize,
    labels: usize,
    /// The next register that nothing is kept in.
    free: usize,
    /// Registers that say whether an exclusive store failed.
    statuses: Vec<usize>,
}

impl<'a> Compiler<'a> {
    fn new(test: &'a Test, number: usize, thread: &Thread) -> Self {
        let free = test.places.len() + thread.registers.len();
        let (lines, statuses) = (Vec::new(), Vec::new());
        Self { test, lines, thread: number, labels: 0, free, statuses }
    }

    fn emit(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A register for a moment.
    fn scratch(&mut self) -> usize {
        assert!(self.free < 30, "too many registers");
        self.free += 1;
        self.free - 1
    }

    fn label(&mut self) -> String {
        self.labels += 1;
        format!("L{}{:02}", self.thread, self.labels)
    }

    fn local(&self, register: usize) -> usize {
        self.test.places.len() + register
    }

    fn code(&mut self, code: &[Statement]) {
        for statement in code {
            let free = self.free;
            let statuses = self.statuses.len();
            self.statement(statement);
            if self.statuses.len() == statuses {
                self.free = free;
            }
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Assign { register, value } => {
                let value = self.value(value);
                let register = self.local(*register);
                self.emit(format!("MOV W{register},W{value}"));
            }
            Statement::Load { register, place, order } => {
                let load = match order.order {
                    Order::SeqCst => "LDAR",
                    order if order.acquires() => "LDAPR",
                    _ => "LDR",
                };
                let register = self.local(*register);
                self.emit(format!("{load} W{register},[X{place}]"));
            }
            Statement::Store { place, value, order } => {
                let value = self.value(value);
                let store = if order.order.releases() { "STLR" } else { "STR" };
                self.emit(format!("{store} W{value},[X{place}]"));
            }
            Statement::Modify { register, place, how, operand, order } => {
                let operand = self.value(operand);
                let old = self.local(*register);
                self.load_exclusive(old, *place, order.order.acquires());
                let new = match how {
                    Modify::Exchange => operand,
                    Modify::Fetch(operator) => self.binary(*operator, old, operand),
                };
                self.store_exclusive(new, *place, order);
            }
            Statement::CompareExchange(step) => self.compare_exchange(step),
            Statement::Fence { order, .. } => {
                self.emit(if order.order == Order::Acquire { "DMB ISHLD" } else { "DMB ISH" });
            }
            Statement::If { condition, then, otherwise } => {
                let condition = self.value(condition);
                let (not, end) = (self.label(), self.label());
                self.emit(format!("CBZ W{condition},{not}"));
                self.code(then);
                self.emit(format!("B {end}"));
                self.emit(format!("{not}:"));
                self.code(otherwise);
                self.emit(format!("{end}:"));
            }
        }
    }

    fn compare_exchange(&mut self, step: &CompareExchange) {
        let desired = self.value(&step.desired);
        let (expected, result) = (self.local(step.expected), self.local(step.register));
        let (found, not, end) = (self.scratch(), self.label(), self.label());
        let acquires = step.success.order.acquires() || step.failure.order.acquires();
        self.load_exclusive(found, step.place, acquires);
        self.emit(format!("CMP W{found},W{expected}"));
        self.emit(format!("B.NE {not}"));
        self.store_exclusive(desired, step.place, &step.success);
        self.emit(format!("MOV W{result},#1"));
        self.emit(format!("B {end}"));
        self.emit(format!("{not}:"));
        self.emit(format!("MOV W{expected},W{found}"));
        self.emit(format!("MOV W{result},#0"));
        self.emit(format!("{end}:"));
    }

    fn load_exclusive(&mut self, to: usize, place: usize, acquires: bool) {
        self.emit(format!("{} W{to},[X{place}]", if acquires { "LDAXR" } else { "LDXR" }));
    }

    fn store_exclusive(&mut self, value: usize, place: usize, order: &Tagged) {
        let store = if order.order.releases() { "STLXR" } else { "STXR" };
        let status = self.scratch();
        self.statuses.push(status);
        self.emit(format!("{store} W{status},W{value},[X{place}]"));
    }

    /// The register that contains the value.
    fn value(&mut self, expression: &Expression) -> usize {
        match expression {
            Expression::Constant(value) => {
                let register = self.scratch();
                self.emit(format!("MOV W{register},#{value}"));
                register
            }
            Expression::Register(register) => self.local(*register),
            Expression::Binary(operator, left, right) => {
                let (left, right) = (self.value(left), self.value(right));
                self.binary(*operator, left, right)
            }
        }
    }

    fn binary(&mut self, operator: Operator, left: usize, right: usize) -> usize {
        let to = self.scratch();
        let instruction = match operator {
            Operator::Or => "ORR",
            Operator::Xor => "EOR",
            Operator::And => "AND",
            Operator::Add => "ADD",
            Operator::Subtract => "SUB",
            Operator::Multiply => "MUL",
            compared => {
                let condition = match compared {
                    Operator::Equal => "EQ",
                    Operator::NotEqual => "NE",
                    Operator::Less => "LT",
                    Operator::Greater => "GT",
                    Operator::AtMost => "LE",
                    _ => "GE",
                };
                self.emit(format!("CMP W{left},W{right}"));
                self.emit(format!("CSET W{to},{condition}"));
                return to;
            }
        };
        self.emit(format!("{instruction} W{to},W{left},W{right}"));
        to
    }
}
