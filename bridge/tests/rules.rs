//! The rules of a port that survive the distance, whoever puts what is posted.

#[macro_use]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use common::{Puts, linked};
use message_port::{ClosedBy, HandlerError, Message, MessageChannel};
use message_port_zenoh::{LinkEnd, LinkError, connect, connect_linked, expose};
use zenoh::Wait;

by_a_thread_and_by_posts! {
    each_direction_is_first_in_first_out_and_nothing_is_lost_or_doubled,
    messages_of_every_size_cross_whatever_the_window,
    what_the_closer_posted_arrives_before_the_close_and_the_close_fires_once_at_both_ends,
    the_reports_count_exactly_what_the_closer_never_read,
    both_may_close_at_once,
    a_dropped_port_is_disconnected_at_the_other_end_without_a_close_event,
    a_dropped_half_ends_its_direction_only,
    a_failing_handler_is_local,
    a_slow_far_receiver_makes_the_near_post_wait_and_all_on_the_way_is_bounded,
    a_post_that_waits_for_room_is_woken_by_the_far_close,
    a_full_ring_of_messages_of_any_size_does_not_hold_up_another_link,
    a_message_longer_than_the_link_takes_is_refused_at_the_post,
    a_router_between_the_two_makes_no_difference,
    a_router_that_goes_away_disconnects_both,
}

fn each_direction_is_first_in_first_out_and_nothing_is_lost_or_doubled(puts: Puts) {
    const COUNT: u64 = 20_000;
    let l = linked(MessageChannel::<u64>::with_capacity(4096), puts.options(), puts.options());
    let ends = [l.near, l.far].map(|port| {
        let (mut sender, mut receiver) = port.into_split();
        let poster = thread::spawn(move || {
            (0..COUNT).for_each(|n| sender.post_message(&n).unwrap());
            sender
        });
        let reader = thread::spawn(move || {
            (0..COUNT).for_each(|n| assert_eq!(*receiver.recv().unwrap(), n));
            receiver
        });
        (poster, reader)
    });
    let [near, far] = ends.map(|(poster, reader)| (poster.join().unwrap(), reader.join().unwrap()));
    let (mut near_sender, _near_receiver) = near;
    near_sender.close();
    let mut far_receiver = far.1;
    assert!(far_receiver.recv().unwrap_err().is_closed(), "nothing is left over");
    assert_eq!(l.near_link.wait().received_messages, COUNT);
    assert_eq!(l.far_link.wait().received_messages, COUNT);
}

fn messages_of_every_size_cross_whatever_the_window(puts: Puts) {
    let channel = MessageChannel::builder().capacity(4096).max_message_len(2 << 20).build();
    let options = || puts.options().capacity(4096).window(8192).max_message_len(2 << 20);
    let mut l = linked::<Vec<u8>, Vec<u8>>(channel.unwrap(), options(), options());
    let sizes = [0, 1, 3, 100, 2000, 4096, 8000, 8192, 8193, 65_536, 200_000, 1 << 20, 5, 0];
    let echo = thread::spawn(move || {
        while let Ok(copy) = l.far.recv().map(|message| message.to_vec()) {
            l.far.post_message(&copy).unwrap();
        }
    });
    for (n, size) in sizes.into_iter().enumerate() {
        let sent: Vec<u8> = (0..size).map(|i| (i * 7 + n).to_le_bytes()[0]).collect();
        l.near.post_message(&sent).unwrap();
        assert_eq!(l.near.recv().unwrap().as_slice(), sent);
    }
    l.near.close();
    echo.join().unwrap();
}

