//! Structs of one size: their archives are their bytes.

use rkyv::{Archive, Archived, Serialize};

use super::{Payload, mix};

/// 64 bytes of numbers.
#[derive(Archive, Serialize, Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Quote {
    number: u64,
    time: u64,
    bid: f64,
    ask: f64,
    bid_size: u64,
    ask_size: u64,
    instrument: u64,
    venue: u32,
    flags: u32,
}

impl Payload for Quote {
    const NAME: &'static str = "struct-64";
    const DEPTH: usize = 1024;
    const HAS_HEAP: bool = false;
    const PAUSE: u32 = 64;

    fn sample() -> Self {
        Self {
            number: 0,
            time: 1_700_000_000,
            bid: 99.5,
            ask: 100.25,
            bid_size: 300,
            ask_size: 200,
            instrument: 77,
            venue: 3,
            flags: 1,
        }
    }

    #[inline(always)]
    fn stamp(&mut self, number: u64) {
        self.number = number;
    }

    #[inline(always)]
    fn assign(&mut self, from: &Self) {
        *self = *from;
    }

    #[inline(always)]
    fn touch(&self) -> u64 {
        self.number.wrapping_add(self.ask_size).wrapping_add(u64::from(self.flags))
    }

    #[inline(always)]
    fn touch_archived(archived: &Archived<Self>) -> u64 {
        archived
            .number
            .to_native()
            .wrapping_add(archived.ask_size.to_native())
            .wrapping_add(u64::from(archived.flags.to_native()))
    }

    fn digest(&self) -> u64 {
        let words = [
            self.number,
            self.time,
            self.bid.to_bits(),
            self.ask.to_bits(),
            self.bid_size,
            self.ask_size,
            self.instrument,
            u64::from(self.venue),
            u64::from(self.flags),
        ];
        words.into_iter().fold(2, mix)
    }

    fn digest_archived(archived: &Archived<Self>) -> u64 {
        Self {
            number: archived.number.to_native(),
            time: archived.time.to_native(),
            bid: archived.bid.to_native(),
            ask: archived.ask.to_native(),
            bid_size: archived.bid_size.to_native(),
            ask_size: archived.ask_size.to_native(),
            instrument: archived.instrument.to_native(),
            venue: archived.venue.to_native(),
            flags: archived.flags.to_native(),
        }
        .digest()
    }
}

/// Structs of a number and others. The derive sees that an archive is a copy of the bytes only where
/// the type has no parameters: hence a macro.
macro_rules! numbers {
    ($(#[$doc:meta])* $name:ident, $row:literal, $depth:literal, $others:literal) => {
        $(#[$doc])*
        #[derive(Archive, Serialize, Clone, Copy, Default)]
        #[repr(C)]
        pub(crate) struct $name {
            number: u64,
            others: [u64; $others],
        }

        impl $name {
            fn digest_of(number: u64, others: impl Iterator<Item = u64>) -> u64 {
                others.fold(mix(5, number), mix)
            }
        }

        impl Payload for $name {
            const NAME: &'static str = $row;
            const DEPTH: usize = $depth;
            const HAS_HEAP: bool = false;
            const PAUSE: u32 = 64;

            fn sample() -> Self {
                let mut others = [0; $others];
                others.iter_mut().zip(1..).for_each(|(other, n)| *other = n * 0x0101_0101);
                Self { number: 0, others }
            }

            #[inline(always)]
            fn stamp(&mut self, number: u64) {
                self.number = number;
            }

            #[inline(always)]
            fn assign(&mut self, from: &Self) {
                *self = *from;
            }

            #[inline(always)]
            fn touch(&self) -> u64 {
                self.number
                    .wrapping_add(self.others[$others / 2])
                    .wrapping_add(self.others[$others - 1])
            }

            #[inline(always)]
            fn touch_archived(archived: &Archived<Self>) -> u64 {
                archived
                    .number
                    .to_native()
                    .wrapping_add(archived.others[$others / 2].to_native())
                    .wrapping_add(archived.others[$others - 1].to_native())
            }

            fn digest(&self) -> u64 {
                Self::digest_of(self.number, self.others.iter().copied())
            }

            fn digest_archived(archived: &Archived<Self>) -> u64 {
                let others = archived.others.iter().map(|other| other.to_native());
                Self::digest_of(archived.number.to_native(), others)
            }
        }
    };
}

numbers! {
    /// 16 bytes: a number and a value.
    Pair, "struct-16", 4096, 1
}

numbers! {
    /// 24 bytes: a number, a time, a value.
    Tick, "struct-24", 2048, 2
}

numbers! {
    /// 200 bytes, which lie across four or five lines.
    Snapshot, "struct-200", 256, 24
}

/// What the rows are about: a derive that lost the optimisation would change the question.
const fn is_its_bytes<T: Archive>(size: usize) -> bool {
    T::COPY_OPTIMIZATION.is_enabled() && size_of::<T>() == size && size_of::<Archived<T>>() == size
}

const _: () = {
    assert!(is_its_bytes::<Pair>(16) && is_its_bytes::<Tick>(24));
    assert!(is_its_bytes::<Quote>(64) && is_its_bytes::<Snapshot>(200));
};
