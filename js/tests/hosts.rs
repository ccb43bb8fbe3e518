//! Several hosts on one runtime.

use std::cell::RefCell;
use std::rc::Rc;

use message_port_js::rquickjs::{Context, Ctx, Function, Runtime};
use message_port_js::{Host, Options, install};

#[test]
fn a_function_finds_the_host_of_its_own_context() {
    let runtime = Runtime::new().unwrap();
    let names = Rc::new(RefCell::new(Vec::new()));
    let make = |date: &str| {
        let context = Context::full(&runtime).unwrap();
        let compatibility = message_port_js::Compatibility::new(date, []);
        let host = install(&context, &Options::default().compatibility(compatibility)).unwrap();
        let names = Rc::clone(&names);
        host.with(|ctx| {
            let name = move |ctx: Ctx<'_>| {
                let date = Host::of(&ctx).map(|host| format!("{:?}", host.compatibility()));
                names.borrow_mut().push(date);
            };
            let name = Function::new(ctx.clone(), name).unwrap();
            ctx.globals().set("name", name).unwrap();
        });
        host
    };
    let (one, other) = (make("2026-01-01"), make("2026-02-02"));
    for host in [&one, &other, &one] {
        host.eval("name()").unwrap();
        let expected = Some(format!("{:?}", host.compatibility()));
        assert_eq!(names.borrow_mut().pop(), Some(expected));
    }
    let without = Context::full(&runtime).unwrap();
    assert!(without.with(|ctx| Host::of(&ctx).is_none()));
    drop(other);
    one.eval("name()").unwrap();
    assert_eq!(names.borrow_mut().pop(), Some(Some(format!("{:?}", one.compatibility()))));
}

#[test]
fn each_host_hears_of_the_rejections_in_its_own_context() {
    let runtime = Runtime::new().unwrap();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let make = |name: &'static str| {
        let heard = Rc::clone(&heard);
        let options = Options::default().on_uncaught(move |uncaught| {
            heard.borrow_mut().push(format!("{name}: {}", uncaught.message()));
        });
        install(&Context::full(&runtime).unwrap(), &options).unwrap()
    };
    let (one, other) = (make("one"), make("other"));
    one.eval("Promise.reject('a')").unwrap();
    other.eval("Promise.reject('b')").unwrap();
    one.run().unwrap();
    other.run().unwrap();
    assert_eq!(*heard.borrow(), ["one: a", "other: b"]);
}