fn what_the_closer_posted_arrives_before_the_close_and_the_close_fires_once_at_both_ends(
    puts: Puts,
) {
    let mut l = linked(MessageChannel::<String>::new(), puts.options(), puts.options());
    let closes = Arc::new([const { AtomicU64::new(0) }; 2]);
    let (at_near, at_far) = (Arc::clone(&closes), Arc::clone(&closes));
    l.near.set_onclose(move |event| {
        assert_eq!(event.closed_by(), ClosedBy::ThisPort);
        at_near[0].fetch_add(1, Ordering::Relaxed);
    });
    l.far.set_onclose(move |event| {
        assert_eq!(event.closed_by(), ClosedBy::Peer);
        at_far[1].fetch_add(1, Ordering::Relaxed);
    });
    let seen = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&seen);
    l.far.set_onmessage(move |event| {
        assert_eq!(event.data().as_str(), counter.fetch_add(1, Ordering::Relaxed).to_string());
    });
    for n in 0..1000 {
        l.near.post_message(&n.to_string()).unwrap();
    }
    l.near.close();
    l.near.close();
    l.near.run().unwrap();
    l.far.run().unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 1000);
    assert!(l.far.post_message(&String::new()).unwrap_err().is_closed());
    for link in [l.near_link, l.far_link] {
        let report = link.wait();
        assert!(matches!(report.end, LinkEnd::Closed), "{report}");
        assert_eq!(report.undelivered_messages, 0);
    }
    l.far.run().unwrap();
    assert_eq!(closes.each_ref().map(|count| count.load(Ordering::Relaxed)), [1, 1]);
}

fn the_reports_count_exactly_what_the_closer_never_read(puts: Puts) {
    const POSTED: u64 = 500;
    for read in [0, 1, 77, 400] {
        let channel = MessageChannel::<[u8; 100]>::with_capacity(4096);
        let options = || puts.options().capacity(4096).window(8192);
        let mut l = linked(channel, options(), options());
        let (mut sender, near_receiver) = l.near.into_split();
        let poster = thread::spawn(move || {
            let accepted = (0..POSTED).take_while(|_| sender.post_message(&[7; 100]).is_ok());
            (accepted.count() as u64, sender)
        });
        for _ in 0..read {
            l.far.recv().unwrap();
        }
        l.far.close();
        let (accepted, sender) = poster.join().unwrap();
        let report = l.near_link.wait();
        let event = sender.close_event().unwrap();
        assert_eq!(event.closed_by(), ClosedBy::Peer);
        let unread = report.undelivered_messages + event.undelivered_messages();
        assert_eq!(accepted, read + unread, "{report}, {event:?}");
        let bytes = report.undelivered_bytes + event.undelivered_bytes();
        assert_eq!(bytes, unread * 100, "{report}, {event:?}");
        assert_eq!(l.far_link.wait().undelivered_messages, 0);
        drop(near_receiver);
    }
}

fn both_may_close_at_once(puts: Puts) {
    for _ in 0..5 {
        let mut l = linked(MessageChannel::<u64>::new(), puts.options(), puts.options());
        l.near.post_message(&1).unwrap();
        l.far.post_message(&2).unwrap();
        let near = thread::spawn(move || l.near.close());
        l.far.close();
        near.join().unwrap();
        for link in [l.near_link, l.far_link] {
            let report = link.wait();
            assert!(matches!(report.end, LinkEnd::Closed), "{report}");
        }
    }
}

fn a_dropped_port_is_disconnected_at_the_other_end_without_a_close_event(puts: Puts) {
    let mut l = linked(MessageChannel::<u64>::new(), puts.options(), puts.options());
    for n in 0..100 {
        l.near.post_message(&n).unwrap();
    }
    drop(l.near);
    l.far.set_onclose(|_| panic!("nobody closed"));
    for n in 0..100 {
        assert_eq!(*l.far.recv().unwrap(), n);
    }
    assert!(l.far.recv().unwrap_err().is_disconnected());
    l.far.run().unwrap();
    let report = l.near_link.wait();
    assert!(matches!(report.end, LinkEnd::Dropped), "{report}");
    assert_eq!(report.undelivered_messages, 0);
    assert!(matches!(l.far_link.wait().end, LinkEnd::Dropped));
    assert!(l.far.post_message(&1).unwrap_err().is_disconnected());
}

