//! Writes a test in the C format of herd7.

use std::fmt::Write;

use crate::program::{Condition, Expression, Modify, Operator, Statement, Test, Thread};

/// The test as a text, without remarks.
#[must_use]
pub fn c(test: &Test) -> String {
    let mut output = format!("C {}\n\"{}\"\n{{", test.name, test.claim);
    for (place, value) in test.places.iter().zip(&test.initial) {
        let _ = write!(output, " {place}={value};");
    }
    for private in test.threads.iter().flat_map(privates) {
        let _ = write!(output, " {}={};", private.0, private.1);
    }
    output.push_str(" }\n");
    for (number, thread) in test.threads.iter().enumerate() {
        let _ = write!(output, "\nP{number} ({}) {{\n", parameters(test, thread));
        let mut printer = Printer { test, thread, output: &mut output, indent: 1 };
        printer.declarations();
        printer.code(&thread.code);
        output.push_str("}\n");
    }
    let _ = write!(
        output,
        "\nexists ({})\n",
        condition(test, &test.exists, "", |test, thread, r| {
            test.threads[thread].registers[r].clone()
        })
    );
    output
}

/// Local variables that are places of herd7: what a compare-exchange expects.
fn privates(thread: &Thread) -> Vec<(&String, i64)> {
    let all = thread.registers.iter().zip(thread.initial.iter().copied()).enumerate();
    all.filter(|&(register, _)| is_private(thread, register)).map(|(_, pair)| pair).collect()
}

fn is_private(thread: &Thread, register: usize) -> bool {
    fn is_expected(code: &[Statement], register: usize) -> bool {
        code.iter().any(|statement| match statement {
            Statement::CompareExchange(step) => step.expected == register,
            Statement::If { then, otherwise, .. } => {
                is_expected(then, register) || is_expected(otherwise, register)
            }
            _ => false,
        })
    }
    is_expected(&thread.code, register)
}

fn parameters(test: &Test, thread: &Thread) -> String {
    let places = test.places.iter().map(|place| format!("atomic_int* {place}"));
    let privates = privates(thread).into_iter().map(|(name, _)| format!("int* {name}"));
    places.chain(privates).collect::<Vec<_>>().join(", ")
}

struct Printer<'a> {
    test: &'a Test,
    thread: &'a Thread,
    output: &'a mut String,
    indent: usize,
}

impl Printer<'_> {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.output, "{:width$}{line}", "", width = 2 * self.indent);
    }

    fn register(&self, register: usize) -> String {
        let star = if is_private(self.thread, register) { "*" } else { "" };
        format!("{star}{}", self.thread.registers[register])
    }

    fn declarations(&mut self) {
        for (register, name) in self.thread.registers.iter().enumerate() {
            if !is_private(self.thread, register) {
                self.line(&format!("int {name} = 0;"));
            }
        }
    }

    fn code(&mut self, code: &[Statement]) {
        for statement in code {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        let place = |place: &usize| &self.test.places[*place];
        let line = match statement {
            Statement::Assign { register, value } => {
                format!("{} = {};", self.register(*register), self.value(value))
            }
            Statement::Load { register, place: from, order } => {
                let (register, from) = (self.register(*register), place(from));
                match order.order {
                    crate::program::Order::Plain => format!("{register} = *{from};"),
                    order => format!("{register} = atomic_load_explicit({from}, {order});"),
                }
            }
            Statement::Store { place: to, value, order } => {
                let (to, value) = (place(to), self.value(value));
                match order.order {
                    crate::program::Order::Plain => format!("*{to} = {value};"),
                    order => format!("atomic_store_explicit({to}, {value}, {order});"),
                }
            }
            Statement::Modify { register, place: at, how, operand, order } => {
                let function = match how {
                    Modify::Exchange => "exchange",
                    Modify::Fetch(Operator::Add) => "fetch_add",
                    Modify::Fetch(Operator::Subtract) => "fetch_sub",
                    Modify::Fetch(Operator::Or) => "fetch_or",
                    Modify::Fetch(Operator::And) => "fetch_and",
                    Modify::Fetch(_) => "fetch_xor",
                };
                let (register, at, operand) =
                    (self.register(*register), place(at), self.value(operand));
                format!(
                    "{register} = atomic_{function}_explicit({at}, {operand}, {});",
                    order.order
                )
            }
            Statement::CompareExchange(step) => format!(
                "{} = atomic_compare_exchange_strong_explicit({}, {}, {}, {}, {});",
                self.register(step.register),
                place(&step.place),
                self.thread.registers[step.expected],
                self.value(&step.desired),
                step.success.order,
                step.failure.order,
            ),
            Statement::Fence { order, .. } => format!("atomic_thread_fence({});", order.order),
            Statement::If { condition, then, otherwise } => {
                self.line(&format!("if ({}) {{", self.value(condition)));
                self.block(then);
                if !otherwise.is_empty() {
                    self.line("} else {");
                    self.block(otherwise);
                }
                "}".to_owned()
            }
        };
        self.line(&line);
    }

    fn block(&mut self, code: &[Statement]) {
        self.indent += 1;
        self.code(code);
        self.indent -= 1;
    }

    fn value(&self, expression: &Expression) -> String {
        match expression {
            Expression::Constant(value) => value.to_string(),
            Expression::Register(register) => self.register(*register),
            Expression::Binary(operator, left, right) => {
                format!("({} {} {})", self.value(left), sign(*operator), self.value(right))
            }
        }
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Or => "|",
        Operator::Xor => "^",
        Operator::And => "&",
        Operator::Equal => "==",
        Operator::NotEqual => "!=",
        Operator::Less => "<",
        Operator::Greater => ">",
        Operator::AtMost => "<=",
        Operator::AtLeast => ">=",
        Operator::Add => "+",
        Operator::Subtract => "-",
        Operator::Multiply => "*",
    }
}

/// A condition, with the names that `register` gives to local variables, and `prefix` in front of the
/// numbers of threads.
pub(crate) fn condition(
    test: &Test,
    asked: &Condition,
    prefix: &str,
    register: impl Fn(&Test, usize, usize) -> String + Copy,
) -> String {
    let both = |sign: &str, a: &Condition, b: &Condition| {
        let [a, b] = [a, b].map(|part| condition(test, part, prefix, register));
        format!("({a} {sign} {b})")
    };
    let fact = |name: String, value: &i64, is_equal: &bool| {
        if *is_equal { format!("{name}={value}") } else { format!("~({name}={value})") }
    };
    match asked {
        Condition::Register { thread, register: number, value, is_equal } => {
            let is_place = prefix.is_empty() && is_private(&test.threads[*thread], *number);
            let name = register(test, *thread, *number);
            fact(if is_place { name } else { format!("{thread}:{name}") }, value, is_equal)
        }
        Condition::Place { place, value, is_equal } => {
            fact(test.places[*place].clone(), value, is_equal)
        }
        Condition::And(a, b) => both("/\\", a, b),
        Condition::Or(a, b) => both("\\/", a, b),
        Condition::Not(a) => format!("~({})", condition(test, a, prefix, register)),
    }
}
