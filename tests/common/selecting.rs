//! A thread that waits for several ports at once, or for the descriptor of one, while others post.

use std::thread;

use message_port::{MessageChannel, Select, TryRecvError};

type Channel = MessageChannel<u64>;

const MESSAGES: u64 = 500;
const PORTS: usize = 3;

/// Channels that were made when the system granted what it may refuse now.
pub(crate) struct Channels {
    selected: [Channel; PORTS],
    #[cfg(feature = "fd")]
    polled: Channel,
}

impl Channels {
    pub(crate) fn new() -> Self {
        // Two slots: nearly every post and every receive has to wait.
        Self {
            selected: [(); PORTS].map(|()| Channel::with_capacity(64)),
            #[cfg(feature = "fd")]
            polled: Channel::with_capacity(64),
        }
    }

    /// Fails, or hangs, if a message or a wake is lost.
    pub(crate) fn talk(self) {
        select(self.selected);
        #[cfg(feature = "fd")]
        poll(self.polled);
    }
}

/// Each peer posts, waits for the answer, and is dropped or closes in the end.
fn select(channels: [Channel; PORTS]) {
    let (peers, mut ports): (Vec<_>, Vec<_>) =
        channels.into_iter().map(|channel| (channel.port1, channel.port2)).unzip();
    thread::scope(|scope| {
        for (index, mut peer) in peers.into_iter().enumerate() {
            scope.spawn(move || {
                for number in 0..MESSAGES {
                    peer.post_message(&number).unwrap();
                    assert_eq!(*peer.recv().unwrap(), number);
                }
                if index > 0 {
                    peer.close();
                }
            });
        }
        let mut select = Select::new();
        let keys: Vec<_> = ports.iter_mut().map(|port| select.recv(port)).collect();
        let mut answered = 0;
        while !select.is_empty() {
            let ready = select.ready();
            let key = *keys.iter().find(|&&key| ready == key).unwrap();
            let received = select[key].try_recv().map(|number| number.to_native());
            match received {
                Ok(number) => select[key].post_message(&number).unwrap(),
                Err(TryRecvError::Empty) => panic!("ready, and empty"),
                Err(_) => {
                    select.remove(key);
                    answered += MESSAGES;
                }
            }
        }
        assert_eq!(answered, MESSAGES * PORTS as u64);
    });
}

#[cfg(feature = "fd")]
fn poll(channel: Channel) {
    use message_port::WithFd;
    use rustix::event::{PollFd, PollFlags, poll};

    let Channel { port1: mut peer, port2 } = channel;
    let mut port = WithFd::new(port2).unwrap();
    let posting = thread::spawn(move || {
        for number in 0..MESSAGES {
            peer.post_message(&number).unwrap();
        }
        peer.close();
    });
    let mut next = 0;
    let end = loop {
        let received = port.try_recv().map(|number| number.to_native());
        match received {
            Ok(number) => {
                assert_eq!(number, next);
                next += 1;
            }
            Err(TryRecvError::Empty) => {
                port.arm();
                poll(&mut [PollFd::new(&port, PollFlags::IN)], None).unwrap();
            }
            Err(end) => break end,
        }
    };
    assert!(end.is_closed());
    assert_eq!(next, MESSAGES);
    posting.join().unwrap();
}