fn a_dropped_half_ends_its_direction_only(puts: Puts) {
    let l = linked(MessageChannel::<u64>::new(), puts.options(), puts.options());
    let (mut near_sender, near_receiver) = l.near.into_split();
    let (mut far_sender, mut far_receiver) = l.far.into_split();
    drop(near_receiver);
    // The far sender learns of it by and by, and is not left waiting.
    while far_sender.post_message(&1).is_ok() {}
    assert!(far_sender.post_message(&1).unwrap_err().is_disconnected());
    for n in 0..1000 {
        near_sender.post_message(&n).unwrap();
        assert_eq!(*far_receiver.recv().unwrap(), n);
    }
    drop(near_sender);
    assert!(far_receiver.recv().unwrap_err().is_disconnected());
    assert!(matches!(l.near_link.wait().end, LinkEnd::Dropped));
    let report = l.far_link.wait();
    assert!(matches!(report.end, LinkEnd::Dropped));
    assert!(report.undelivered_messages > 0, "the far posts reached nobody: {report}");
}

fn a_failing_handler_is_local(puts: Puts) {
    let mut l = linked(MessageChannel::<u64>::new(), puts.options(), puts.options());
    l.far.set_onmessage(|event| match event.data().to_native() {
        0 => Err("not today".into()),
        1 => panic!("boom"),
        n => event
            .target()
            .post_message(&n)
            .map_err(Box::<dyn std::error::Error + Send + Sync>::from),
    });
    let errors = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&errors);
    l.far.set_onmessageerror(move |event| {
        let expected = counter.fetch_add(1, Ordering::Relaxed) == 0;
        assert_eq!(matches!(event.error(), HandlerError::Returned(_)), expected);
    });
    let far = thread::spawn(move || l.far.run());
    for n in 0..3 {
        l.near.post_message(&n).unwrap();
    }
    assert_eq!(*l.near.recv().unwrap(), 2, "the near side sees nothing but the answer");
    l.near.close();
    far.join().unwrap().unwrap();
    assert_eq!(errors.load(Ordering::Relaxed), 2);
}

fn a_slow_far_receiver_makes_the_near_post_wait_and_all_on_the_way_is_bounded(puts: Puts) {
    const LENGTH: usize = 1000;
    const WINDOW: usize = 16 << 10;
    const RING: usize = 8 << 10;
    const COUNT: u64 = 500;
    let channel = MessageChannel::<[u8; LENGTH]>::with_capacity(RING);
    let options = || puts.options().capacity(RING).window(WINDOW);
    let mut l = linked(channel, options(), options());
    let posted = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&posted);
    let flood = thread::spawn(move || {
        for _ in 0..COUNT {
            l.near.post_message(&[1; LENGTH]).unwrap();
            counter.fetch_add(1, Ordering::Relaxed);
        }
        l.near
    });
    // Two rings, the window, what the near bridge has in hand, and what is being posted or read.
    let bound = ((2 * RING + WINDOW) / LENGTH + 3) as u64;
    for read in 0..COUNT {
        // Whenever this looks, however long it has slept: there is no more on the way.
        for _ in 0..20 {
            thread::yield_now();
        }
        // A post counts itself when it has returned, so a message may be read before.
        let on_the_way = posted.load(Ordering::Relaxed).saturating_sub(read);
        assert!(on_the_way <= bound, "{on_the_way} messages where {bound} have room");
        assert_eq!(l.far.recv().unwrap()[0], 1);
    }
    flood.join().unwrap().close();
    assert_eq!(l.near_link.wait().undelivered_messages, 0);
}

fn a_post_that_waits_for_room_is_woken_by_the_far_close(puts: Puts) {
    let channel = MessageChannel::<[u8; 1000]>::with_capacity(4096);
    let options = || puts.options().capacity(4096).window(4096);
    let mut l = linked(channel, options(), options());
    let (mut sender, _receiver) = l.near.into_split();
    let flood = thread::spawn(move || while sender.post_message(&[1; 1000]).is_ok() {});
    // Not read: the poster waits sooner or later, and is woken in any case.
    l.far.recv().unwrap();
    l.far.close();
    flood.join().unwrap();
    assert!(matches!(l.near_link.wait().end, LinkEnd::Closed));
}

