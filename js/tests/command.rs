//! The command `mp-js`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with files, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("mp-js-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        for (file, text) in files {
            std::fs::write(path.join(file), text).unwrap();
        }
        Self(path)
    }

    fn run(&self, arguments: &[&str]) -> (String, String, Option<i32>) {
        let output = Command::new(env!("CARGO_BIN_EXE_mp-js"))
            .current_dir(&self.0)
            .args(arguments)
            .output()
            .unwrap();
        texts(&output)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn texts(output: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

fn run_file(name: &str, source: &str, arguments: &[&str]) -> (String, String, Option<i32>) {
    let folder = Folder::new(name, &[("main.mjs", source)]);
    let mut all = arguments.to_vec();
    all.push("main.mjs");
    folder.run(&all)
}

#[test]
fn the_samples_print_what_they_should() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mp-js"));
        texts(&command.current_dir(&examples).args(arguments).output().unwrap())
    };
    let (out, error, code) = run(&["sample.mjs"]);
    assert_eq!(
        (out.as_str(), error.as_str(), code),
        ("port1 has received Hello from port2!\n", "", Some(0))
    );
    let (out, error, code) = run(&["--threads", "threads.mjs"]);
    assert_eq!((error.as_str(), code), ("", Some(0)));
    let of =
        |who: &str| out.lines().filter(|line| line.starts_with(who)).collect::<Vec<_>>().join("|");
    assert_eq!(
        of("main"),
        "main: { count: 1, doubled: 2 }|main: { count: 2, doubled: 4 }|main: { count: 3, doubled: 6 }|main: closed"
    );
    assert!(of("worker").ends_with("worker: closed"), "{out}");
}

#[test]
fn modules_import_each_other_and_await() {
    let folder = Folder::new(
        "modules",
        &[
            (
                "main.mjs",
                "import { b } from './b.mjs'; const { c } = await import('./c.mjs'); console.log(b, c, ...scriptArgs.slice(1));",
            ),
            ("b.mjs", "export const b = await Promise.resolve('b');"),
            ("c.mjs", "await new Promise((r) => setTimeout(r, 1)); export const c = 'c';"),
        ],
    );
    let (out, error, code) = folder.run(&["main.mjs", "--x", "y"]);
    assert_eq!((out.as_str(), error.as_str(), code), ("b c --x y\n", "", Some(0)));
}

#[test]
fn what_goes_wrong_is_said_clearly() {
    let folder = Folder::new("wrong", &[("ok.mjs", "")]);
    let (_, error, code) = folder.run(&["missing.mjs"]);
    assert!(error.starts_with("mp-js: cannot read missing.mjs: No such file"), "{error}");
    assert_eq!(code, Some(1));
    for (arguments, text) in [
        (&["--nope", "ok.mjs"][..], "invalid option '--nope'"),
        (&["--compat-flag", "x", "ok.mjs"], "No such compatibility flag: x"),
        (&["--compat-date", "x", "ok.mjs"], "invalid compatibility date: x"),
        (&["--compat-date"], "missing argument"),
        (&[], "there is no FILE to run"),
        (
            &[
                "--compat-flag",
                "expose_global_message_channel",
                "--compat-flag",
                "no_expose_global_message_channel",
                "ok.mjs",
            ],
            "Compatibility flags are mutually contradictory",
        ),
    ] {
        let (out, error, code) = folder.run(arguments);
        assert!(error.contains(text), "{arguments:?}: {error}");
        assert_eq!((out.as_str(), code), ("", Some(2)));
    }
    let (out, _, code) = folder.run(&["--help"]);
    assert!(out.starts_with("usage: mp-js"));
    assert_eq!(code, Some(0));
}

#[test]
fn uncaught_errors_are_printed_and_the_rest_still_runs() {
    for (name, source, text) in [
        ("syntax", "let x = ;", "SyntaxError"),
        ("import", "import './nothing.mjs'", "cannot import"),
        ("bare", "import 'fs'", "there is no module fs"),
        ("throw", "throw new TypeError('oh')", "uncaught TypeError: oh"),
        ("reject", "Promise.reject(new Error('no'))", "unhandled rejection: Error: no"),
        ("timer", "setTimeout(() => { throw 5 })", "uncaught 5"),
        ("await", "await new Promise(() => {})", "awaits something that never comes"),
    ] {
        let (out, error, code) = run_file(name, source, &[]);
        assert!(error.contains(text), "{source}: {error}");
        assert_eq!((out.as_str(), code), ("", Some(1)), "{source}");
    }
    let (out, error, code) = run_file(
        "handler",
        "const { port1, port2 } = new MessageChannel();
         port1.onmessage = ({ data }) => { console.log(data); if (data === 1) throw new Error('boom'); };
         port2.postMessage(1); port2.postMessage(2);",
        &[],
    );
    assert_eq!((out.as_str(), code), ("1\n2\n", Some(1)));
    assert!(error.starts_with("uncaught Error: boom"), "{error}");
}

#[test]
fn dates_and_flags_reach_the_global_and_the_module() {
    let script = "console.log(typeof MessageChannel)";
    let (out, _, _) = run_file("old", script, &["--compat-date", "2025-08-14"]);
    assert_eq!(out, "undefined\n");
    let (out, _, _) = run_file("new", script, &[]);
    assert_eq!(out, "function\n");
    let script = "
        import { MessageChannel as Channel } from 'node:worker_threads';
        const { port1, port2 } = new Channel();
        port1.onmessage = ({ data }) => console.log(typeof MessageChannel, data, Channel === globalThis.MessageChannel);
        port2.postMessage('hi');";
    let hidden = [
        "--compat-date",
        "2026-08-01",
        "--compat-flag",
        "nodejs_compat",
        "--compat-flag",
        "no_expose_global_message_channel",
    ];
    assert_eq!(run_file("node-hidden", script, &hidden).0, "undefined hi false\n");
    assert_eq!(
        run_file("node", script, &["--compat-flag", "nodejs_compat"]).0,
        "function hi true\n"
    );
    let (_, error, code) = run_file("no-node", script, &[]);
    assert!(error.contains("without the flag nodejs_compat"), "{error}");
    assert_eq!(code, Some(1));
}

#[test]
fn garbage_and_threads_are_behind_flags() {
    let script = "console.log(typeof gc, typeof startThread, typeof performance.now())";
    assert_eq!(run_file("plain", script, &[]).0, "undefined undefined number\n");
    assert_eq!(
        run_file("gc", script, &["--expose-gc", "--threads"]).0,
        "function function number\n"
    );
    let (_, error, code) = run_file("no-thread", "startThread('nothing.mjs')", &["--threads"]);
    assert!(error.contains("there is no such file"), "{error}");
    assert_eq!(code, Some(1));
}

#[test]
fn a_thread_that_fails_fails_the_command() {
    let folder = Folder::new(
        "failing",
        &[
            ("main.mjs", "startThread('worker.mjs').close()"),
            ("worker.mjs", "throw new Error('worker')"),
        ],
    );
    let (_, error, code) = folder.run(&["--threads", "main.mjs"]);
    assert!(error.contains("uncaught Error: worker"), "{error}");
    assert_eq!(code, Some(1));
}
