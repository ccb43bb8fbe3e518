//! A message that runs code while it is being posted.

use rkyv::rancor::Fallible;
use rkyv::rend::u32_le;
use rkyv::{Archive, Place, Serialize};

/// Calls the closure while its archive, the number 7, is written.
pub(crate) struct Hooked(pub(crate) Box<dyn Fn() + Send>);

impl Archive for Hooked {
    type Archived = u32_le;
    type Resolver = ();

    fn resolve(&self, (): (), out: Place<u32_le>) {
        out.write(u32_le::from_native(7));
    }
}

impl<S: Fallible + ?Sized> Serialize<S> for Hooked {
    fn serialize(&self, _: &mut S) -> Result<(), S::Error> {
        (self.0)();
        Ok(())
    }
}
