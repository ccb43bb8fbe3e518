//! Ways in which safe code once got the close report, the archives or the sizes wrong.

#[path = "common/watchdog.rs"]
mod watchdog;

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use message_port::rkyv::rancor::{Fallible, Source};
use message_port::rkyv::ser::Writer;
use message_port::rkyv::vec::{ArchivedVec, VecResolver};
use message_port::rkyv::{Archive, Place, Serialize};
use message_port::{
    CloseEvent, ClosedBy, Message, MessageChannel, MessagePort, Sender, TryPostError, TryRecvError,
};

use watchdog::Watchdog;

type Outcome = Result<(), Box<dyn Error>>;
type Port = MessagePort<Vec<u8>>;

/// Rings of this many bytes, in which a vector of `n` bytes (a multiple of 4) has an archive of
/// `n + 8` bytes and takes `n + 16`, rounded up to 16.
const CAPACITY: usize = 256;

fn channel() -> (Port, Port) {
    let MessageChannel { port1, port2 } = MessageChannel::with_capacity(CAPACITY);
    (port1, port2)
}

/// Posts a message and has it received.
fn exchange(from: &mut Port, to: &mut Port, message: &Vec<u8>) -> Outcome {
    from.try_post_message(message)?;
    assert_eq!(*to.recv()?, **message);
    Ok(())
}

/// A frame's header, as a payload may imitate it: a message of `length` bytes.
fn header(length: u32) -> [u8; 4] {
    (length << 2 | 1).to_le_bytes()
}

/// `length` bytes, with `header` where the ring had one in the lap before.
fn forged(length: usize, at: usize, header: [u8; 4]) -> Vec<u8> {
    let mut bytes = vec![0; length];
    bytes[at..at + 4].copy_from_slice(&header);
    bytes
}

fn assert_undelivered(event: CloseEvent, messages: u64, bytes: u64) {
    assert_eq!(event.closed_by(), ClosedBy::Peer);
    assert_eq!((event.undelivered_messages(), event.undelivered_bytes()), (messages, bytes));
}

/// The receiver gave a skip frame back without delivering anything behind it, and the sender
/// wrote over it. The report started at the skip and took what a message says there for a frame.
#[test]
fn c4_report_behind_a_skip_that_was_given_back() -> Outcome {
    let (mut port1, mut port2) = channel();
    // Up to 224, then round the end: a skip at 224, the frame at 256.
    exchange(&mut port1, &mut port2, &vec![1; 96])?;
    exchange(&mut port1, &mut port2, &vec![1; 96])?;
    port1.try_post_message(&vec![2; 96])?;
    assert_eq!(port2.dispatch()?, 0, "it only looks");
    // From 368 to 496, over the skip's header, which becomes a frame of 100 MB.
    port1.try_post_message(&forged(112, 104, header(100_000_000)))?;
    port2.close();
    assert_undelivered(port1.split_mut().0.close_event().unwrap(), 2, 104 + 120);
    Ok(())
}

/// As before, with a forged length that led the report to a spill frame across the end of the
/// ring: it read outside the allocation.
#[test]
fn c4_report_stays_inside_the_ring() -> Outcome {
    let (mut port1, mut port2) = channel();
    exchange(&mut port1, &mut port2, &vec![0; 112])?;
    // Bytes that look like the header of a spill frame in the last slot.
    exchange(&mut port1, &mut port2, &forged(112, 104, 3u32.to_le_bytes()))?;
    exchange(&mut port1, &mut port2, &vec![0; 96])?;
    exchange(&mut port1, &mut port2, &vec![0; 80])?;
    port1.try_post_message(&vec![0; 96])?;
    assert_eq!(port2.dispatch()?, 0, "it gives the skip at 208 back");
    port1.try_post_message(&forged(92, 88, header(536)))?;
    port2.close();
    assert_undelivered(port1.split_mut().0.close_event().unwrap(), 2, 104 + 100);
    Ok(())
}

