//! What a litmus test consists of.

use std::collections::BTreeMap;
use std::fmt;

/// How a memory access or a fence is ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Not atomic: a race on it is undefined behaviour.
    Plain,
    /// Atomic, and nothing more.
    Relaxed,
    /// What comes behind it stays behind it.
    Acquire,
    /// What comes before it stays before it.
    Release,
    /// Both.
    AcqRel,
    /// Both, and one order of all of these.
    SeqCst,
}

impl Order {
    /// Whether it acquires.
    #[must_use]
    pub fn acquires(self) -> bool {
        matches!(self, Self::Acquire | Self::AcqRel | Self::SeqCst)
    }

    /// Whether it releases.
    #[must_use]
    pub fn releases(self) -> bool {
        matches!(self, Self::Release | Self::AcqRel | Self::SeqCst)
    }

    /// The atomic ordering with these two halves.
    #[must_use]
    pub fn of_halves(acquires: bool, releases: bool) -> Self {
        match (acquires, releases) {
            (false, false) => Self::Relaxed,
            (true, false) => Self::Acquire,
            (false, true) => Self::Release,
            (true, true) => Self::AcqRel,
        }
    }

    /// What is left without one half of it.
    #[must_use]
    pub fn without(self, half: Half) -> Self {
        Self::of_halves(
            self.acquires() && half != Half::Acquire,
            self.releases() && half != Half::Release,
        )
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Relaxed => "memory_order_relaxed",
            Self::Acquire => "memory_order_acquire",
            Self::Release => "memory_order_release",
            Self::AcqRel => "memory_order_acq_rel",
            Self::SeqCst => "memory_order_seq_cst",
        })
    }
}

/// One of the two things that an ordering other than `Relaxed` does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Half {
    /// It acquires.
    Acquire,
    /// It releases.
    Release,
}

/// An ordering with the tags under which the library knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tagged {
    /// The ordering.
    pub order: Order,
    /// Its tags, none for an access that is unordered.
    pub tags: Vec<String>,
}

/// What a fence is made of, where there is more than one way to make it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Role {
    /// A fence, always.
    #[default]
    Fence,
    /// Nothing, where the other side has the system run fences on all threads.
    Light,
    /// A system call that runs a fence on every thread, where there is one.
    Heavy,
}

/// The number of a shared variable in its test.
pub type Place = usize;

/// The number of a local variable in its thread.
pub type Register = usize;

/// What a read-modify-write does with what it has read and its operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Modify {
    /// Writes the operand.
    Exchange,
    /// Writes the result of an operator.
    Fetch(Operator),
}

/// An operator of two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "they are C's")]
pub enum Operator {
    Or,
    Xor,
    And,
    Equal,
    NotEqual,
    Less,
    Greater,
    AtMost,
    AtLeast,
    Add,
    Subtract,
    Multiply,
}

impl Operator {
    /// The result.
    #[must_use]
    pub fn apply(self, left: i64, right: i64) -> i64 {
        match self {
            Self::Or => left | right,
            Self::Xor => left ^ right,
            Self::And => left & right,
            Self::Equal => i64::from(left == right),
            Self::NotEqual => i64::from(left != right),
            Self::Less => i64::from(left < right),
            Self::Greater => i64::from(left > right),
            Self::AtMost => i64::from(left <= right),
            Self::AtLeast => i64::from(left >= right),
            Self::Add => left.wrapping_add(right),
            Self::Subtract => left.wrapping_sub(right),
            Self::Multiply => left.wrapping_mul(right),
        }
    }
}

/// A value that a thread computes from what it has read.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Expression {
    Constant(i64),
    Register(Register),
    Binary(Operator, Box<Expression>, Box<Expression>),
}

/// A step of a thread.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are those of the C functions")]
pub enum Statement {
    Assign { register: Register, value: Expression },
    Load { register: Register, place: Place, order: Tagged },
    Store { place: Place, value: Expression, order: Tagged },
    Modify { register: Register, place: Place, how: Modify, operand: Expression, order: Tagged },
    CompareExchange(Box<CompareExchange>),
    Fence { order: Tagged, role: Role },
    If { condition: Expression, then: Vec<Statement>, otherwise: Vec<Statement> },
}

/// A strong compare-exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompareExchange {
    /// Whether it succeeded.
    pub register: Register,
    /// What is compared and written.
    pub place: Place,
    /// Where the expected value is, and what was found instead if it fails.
    pub expected: Register,
    /// What is written if it succeeds.
    pub desired: Expression,
    /// The ordering if it succeeds.
    pub success: Tagged,
    /// The ordering of the read if it fails.
    pub failure: Tagged,
}

/// One thread.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Thread {
    /// Its steps.
    pub code: Vec<Statement>,
    /// The names of its local variables.
    pub registers: Vec<String>,
    /// What those contain at first.
    pub initial: Vec<i64>,
}

/// What is asked about the final state.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Condition {
    Register { thread: usize, register: Register, value: i64, is_equal: bool },
    Place { place: Place, value: i64, is_equal: bool },
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

/// A litmus test.
#[derive(Clone, Debug)]
pub struct Test {
    /// As its first line says.
    pub name: String,
    /// What must not happen, in a sentence.
    pub claim: String,
    /// The lines `KEY=VALUE` in front of the program.
    pub notes: BTreeMap<String, String>,
    /// The names of the shared variables.
    pub places: Vec<String>,
    /// What those contain at first.
    pub initial: Vec<i64>,
    /// The threads.
    pub threads: Vec<Thread>,
    /// The final states that are asked for: does one of them exist?
    pub exists: Condition,
}

impl Test {
    /// Calls `f` for each step of all threads, those of branches included.
    pub fn for_each(&self, f: &mut impl FnMut(&Statement)) {
        fn walk(code: &[Statement], f: &mut impl FnMut(&Statement)) {
            for statement in code {
                f(statement);
                if let Statement::If { then, otherwise, .. } = statement {
                    walk(then, f);
                    walk(otherwise, f);
                }
            }
        }
        for thread in &self.threads {
            walk(&thread.code, f);
        }
    }

    /// The tags that occur, in order and once each.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        let mut tags = std::collections::BTreeSet::new();
        self.for_each(&mut |statement| {
            for tagged in statement.orders() {
                tags.extend(tagged.tags.iter().cloned());
            }
        });
        tags.into_iter().collect()
    }
}

impl Statement {
    /// The place that the step accesses by a load, a store or an exchange.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Load { place, .. } | Self::Store { place, .. } | Self::Modify { place, .. } => {
                Some(*place)
            }
            _ => None,
        }
    }

    /// The orderings that the step names.
    #[must_use]
    pub fn orders(&self) -> Vec<&Tagged> {
        match self {
            Self::Load { order, .. }
            | Self::Store { order, .. }
            | Self::Modify { order, .. }
            | Self::Fence { order, .. } => vec![order],
            Self::CompareExchange(step) => vec![&step.success, &step.failure],
            Self::Assign { .. } | Self::If { .. } => Vec::new(),
        }
    }
}
