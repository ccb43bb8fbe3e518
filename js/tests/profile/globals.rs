//! Which names there are.

use message_port_js::{Compatibility, CompatibilityError, Error, Host, Options, install, rquickjs};

use crate::{logged, logged_with};

#[test]
fn the_date_and_the_flags_say_what_is_on_the_global() {
    let both = "expose_global_message_channel";
    let cases: [(&str, &[&str], bool); 7] = [
        ("2025-08-14", &[], false),
        ("2025-08-14", &[both], true),
        ("2025-08-15", &[], true),
        ("2025-08-15", &["no_expose_global_message_channel"], false),
        ("2024-09-23", &["nodejs_compat"], false),
        ("2026-08-01", &["nodejs_compat", "no_expose_global_message_channel"], false),
        ("2026-09-15", &["nodejs_compat"], true),
    ];
    for (date, flags, exposed) in cases {
        let options =
            Options::default().compatibility(Compatibility::new(date, flags.iter().copied()));
        let script = "log(`${typeof MessageChannel} ${typeof MessagePort} ${'MessageChannel' in globalThis}`)";
        let expected = if exposed { "function function true" } else { "undefined undefined false" };
        assert_eq!(logged_with(&options, script), expected, "{date} {flags:?}");
    }
}

#[test]
fn contradictory_unknown_and_malformed_settings_are_errors() {
    let error = |date, flags: &[&str]| {
        let compatibility = Compatibility::new(date, flags.iter().copied());
        match Host::new(&Options::default().compatibility(compatibility)) {
            Err(Error::Compatibility(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let both = ["expose_global_message_channel", "no_expose_global_message_channel"];
    assert_eq!(error("2025-08-15", &both), CompatibilityError::Contradiction);
    let text = error("2025-08-15", &both).to_string();
    assert!(text.starts_with("Compatibility flags are mutually contradictory"), "{text}");
    assert_eq!(error("2025-08-15", &["x"]), CompatibilityError::UnknownFlag("x".to_owned()));
    for date in ["", "today", "2025-8-15", "2025-13-01", "2025-08-32", "2025-08-15-1"] {
        assert_eq!(error(date, &[]), CompatibilityError::InvalidDate(date.to_owned()));
    }
}

#[test]
fn the_constructor_can_be_had_where_it_is_not_on_the_global() {
    let hidden = Compatibility::new("2025-08-14", []);
    let host = Host::new(&Options::default().compatibility(hidden)).unwrap();
    host.with(|ctx| {
        let constructor = host.message_channel(ctx).unwrap();
        ctx.globals().set("Hidden", constructor).unwrap();
        assert!(
            ctx.eval::<bool, _>("new Hidden().port1.constructor.name === 'MessagePort'").unwrap()
        );
    });
}

#[test]
fn names_that_are_there_stay() {
    let runtime = rquickjs::Runtime::new().unwrap();
    let context = rquickjs::Context::full(&runtime).unwrap();
    context
        .with(|ctx| {
            ctx.eval::<(), _>(
                "globalThis.setTimeout = 1; globalThis.Event = 2; globalThis.structuredClone = 3",
            )
        })
        .unwrap();
    let host = install(&context, &Options::default()).unwrap();
    host.eval(
        "if (setTimeout !== 1 || Event !== 2 || structuredClone !== 3) throw new Error('replaced')",
    )
    .unwrap();
}

#[test]
fn every_name_is_there_and_not_enumerable() {
    let script = "
        const names = ['MessageChannel', 'MessagePort', 'MessageEvent', 'Event', 'EventTarget', 'DOMException',
            'structuredClone', 'reportError', 'queueMicrotask', 'setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'];
        log(names.filter((name) => typeof globalThis[name] !== 'function').join());
        log(names.filter((name) => Object.keys(globalThis).includes(name)).join());
    ";
    assert_eq!(logged(script), " · ");
}

#[test]
fn report_error_and_microtasks_that_throw_are_uncaught() {
    let script = "
        reportError(new Error('mine'));
        queueMicrotask(() => { throw new Error('micro'); });
        await settle();
        Promise.reject(new Error('late')).catch(() => log('handled'));
        const p = Promise.reject(1); await null; p.catch(() => {});
    ";
    let log = logged(script);
    assert!(log.starts_with("!Error: mine · !Error: micro · handled"), "{log}");
    assert!(!log.contains("late"), "{log}");
}
