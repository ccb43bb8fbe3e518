//! Barriers of two sides, where the system executes the light one, order what a fence on either
//! side would, and no more than that.

use message_port_litmus::parse::parse;
use message_port_litmus::program::{Role, Statement, Test};
use message_port_litmus::verdict::{Model, Verdicts};

/// Store buffering, with these fences in the threads.
fn store_buffering(fences: [Option<Role>; 2]) -> Test {
    let thread = |mine: &str, other: &str| {
        format!(
            "{{ atomic_store_explicit({mine}, 1, memory_order_relaxed);\n\
             atomic_thread_fence(memory_order_seq_cst);\n\
             int r = atomic_load_explicit({other}, memory_order_relaxed); }}"
        )
    };
    let parameters = "(atomic_int* x, atomic_int* y)";
    let text = format!(
        "C t\n{{ }}\nP0 {parameters} {}\nP1 {parameters} {}\nexists (0:r=0 /\\ 1:r=0)",
        thread("x", "y"),
        thread("y", "x"),
    );
    with_roles(&text, &fences)
}

/// A test whose fences, one per thread, have these roles, or are left out.
fn with_roles(program: &str, fences: &[Option<Role>]) -> Test {
    let mut test = parse(program).unwrap();
    for (thread, fence) in test.threads.iter_mut().zip(fences) {
        thread.code.retain_mut(|statement| match (statement, fence) {
            (Statement::Fence { role, .. }, Some(fence)) => {
                *role = *fence;
                true
            }
            (statement, _) => !matches!(statement, Statement::Fence { .. }),
        });
    }
    test
}

fn is_allowed(test: &Test, model: Model) -> bool {
    Verdicts::of(test).by(model).is_allowed()
}

#[test]
fn one_heavy_side_is_enough_on_the_hardware() {
    for other in [Role::Light, Role::Heavy, Role::Fence].map(Some).into_iter().chain([None]) {
        let test = store_buffering([other, Some(Role::Heavy)]);
        assert!(!is_allowed(&test, Model::Membarrier), "{other:?}");
        assert_eq!(is_allowed(&test, Model::AArch64), other.is_none(), "{other:?}");
        assert_eq!(is_allowed(&test, Model::Rc11), other.is_none(), "{other:?}");
    }
}

#[test]
fn light_sides_alone_order_nothing_on_the_hardware() {
    for other in [Some(Role::Light), Some(Role::Fence), None] {
        let test = store_buffering([Some(Role::Light), other]);
        assert!(is_allowed(&test, Model::Membarrier), "{other:?}");
    }
    let fences = store_buffering([Some(Role::Fence), Some(Role::Fence)]);
    assert!(!is_allowed(&fences, Model::Membarrier));
}

/// Independent reads of independent writes: a call orders two other threads, too.
#[test]
fn a_heavy_side_orders_what_each_thread_has_seen() {
    let text = "C t\n{ }\n\
        P0 (atomic_int* x) { atomic_store_explicit(x, 1, memory_order_relaxed); }\n\
        P1 (atomic_int* x, atomic_int* y) {\n\
        int a = atomic_load_explicit(x, memory_order_relaxed);\n\
        atomic_thread_fence(memory_order_seq_cst);\n\
        int b = atomic_load_explicit(y, memory_order_relaxed); }\n\
        P2 (atomic_int* x, atomic_int* y) {\n\
        atomic_store_explicit(y, 1, memory_order_relaxed);\n\
        atomic_thread_fence(memory_order_seq_cst);\n\
        int a = atomic_load_explicit(x, memory_order_relaxed); }\n\
        exists (1:a=1 /\\ 1:b=0 /\\ 2:a=0)";
    let roles = |one, two| with_roles(text, &[None, one, two]);
    assert!(!is_allowed(&roles(Some(Role::Light), Some(Role::Heavy)), Model::Membarrier));
    assert!(is_allowed(&roles(Some(Role::Light), Some(Role::Light)), Model::Membarrier));
    assert!(is_allowed(&roles(Some(Role::Light), None), Model::Membarrier));
}
