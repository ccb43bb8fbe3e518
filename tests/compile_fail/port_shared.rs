//! One thread at a time uses a port: it is moved to another thread, never shared with it.

use message_port::MessageChannel;

fn main() {
    let MessageChannel { mut port1, .. } = MessageChannel::<u64>::new();
    std::thread::scope(|scope| {
        scope.spawn(|| port1.post_message(&1));
        scope.spawn(|| port1.post_message(&2));
    });
}
