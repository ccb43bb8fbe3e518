//! The thread with the loop, and the worker.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::thread::{self, JoinHandle};

use message_port::{
    BoxError, MessageChannel, MessagePort, PostError, RecvError, TryPostError, TryRecvError, WithFd,
};
use mio::net::{TcpListener, TcpStream};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rkyv::{Archive, Serialize};
use sha2::{Digest, Sha256};

const LISTENER: Token = Token(0);
const ANSWERS: Token = Token(1);
const FIRST_CLIENT: usize = 2;

#[derive(Archive, Serialize)]
struct Job {
    client: u64,
    line: String,
}

#[derive(Archive, Serialize)]
struct Answer {
    client: u64,
    sum: String,
}

/// What takes its time, on a thread of its own, with calls that wait.
fn work(mut port: MessagePort<Answer, Job>) -> Result<(), BoxError> {
    let (sender, receiver) = port.split_mut();
    loop {
        let job = match receiver.recv() {
            Ok(job) => job,
            Err(RecvError::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut sum = String::new();
        for byte in Sha256::digest(job.line.as_bytes()) {
            write!(sum, "{byte:02x}")?;
        }
        match sender.post_message(&Answer { client: job.client.to_native(), sum }) {
            Ok(()) => {}
            Err(PostError::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A connection. What is read and not a whole line yet, and what is not written yet.
struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    to_send: Vec<u8>,
}

pub(crate) struct Server {
    poll: Poll,
    listener: TcpListener,
    clients: HashMap<usize, Client>,
    next_client: usize,
    gone: usize,
    worker: WithFd<MessagePort<Job, Answer>>,
    working: JoinHandle<Result<(), BoxError>>,
    /// Jobs for which the channel had no room: this thread must not wait for it.
    backlog: VecDeque<Job>,
}

impl Server {
    pub(crate) fn bind() -> Result<Self, BoxError> {
        let MessageChannel { port1, port2 } = MessageChannel::<Job, Answer>::with_capacity(4096);
        let working = thread::spawn(move || work(port2));
        let mut worker = WithFd::new(port1).map_err(io::Error::from)?;

        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let fd = worker.as_raw_fd();
        poll.registry().register(&mut SourceFd(&fd), ANSWERS, Interest::READABLE)?;
        worker.arm();
        Ok(Self {
            poll,
            listener,
            clients: HashMap::new(),
            next_client: FIRST_CLIENT,
            gone: 0,
            worker,
            working,
            backlog: VecDeque::new(),
        })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until so many clients have come and gone.
    pub(crate) fn serve(mut self, clients: usize) -> Result<(), BoxError> {
        let mut events = Events::with_capacity(64);
        while self.gone < clients {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    ANSWERS => self.pass_answers_on()?,
                    Token(client) => self.talk(client)?,
                }
            }
        }
        self.worker.close();
        self.working.join().map_err(|_| "the worker panicked")?
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let client = self.next_client;
            self.next_client += 1;
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(client), interest)?;
            let client_state = Client { stream, received: Vec::new(), to_send: Vec::new() };
            self.clients.insert(client, client_state);
        }
    }

    /// The protocol of the descriptor: receive until there is nothing, and arm it.
    fn pass_answers_on(&mut self) -> Result<(), BoxError> {
        loop {
            match self.worker.try_recv() {
                Ok(answer) => {
                    let client = usize::try_from(answer.client.to_native())?;
                    // It may have gone meanwhile.
                    if let Some(client) = self.clients.get_mut(&client) {
                        client.to_send.extend(answer.sum.bytes());
                        client.to_send.push(b'\n');
                        client.send()?;
                    }
                }
                Err(TryRecvError::Empty) => break,
                Err(error) => return Err(error.into()),
            }
        }
        // An answer means that the worker has taken a job, which made room.
        self.post_backlog()?;
        self.worker.arm();
        Ok(())
    }

    fn post_backlog(&mut self) -> Result<(), TryPostError> {
        while let Some(job) = self.backlog.front() {
            match self.worker.try_post_message(job) {
                Ok(()) => drop(self.backlog.pop_front()),
                // There are jobs before this one, so there will be an answer.
                Err(TryPostError::Full) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what a client has sent, and writes what there was no room for.
    fn talk(&mut self, number: usize) -> Result<(), BoxError> {
        let Some(client) = self.clients.get_mut(&number) else { return Ok(()) };
        client.send()?;
        let is_open = client.receive()?;
        while let Some(end) = client.received.iter().position(|&byte| byte == b'\n') {
            let line = String::from_utf8(client.received.drain(..=end).collect())?;
            let line = line.trim_end_matches('\n').to_owned();
            self.backlog.push_back(Job { client: number as u64, line });
        }
        if !is_open {
            self.clients.remove(&number);
            self.gone += 1;
        }
        self.post_backlog()?;
        Ok(())
    }
}

impl Client {
    /// Reads what is there; `false` once the client has gone.
    fn receive(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 1024];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Ok(false),
                Ok(read) => self.received.extend(&bytes[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes as much as the connection takes now.
    fn send(&mut self) -> io::Result<()> {
        while !self.to_send.is_empty() {
            match self.stream.write(&self.to_send) {
                Ok(written) => drop(self.to_send.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
