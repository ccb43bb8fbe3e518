//! One round: channels are made, their ports given to those who use them, and what these report compared.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use message_port::{EventLoop, MessageChannel, MessagePort};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle as TaskHandle;

use crate::events::{self, Handlers, Served};
use crate::judge::{self, Outcome, Report};
use crate::load::{Load, Parcel};
use crate::plan::{Plan, Side, Types, User};
use crate::random::Random;
use crate::tasks;
use crate::threads::{self, Posted, Taken};
use crate::watch::Progress;

/// Who uses a port at the moment.
enum Running {
    Halves(JoinHandle<Posted>, JoinHandle<Taken>),
    Whole(JoinHandle<Report>),
    Tasks(TaskHandle<Posted>, TaskHandle<Taken>),
    WholeTask(TaskHandle<Report>),
}

/// Where the rounds take place.
pub(crate) struct Stage {
    runtime: Runtime,
    progress: Arc<Progress>,
}

impl Stage {
    pub(crate) fn new(progress: Arc<Progress>) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
        Ok(Self { runtime, progress })
    }

    /// `None` if somebody panicked; what the panic said has been printed.
    pub(crate) fn play(&self, plan: &Plan) -> Option<Outcome> {
        match plan.types {
            Types::Numbers => self.play_with::<u64, u64>(plan),
            Types::Structs => self.play_with::<[u64; 3], [u64; 8]>(plan),
            Types::LongStructs => self.play_with::<[u64; 25], [u64; 64]>(plan),
            Types::FixedAndParcels => self.play_with::<[u64; 65], Parcel>(plan),
            Types::NumbersAndParcels => self.play_with::<u64, Parcel>(plan),
            Types::Parcels => self.play_with::<Parcel, Parcel>(plan),
        }
    }

    fn play_with<A: Load, B: Load>(&self, plan: &Plan) -> Option<Outcome> {
        if plan.sides[0][1].user == User::Loop {
            return self.play_loop::<A, B>(plan);
        }
        let MessageChannel { port1, port2 } = plan.channel::<A, B>();
        let [side1, side2] = &plan.sides[0];
        let (user1, user2) = (self.begin(port1, side1), self.begin(port2, side2));
        let (report1, report2) = (self.end(user1), self.end(user2));
        self.judge(|| judge::channel(&report1?, &report2?).into())
    }

    /// Several channels, whose second ports are in one event loop.
    fn play_loop<A: Load, B: Load>(&self, plan: &Plan) -> Option<Outcome> {
        let mut events = EventLoop::new();
        let handle = events.handle();
        let open = handle.keep_running();
        let mut random = Random::new(plan.sides[0][1].seed);
        let (mut ports, mut late) = (vec![], vec![]);
        let mut served = Served { handlers: vec![], early: vec![] };
        for [_, side] in &plan.sides {
            let MessageChannel { port1, mut port2 } = plan.channel::<A, B>();
            let handlers = Handlers::install(&mut port2, side, false, &self.progress);
            // Those that are there from the start come first.
            if late.is_empty() && random.one_in(2) {
                served.early.push(events.add(port2));
            } else {
                late.push(port2);
            }
            served.handlers.push(handlers);
            ports.push(port1);
        }
        let serving = thread::spawn(move || events::serve(events, served, &mut random));
        let begun =
            ports.into_iter().zip(&plan.sides).map(|(port, [side, _])| self.begin(port, side));
        let users: Vec<_> = begun.collect();
        for port in late {
            handle.add(port);
        }
        drop(open);
        let reports: Vec<_> = users.into_iter().map(|user| self.end(user)).collect();
        let served = match serving.join().ok()? {
            Ok(served) => served,
            Err(error) => {
                eprintln!("the event loop failed: {error}");
                return None;
            }
        };
        self.judge(move || {
            let mut outcome = Outcome::default();
            for (report, served) in reports.into_iter().zip(&served) {
                outcome.include(judge::channel(&report?, served));
            }
            Some(outcome)
        })
    }

    fn begin<A: Load, B: Load>(&self, port: MessagePort<A, B>, side: &Side) -> Running {
        let (side, progress) = (side.clone(), Arc::clone(&self.progress));
        match side.user {
            User::Halves => {
                let (sender, receiver) = port.into_split();
                let (same, told) = (side.clone(), Arc::clone(&progress));
                Running::Halves(
                    thread::spawn(move || threads::post(sender, &side, &told)),
                    thread::spawn(move || threads::take(receiver, &same, &progress)),
                )
            }
            User::Whole | User::WholeToTheEnd => {
                let to_the_end = side.user == User::WholeToTheEnd;
                Running::Whole(thread::spawn(move || {
                    threads::whole(port, &side, to_the_end, &progress)
                }))
            }
            User::Handlers | User::Loop => {
                Running::Whole(thread::spawn(move || events::run(port, &side, &progress)))
            }
            User::Tasks => {
                let (sender, receiver) = port.into_split();
                Running::Tasks(
                    self.runtime.spawn(tasks::post(sender, side.clone(), Arc::clone(&progress))),
                    self.runtime.spawn(tasks::take(receiver, side, progress)),
                )
            }
            User::WholeTask => {
                Running::WholeTask(self.runtime.spawn(tasks::whole(port, side, progress)))
            }
            User::HandlersTask => {
                Running::WholeTask(self.runtime.spawn(events::run_task(port, side, progress)))
            }
        }
    }

    fn end(&self, user: Running) -> Option<Report> {
        match user {
            Running::Halves(posting, taking) => {
                let (posted, taken) = (posting.join(), taking.join());
                Some(threads::report(&posted.ok()?, &taken.ok()?))
            }
            Running::Whole(thread) => thread.join().ok(),
            Running::Tasks(posting, taking) => {
                let posted = self.runtime.block_on(posting);
                let taken = self.runtime.block_on(taking);
                Some(threads::report(&posted.ok()?, &taken.ok()?))
            }
            Running::WholeTask(task) => self.runtime.block_on(task).ok(),
        }
    }

    /// What does not fit together is a panic, as everywhere; here it must not end the process.
    fn judge(&self, judge: impl FnOnce() -> Option<Outcome> + Send + 'static) -> Option<Outcome> {
        self.runtime.block_on(self.runtime.spawn_blocking(judge)).ok().flatten()
    }
}
