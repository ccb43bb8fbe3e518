//! A callback as an audio device calls it: it must return in time, so it never waits, never allocates
//! and never frees. Settings come to it through a port, levels go back through the same one.
//!
//! The program stands in for the device: it calls the callback on a thread of its own, and its
//! allocator panics where that thread asks for memory.
//!
//! ```text
//! cargo run --release --example audio -- 1000
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::thread;

use message_port::{BoxError, MessageChannel, MessagePort, PostError};
use rkyv::{Archive, Serialize};

/// Frames that the device asks for at a time.
const FRAMES: usize = 64;

#[derive(Archive, Serialize)]
enum Setting {
    Frequency(f32),
    /// A wave to play, of any length: read in place, where it was written once.
    Wave(Vec<f32>),
    Stop,
}

#[derive(Archive, Serialize, Clone, Copy)]
#[rkyv(derive(Debug))]
struct Level {
    block: u64,
    peak: f32,
}

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// The system's allocator, which the callback must not use.
struct Guarded;

fn refuse() {
    if IN_CALLBACK.get() {
        IN_CALLBACK.set(false); // the panic itself needs memory
        panic!("the callback used the allocator");
    }
}

// SAFETY: everything is passed on to the system's allocator, or panics before.
unsafe impl GlobalAlloc for Guarded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        refuse();
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        refuse();
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Guarded = Guarded;

/// What the callback keeps between two calls. Its memory is there before the device starts.
struct Voice {
    port: MessagePort<Level, Setting>,
    wave: Vec<f32>,
    phase: f32,
    step: f32,
    block: u64,
    levels_lost: u64,
}

impl Voice {
    fn new(mut port: MessagePort<Level, Setting>) -> Result<Self, PostError> {
        // The first message of a type with padding or pointers has the port take the memory that it
        // then keeps for all others.
        port.post_message(&Level { block: 0, peak: 0.0 })?;
        let wave = Vec::with_capacity(4096);
        Ok(Self { port, wave, phase: 0.0, step: 0.0, block: 0, levels_lost: 0 })
    }

    /// Fills a block; `false` if it was the last one.
    fn callback(&mut self, out: &mut [f32]) -> bool {
        let mut goes_on = true;
        // What is there now; the next block comes soon.
        while let Ok(setting) = self.port.try_recv() {
            match &*setting {
                ArchivedSetting::Frequency(step) => self.step = step.to_native(),
                ArchivedSetting::Wave(wave) => {
                    self.wave.clear();
                    let room = self.wave.capacity();
                    self.wave.extend(wave.iter().take(room).map(|sample| sample.to_native()));
                }
                ArchivedSetting::Stop => goes_on = false,
            }
        }
        let mut peak: f32 = 0.0;
        for sample in out {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
            let value = self.wave.get(self.phase as usize).copied().unwrap_or(0.0);
            *sample = value;
            peak = peak.max(value.abs());
            self.phase += self.step;
            #[allow(clippy::cast_precision_loss, reason = "a wave is short")]
            let length = self.wave.len().max(1) as f32;
            self.phase %= length;
        }
        self.block += 1;
        // A level that finds no room is out of date anyway.
        let level = Level { block: self.block, peak };
        self.levels_lost += u64::from(self.port.try_post_message(&level).is_err());
        goes_on
    }
}

/// Stands in for the device: calls the callback until it has had enough.
fn device(mut voice: Voice) -> (u64, u64) {
    let mut out = [0.0; FRAMES];
    loop {
        IN_CALLBACK.set(true);
        let goes_on = voice.callback(&mut out);
        IN_CALLBACK.set(false);
        if !goes_on {
            return (voice.block, voice.levels_lost);
        }
        thread::yield_now(); // the device plays the block
    }
}

fn main() -> Result<(), BoxError> {
    let blocks: u64 = std::env::args().nth(1).map_or(Ok(1000), |text| text.parse())?;
    let MessageChannel { port1: mut control, port2 } = MessageChannel::<Setting, Level>::new();
    // What is posted before the device starts is the first thing that the callback finds.
    control.post_message(&Setting::Wave((0..100_u16).map(|n| f32::from(n) / 100.0).collect()))?;
    control.post_message(&Setting::Frequency(1.5))?;
    let voice = Voice::new(port2)?;
    let device = thread::spawn(move || device(voice));

    let mut seen = 0;
    let mut loudest: f32 = 0.0;
    while seen < blocks {
        let level = control.recv()?;
        seen = level.block.to_native();
        loudest = loudest.max(level.peak.to_native());
    }
    control.post_message(&Setting::Stop)?;
    let (played, lost) = device.join().map_err(|_| "the device has failed")?;
    assert!(played >= blocks);
    println!("loudest {loudest}");
    eprintln!("{played} blocks, {lost} levels found no room");
    Ok(())
}
