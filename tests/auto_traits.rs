//! Who may be moved to, and who may be shared with, another thread. All of it is checked by the
//! compiler.

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;

use message_port::call::{CallError, Client, Pending, Reply, Request, Server, Ticket};
use message_port::rkyv::{Archive, Archived, Serialize};
use message_port::{
    BoxError, Builder, CloseEvent, ClosedBy, HandlerResult, Message, MessageChannel, MessagePort,
    MessageRef, Receiver, Sender, WaitStrategy,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

/// Its archive is `Send` and not `Sync`.
#[derive(Archive, Serialize)]
struct Unshared(u32, PhantomData<Cell<u32>>);

/// Its archive is neither `Send` nor `Sync`.
#[derive(Archive, Serialize)]
struct Unsent(u32, PhantomData<*const u32>);

/// It is neither `Send` nor `Sync`, its archive is both.
type Local = Rc<str>;

assert_impl_all!(Unshared: Message);
assert_impl_all!(Unsent: Message);
assert_impl_all!(Local: Message);
assert_impl_all!(Archived<Unshared>: Send);
assert_not_impl_any!(Archived<Unshared>: Sync);
assert_not_impl_any!(Archived<Unsent>: Send, Sync);
assert_not_impl_any!(Local: Send, Sync);
assert_impl_all!(Archived<Local>: Send, Sync);

// One thread at a time uses an end: it can be moved, not shared, not multiplied.
assert_impl_all!(MessageChannel<String, u64>: Send);
assert_not_impl_any!(MessageChannel<String, u64>: Sync, Clone, Copy);
assert_impl_all!(MessagePort<String, u64>: Send);
assert_not_impl_any!(MessagePort<String, u64>: Sync, Clone, Copy);
assert_impl_all!(Sender<String>: Send);
assert_not_impl_any!(Sender<String>: Sync, Clone, Copy);
assert_impl_all!(Receiver<String>: Send);
assert_not_impl_any!(Receiver<String>: Sync, Clone, Copy);

// An end holds no message, so it does not matter what can be done with one.
assert_impl_all!(MessageChannel<Local>: Send);
assert_not_impl_any!(MessageChannel<Local>: Sync);
assert_impl_all!(MessagePort<Local>: Send);
assert_impl_all!(MessagePort<Unshared, Unsent>: Send);
assert_impl_all!(MessagePort<Unsent, Unshared>: Send);
assert_not_impl_any!(MessagePort<Local>: Sync);
assert_impl_all!(Sender<Local>: Send);
assert_impl_all!(Sender<Unsent>: Send);
assert_not_impl_any!(Sender<Local>: Sync);
assert_impl_all!(Receiver<Local>: Send);
assert_impl_all!(Receiver<Unsent>: Send);
assert_not_impl_any!(Receiver<Local>: Sync);

// The ends of a call channel are as ports are. What names a call can be taken anywhere.
assert_impl_all!(Client<Local, Unsent>: Send);
assert_not_impl_any!(Client<String, u64>: Sync, Clone, Copy);
assert_impl_all!(Server<Local, Unsent>: Send);
assert_not_impl_any!(Server<String, u64>: Sync, Clone, Copy);
assert_impl_all!(Pending: Send, Sync);
assert_not_impl_any!(Pending: Clone, Copy);
assert_impl_all!(Ticket: Send, Sync);
assert_not_impl_any!(Ticket: Clone, Copy);
assert_impl_all!(Reply<'static, String>: Send, Sync);
assert_not_impl_any!(Reply<'static, Unshared>: Send, Sync);
assert_impl_all!(Request<'static, String, Unsent>: Send);
assert_not_impl_any!(Request<'static, Unshared, String>: Send);
assert_impl_all!(CallError: Send, Sync);

// A guard gives shared access to the archive, wherever it is and to whoever can see it.
assert_impl_all!(MessageRef<'static, String>: Send, Sync);
assert_impl_all!(MessageRef<'static, Local>: Send, Sync);
assert_not_impl_any!(MessageRef<'static, String>: Clone, Copy);
assert_not_impl_any!(MessageRef<'static, Unshared>: Send, Sync);
assert_not_impl_any!(MessageRef<'static, Unsent>: Send, Sync);

// Nobody posts an end: ownership moves by Rust's own means.
assert_not_impl_any!(MessagePort<u64>: Archive, Message);
assert_not_impl_any!(MessageChannel<u64>: Archive, Message);
assert_not_impl_any!(Sender<u64>: Archive, Message);
assert_not_impl_any!(Receiver<u64>: Archive, Message);

// Settings and reports are plain values.
assert_impl_all!(Builder<Local, Unsent>: Send, Sync);
assert_impl_all!(WaitStrategy: Send, Sync, Copy);
assert_impl_all!(CloseEvent: Send, Sync, Copy);
assert_impl_all!(ClosedBy: Send, Sync, Copy);

// What a handler may return.
assert_impl_all!((): HandlerResult);
assert_impl_all!(Result<(), BoxError>: HandlerResult);
assert_impl_all!(Result<(), &'static str>: HandlerResult);
assert_impl_all!(Result<(), String>: HandlerResult);
assert_impl_all!(Result<(), std::io::Error>: HandlerResult);
assert_not_impl_any!(Result<(), Rc<str>>: HandlerResult);
assert_not_impl_any!(Result<u64, String>: HandlerResult);
assert_not_impl_any!(u64: HandlerResult);

/// What the assertions are good for: the values stay here, their clones go elsewhere.
#[test]
fn messages_that_cannot_leave_their_thread_are_posted_to_another_one() {
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Local, usize>::new();
    let peer = std::thread::spawn(move || {
        let message = port2.recv().unwrap();
        // The guard is shared with a third thread while the second one holds it.
        let length = std::thread::scope(|scope| scope.spawn(|| message.len()).join().unwrap());
        drop(message);
        port2.post_message(&length).unwrap();
    });
    port1.post_message(&Rc::from("stays here")).unwrap();
    assert_eq!(*port1.recv().unwrap(), 10);
    peer.join().unwrap();
}