fn a_full_ring_of_messages_of_any_size_does_not_hold_up_another_link(puts: Puts) {
    fn fill<T: Message + Default + 'static>(puts: Puts) {
        let options = || puts.options().capacity(4096);
        let mut full = linked(MessageChannel::<T>::with_capacity(4096), options(), options());
        // All that is between the two users, and nobody reads.
        let mut posted = 0;
        while full.near.post_message_timeout(&T::default(), Duration::from_millis(300)).is_ok() {
            posted += 1;
        }
        let key = common::key();
        let MessageChannel { port1: mut near, port2 } = MessageChannel::<u64>::new();
        expose(port2, &full.sessions.near, &key, options()).unwrap();
        let mut far = connect::<u64, u64>(&full.sessions.far, &key, options()).unwrap();
        for n in 0..10 {
            near.post_message(&n).unwrap();
            assert_eq!(*far.recv_timeout(common::LONG).unwrap(), n);
            far.post_message(&n).unwrap();
            assert_eq!(*near.recv_timeout(common::LONG).unwrap(), n);
        }
        full.near.close();
        let mut read = 0;
        while full.far.recv().is_ok() {
            read += 1;
        }
        assert_eq!(read, posted);
    }
    fill::<u64>(puts);
    fill::<[u8; 5]>(puts);
    fill::<()>(puts);
    fill::<Vec<u8>>(puts);
}

fn a_message_longer_than_the_link_takes_is_refused_at_the_post(puts: Puts) {
    let channel = MessageChannel::<Vec<u8>>::new();
    let near = puts.options().max_message_len(1000);
    let mut l = linked(channel, near, puts.options());
    let error = l.far.post_message(&vec![0; 2000]).unwrap_err();
    assert!(error.is_too_large(), "{error}");
    l.far.post_message(&vec![0; 500]).unwrap();
    assert_eq!(l.near.recv().unwrap().len(), 500);
    // The exposed port was made before anybody knew: there it is the link that breaks.
    l.near.post_message(&vec![0; 2000]).unwrap();
    let report = l.near_link.wait();
    assert!(
        matches!(report.error(), Some(message_port_zenoh::LinkError::TooLarge { max: 1000, .. })),
        "{report}"
    );
    assert_eq!(report.undelivered_messages, 1);
    assert!(l.far.recv().unwrap_err().is_disconnected());
}

fn a_router_between_the_two_makes_no_difference(puts: Puts) {
    let (router, endpoint) = common::routing();
    let sessions = [(); 2].map(|()| common::client_of(&endpoint));
    let key = common::key();
    let MessageChannel { port1: mut near, port2 } = MessageChannel::<u64>::with_capacity(4096);
    let near_link = expose(port2, &sessions[0], &key, puts.options()).unwrap();
    let (mut far, far_link) =
        connect_linked::<u64, u64>(&sessions[1], &key, puts.options()).unwrap();
    let echo = thread::spawn(move || {
        while let Ok(n) = far.recv().map(|n| n.to_native()) {
            far.post_message(&n).unwrap();
        }
    });
    for n in 0..200 {
        near.post_message(&n).unwrap();
        assert_eq!(*near.recv().unwrap(), n);
    }
    near.close();
    echo.join().unwrap();
    for link in [near_link, far_link] {
        let report = link.wait();
        assert!(matches!(report.end, LinkEnd::Closed), "{report}");
    }
    drop(router);
}

fn a_router_that_goes_away_disconnects_both(puts: Puts) {
    let (router, endpoint) = common::routing();
    let sessions = [(); 2].map(|()| common::client_of(&endpoint));
    let key = common::key();
    let MessageChannel { port1: mut near, port2 } = MessageChannel::<u64>::new();
    let near_link = expose(port2, &sessions[0], &key, puts.options()).unwrap();
    let mut far = connect::<u64, u64>(&sessions[1], &key, puts.options()).unwrap();
    near.post_message(&7).unwrap();
    assert_eq!(*far.recv().unwrap(), 7);
    router.close().wait().unwrap();
    assert!(near.recv().unwrap_err().is_disconnected());
    assert!(far.recv().unwrap_err().is_disconnected());
    assert!(matches!(near_link.wait().error(), Some(LinkError::PeerGone)));
}