/// As before, with a forged length of one whole lap: the report came back to the same header
/// again and again.
#[test]
fn c4_report_comes_to_an_end() -> Outcome {
    let _watchdog = Watchdog::start();
    let (mut port1, mut port2) = channel();
    exchange(&mut port1, &mut port2, &vec![1; 96])?;
    exchange(&mut port1, &mut port2, &vec![1; 96])?;
    port1.try_post_message(&vec![1; 96])?;
    assert_eq!(port2.dispatch()?, 0);
    port1.try_post_message(&forged(112, 104, header(248)))?;
    port2.close();
    port1.set_onclose(|event| assert_undelivered(*event, 2, 104 + 120));
    assert_eq!(port1.dispatch()?, 1);
    Ok(())
}

/// Closes `closer` when the task is woken, and keeps what `reporter` is told then.
struct CloseWhenWoken {
    closer: Mutex<Sender<Vec<u8>>>,
    reporter: Mutex<Sender<Vec<u8>>>,
    report: Mutex<Option<CloseEvent>>,
}

impl Wake for CloseWhenWoken {
    fn wake(self: Arc<Self>) {
        self.closer.lock().unwrap().close();
        *self.report.lock().unwrap() = self.reporter.lock().unwrap().close_event();
    }
}

/// The receiver had seen an open channel and was just behind a skip frame when its sibling closed
/// and the peer asked for the report: the message there was reported, and then delivered too.
#[test]
fn c4_message_behind_a_skip_is_not_both_reported_and_delivered() -> Outcome {
    let (mut port1, mut port2) = channel();
    exchange(&mut port1, &mut port2, &vec![1; 96])?;
    exchange(&mut port1, &mut port2, &vec![1; 96])?;
    port1.try_post_message(&vec![2; 96])?;
    let (closer, mut receiver) = port2.into_split();
    let (sender, _receiver1) = port1.into_split();
    let scene = Arc::new(CloseWhenWoken {
        closer: Mutex::new(closer),
        reporter: Mutex::new(sender),
        report: Mutex::default(),
    });
    // It waits for the room that the skip takes, so it is woken between the receiver's look at
    // the channel and its claim.
    let waker = Waker::from(Arc::clone(&scene));
    let pending = scene
        .reporter
        .lock()
        .unwrap()
        .poll_post_message(&mut Context::from_waker(&waker), &vec![3; 96]);
    assert!(pending.is_pending());

    let delivered = u64::from(match receiver.try_recv() {
        Ok(_) => true,
        Err(TryRecvError::Closed) => false,
        Err(other) => return Err(other.into()),
    });
    let event = scene.report.lock().unwrap().expect("the sender was woken");
    assert_eq!(event.closed_by(), ClosedBy::Peer);
    assert_eq!(delivered + event.undelivered_messages(), 1);
    assert_eq!(event.undelivered_bytes(), 104 * event.undelivered_messages());
    assert!(receiver.try_recv().unwrap_err().is_closed());
    let again = scene.reporter.lock().unwrap().close_event();
    assert_eq!(again, Some(event), "the numbers are final");
    Ok(())
}

/// Bytes beyond what offsets of 32 bits can reach, which need no memory.
struct Huge {
    mebibytes: usize,
}

static MEBIBYTE: [u8; 1 << 20] = [0; 1 << 20];

impl Archive for Huge {
    type Archived = ArchivedVec<u8>;
    type Resolver = VecResolver;

    fn resolve(&self, resolver: VecResolver, out: Place<ArchivedVec<u8>>) {
        ArchivedVec::resolve_from_len(self.mebibytes << 20, resolver, out);
    }
}

impl<S: Fallible + Writer + ?Sized> Serialize<S> for Huge {
    fn serialize(&self, serializer: &mut S) -> Result<VecResolver, S::Error> {
        let start = serializer.pos();
        for _ in 0..self.mebibytes {
            serializer.write(&MEBIBYTE)?;
        }
        Ok(VecResolver::from_pos(start))
    }
}

/// rkyv panics where an offset does not fit 32 bits. The message is too large before that.
#[test]
#[cfg_attr(miri, ignore = "writes gibibytes")]
fn e4_archive_beyond_32_bits_is_too_large() -> Outcome {
    const LIMIT: usize = i32::MAX as usize;
    let most = MessageChannel::<Huge>::builder().max_message_len(usize::MAX).build()?;
    for MessageChannel { mut port1, mut port2 } in [MessageChannel::new(), most] {
        for mebibytes in [2 << 10, 3 << 10, 5 << 10] {
            let Err(TryPostError::TooLarge { needed, max }) =
                port1.try_post_message(&Huge { mebibytes })
            else {
                panic!("{mebibytes} MiB cannot be posted");
            };
            assert!(needed > LIMIT && max <= LIMIT, "{needed} {max}");
            assert!(port1.post_message(&Huge { mebibytes }).unwrap_err().is_too_large());
        }
        port1.post_message(&Huge { mebibytes: 1 })?;
        assert_eq!(port2.recv()?.len(), 1 << 20);
        assert!(port2.try_recv().unwrap_err().is_empty());
    }
    Ok(())
}

