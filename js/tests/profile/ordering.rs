//! Order, and turns.

use message_port_js::{Host, Next, Options};

use crate::{logged, logged_with};

#[test]
fn a_ping_pong_alternates() {
    let script = "
        const [p1, p2] = pair();
        for (const [p, name] of [[p1, 'p1'], [p2, 'p2']]) {
            p.onmessage = ({ data }) => { log(`${name}<-${data}`); if (data < 6) p.postMessage(data + 1); };
        }
        p1.postMessage(0); log('sync-end');
    ";
    assert_eq!(logged(script), "sync-end · p2<-0 · p1<-1 · p2<-2 · p1<-3 · p2<-4 · p1<-5 · p2<-6");
}

#[test]
fn a_nested_post_goes_to_the_end() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = ({ data }) => { log(`p2<-${data}`); if (data === 1) { p1.postMessage('nested'); log('posted'); } };
        for (const n of [1, 2, 3]) p1.postMessage(n);
    ";
    assert_eq!(logged(script), "p2<-1 · posted · p2<-2 · p2<-3 · p2<-nested");
}

#[test]
fn microtasks_run_behind_each_message() {
    let script = "
        const [p1, p2] = pair();
        p2.onmessage = ({ data }) => { log(`p2<-${data}`); Promise.resolve().then(() => log(`micro ${data}`)); };
        p1.postMessage(1); p1.postMessage(2);
    ";
    assert_eq!(logged(script), "p2<-1 · micro 1 · p2<-2 · micro 2");
}

#[test]
fn two_channels_keep_the_order_of_posting() {
    let script = "
        const [a1, a2] = pair(), [b1, b2] = pair();
        watch(a2, 'A', 'message'); watch(b2, 'B', 'message');
        a1.postMessage(1); b1.postMessage(1); a1.postMessage(2); b1.postMessage(2); b1.postMessage(3); a1.postMessage(3);
    ";
    assert_eq!(logged(script), "A<-1 · B<-1 · A<-2 · B<-2 · B<-3 · A<-3");
}

#[test]
fn a_message_never_comes_inside_the_post_or_before_microtasks() {
    let script = "
        const [p1, p2] = pair();
        watch(p2, 'p2');
        p1.postMessage(1); log('posted');
        await null; log('microtask');
    ";
    assert_eq!(logged(script), "posted · microtask · p2<-1");
}

#[test]
fn an_endless_ping_pong_starves_no_timer() {
    let script = "
        const [p1, p2] = pair();
        let goesOn = true, count = 0;
        for (const p of [p1, p2]) p.onmessage = ({ data }) => { count++; if (goesOn) p.postMessage(data); };
        setTimeout(() => { log(`timer ${count > 0}`); goesOn = false; }, 0);
        p1.postMessage('ball');
    ";
    assert_eq!(logged(script), "timer true");
}

#[test]
fn a_flood_starves_no_timer() {
    let script = "
        const [p1, p2] = pair();
        let count = 0;
        p2.onmessage = () => count++;
        for (let n = 0; n < 20000; n++) p1.postMessage(n);
        setTimeout(() => log(`timer ${count < 20000}`), 0);
        const wait = () => count < 20000 ? setTimeout(wait, 0) : log('all');
        wait();
    ";
    assert_eq!(logged(script), "timer true · all");
}

#[test]
fn a_turn_delivers_no_more_than_its_budget() {
    let host = Host::new(&Options::default().budget(2)).unwrap();
    host.eval(
        "var seen = 0; var { port1, port2 } = new MessageChannel();
         port2.onmessage = () => seen++;
         for (let n = 0; n < 3; n++) port1.postMessage(n);",
    )
    .unwrap();
    let seen = || host.with(|ctx| ctx.globals().get::<_, i32>("seen").unwrap());
    assert_eq!((host.turn().unwrap(), seen()), (Next::Now, 2));
    assert_eq!((host.turn().unwrap(), seen()), (Next::Never, 3));
}

#[test]
fn timers_fire_in_order_and_can_be_cleared() {
    let script = "
        setTimeout((...args) => log(`b ${args}`), 1, 'x', 'y');
        setTimeout(() => log('a'), 0);
        clearTimeout(setTimeout(() => log('never'), 0));
        let n = 0;
        const id = setInterval(() => { log(`tick ${++n}`); if (n === 2) clearInterval(id); }, 2);
        log(typeof id);
        clearTimeout(undefined); clearTimeout('x');
        setTimeout(() => { throw new Error('timer'); }, 0);
        log(attempt(() => setTimeout('code')).slice(0, 9));
    ";
    let log = logged(script);
    assert!(log.starts_with("number · TypeError"), "{log}");
    for part in ["a · ", "b x,y", "tick 1", "tick 2", "!Error: timer"] {
        assert!(log.contains(part), "{log} has no {part}");
    }
    assert!(!log.contains("never") && !log.contains("tick 3"), "{log}");
}

#[test]
fn a_small_budget_changes_no_order() {
    let script = "
        const [p1, p2] = pair();
        watch(p2, 'p2', 'message');
        for (const n of [1, 2, 3]) p1.postMessage(n);
    ";
    assert_eq!(logged_with(&Options::default().budget(1), script), "p2<-1 · p2<-2 · p2<-3");
}
