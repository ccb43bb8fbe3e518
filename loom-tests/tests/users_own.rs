//! How to put a port into a model of your own program.
//!
//! 1. In your `Cargo.toml`, for the models only:
//!
//!    ```toml
//!    [target.'cfg(message_port_loom)'.dependencies]
//!    loom = "0.7"
//!    message-port = { version = "0.1", features = ["loom"] }
//!
//!    [lints.rust]
//!    unexpected_cfgs = { level = "warn", check-cfg = ["cfg(message_port_loom)"] }
//!    ```
//!
//!    The feature alone changes nothing, and neither does another crate's `--cfg loom`.
//!
//! 2. Have your program take its atomics and threads from one place, as the `sync` module below.
//!
//! 3. Write models as the one at the end, and run them with
//!
//!    ```text
//!    RUSTFLAGS="--cfg message_port_loom" cargo test --release --test my_models
//!    ```
//!
//! What to know about ports in models: make channels inside the closure; use the smallest ring
//! (128 bytes under loom), since each slot costs time; a deadline passes as soon as others have
//! run; a loop around `try_recv` or `try_post_message` must call `loom::thread::yield_now`; do not
//! `mem::forget` a received message. What a channel leaks or what deadlocks on it fails the model.

#![cfg(not(message_port_shuttle))]

/// Loom's primitives in a model, the standard library's otherwise.
mod sync {
    #[cfg(message_port_loom)]
    pub(crate) use loom::{sync::Arc, sync::atomic, thread};
    #[cfg(not(message_port_loom))]
    pub(crate) use std::{sync::Arc, sync::atomic, thread};
}

/// The program: a worker that answers requests and counts them.
mod worker {
    use crate::sync::atomic::{AtomicUsize, Ordering};
    use crate::sync::{Arc, thread};
    use message_port::MessagePort;

    pub(crate) struct Worker {
        answered: Arc<AtomicUsize>,
        thread: thread::JoinHandle<()>,
    }

    impl Worker {
        pub(crate) fn start(mut port: MessagePort<u64>) -> Self {
            let answered = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&answered);
            port.set_onmessage(move |request| {
                let answer = request.data().to_native() * 2;
                // Relaxed will do: the answer carries the count with it.
                counter.fetch_add(1, Ordering::Relaxed);
                request.target().post_message(&answer)
            });
            let thread = thread::spawn(move || port.run().expect("an answer was not accepted"));
            Self { answered, thread }
        }

        pub(crate) fn answered(&self) -> usize {
            self.answered.load(Ordering::Relaxed)
        }

        pub(crate) fn join(self) {
            self.thread.join().expect("the worker panicked");
        }
    }
}

/// Runs a model: in every interleaving with up to three preemptions, or just once.
fn check(model: impl Fn() + Send + Sync + 'static) {
    #[cfg(message_port_loom)]
    {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(model);
    }
    #[cfg(not(message_port_loom))]
    model();
}

/// Whoever has received an answer sees that it was counted, and a closed worker ends.
#[test]
fn an_answer_is_counted_before_it_arrives() {
    check(|| {
        use message_port::MessageChannel;

        let MessageChannel { mut port1, port2 } = MessageChannel::<u64>::with_capacity(128);
        let worker = worker::Worker::start(port2);
        port1.post_message(&21).unwrap();
        assert_eq!(*port1.recv().unwrap(), 42);
        assert_eq!(worker.answered(), 1, "the answer came before it was counted");
        port1.close();
        worker.join();
    });
}