/// Archived to something that is aligned to more than a message.
#[derive(Archive, Serialize)]
#[rkyv(attr(repr(C, align(32))))]
#[repr(C, align(32))]
struct Wide([u64; 4]);

/// Whether the archive is received; where it is, the `Wide` in it must be where it may be.
fn receive_wide<T: Message>(
    port: &mut MessagePort<T>,
    find: impl Fn(&T::Archived) -> &ArchivedWide,
) -> Result<bool, TryRecvError> {
    match port.try_recv() {
        Ok(message) => {
            let wide = find(&message);
            assert!(std::ptr::from_ref(wide).addr().is_multiple_of(align_of::<ArchivedWide>()));
            assert_eq!(wide.0[3], 7);
            Ok(true)
        }
        Err(TryRecvError::InvalidArchive(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

/// A `Wide` behind a pointer lies wherever the message does. Validation refuses it where that is
/// not aligned enough for it.
#[test]
fn h1_nested_over_aligned_archive_is_never_misaligned() -> Outcome {
    let wide = || Wide([7; 4]);
    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<Wide>>::with_capacity(4096);
    let mut received = 0;
    for _ in 0..100 {
        port1.try_post_message(&vec![wide()])?;
        received += u32::from(receive_wide(&mut port2, |vector| &vector[0])?);
    }
    assert!((1..100).contains(&received), "frames of 48 bytes are aligned in turn: {received}");

    let MessageChannel { mut port1, mut port2 } =
        MessageChannel::<Option<Box<Wide>>>::with_capacity(4096);
    let mut received = 0;
    for _ in 0..100 {
        port1.try_post_message(&Some(Box::new(wide())))?;
        received += u32::from(receive_wide(&mut port2, |option| option.as_ref().unwrap())?);
    }
    assert!((1..100).contains(&received), "{received}");
    Ok(())
}

#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl Error for Refused {}

/// A value whose bytes are its archive, with a `Serialize` that always fails.
#[derive(Archive)]
struct Plain(u32);

impl<S: Fallible<Error: Source> + ?Sized> Serialize<S> for Plain {
    fn serialize(&self, _: &mut S) -> Result<PlainResolver, S::Error> {
        Err(Source::new(Refused))
    }
}

/// The same `Serialize` on a value that is not its archive.
#[derive(Archive)]
struct Pointing(Box<u32>);

impl<S: Fallible<Error: Source> + ?Sized> Serialize<S> for Pointing {
    fn serialize(&self, _: &mut S) -> Result<PointingResolver, S::Error> {
        Err(Source::new(Refused))
    }
}

/// What `Message` says of values whose bytes are their archive: they are copied, alone and in
/// slices, and their `Serialize` is not asked. Every other value's is.
#[test]
#[cfg(target_endian = "little")]
fn plain_copies_are_copied_without_serialize() -> Outcome {
    assert!(Plain::COPY_OPTIMIZATION.is_enabled());
    assert!(!Pointing::COPY_OPTIMIZATION.is_enabled());

    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Plain>::new();
    port1.post_message(&Plain(7))?;
    assert_eq!(port2.recv()?.0, 7);

    let MessageChannel { mut port1, mut port2 } = MessageChannel::<Vec<Plain>>::new();
    port1.post_message(&vec![Plain(7), Plain(8)])?;
    assert_eq!(port2.recv()?[1].0, 8);

    let MessageChannel { mut port1, port2 } = MessageChannel::<Pointing>::new();
    let Err(message_port::PostError::DataClone(error)) = port1.post_message(&Pointing(Box::new(7)))
    else {
        panic!("its `Serialize` fails");
    };
    assert!(error.source().is_some_and(<dyn Error>::is::<Refused>));
    assert!(port2.is_empty());
    Ok(())
}
