//! What a post walks through, without what makes that slow in the safe interface: a reference to the
//! context for each value and each name.

use std::{ptr, slice};

use message_port_structured::{Builder, NodeId};
use rquickjs::class::{Trace, Tracer};
use rquickjs::{Ctx, Object, Value, qjs};

use super::Thrown;
use super::names::{Name, NameId, checked, held, own};
use super::values::write_string;

/// Places for objects, however few there are; a power of two.
const PLACES: usize = 32;

/// Objects from which on the memory of a walk is not kept for the next one.
const MANY: usize = 4096;

/// A value of a walk, by its number: an object, but for [what takes thought](Got::Other).
#[derive(Clone, Copy)]
pub(crate) struct Held(u32);

/// An object that is come upon.
#[derive(Clone, Copy)]
pub(crate) enum Met {
    New(Held),
    /// What was written for it.
    Before(NodeId),
}

/// What a property or an element is.
#[derive(Clone, Copy)]
pub(crate) enum Got {
    Written(NodeId),
    Object(Met),
    /// What takes thought: a `BigInt`, a symbol, a string with a lone surrogate.
    Other(Held),
}

/// The objects of a message, which are kept alive, so that no other one takes the place of a temporary
/// one; and the names of the properties of those that are being written, the innermost one last.
pub(crate) struct Walk<'js> {
    ctx: Ctx<'js>,
    /// With what was written for each.
    values: Vec<(qjs::JSValue, Option<NodeId>)>,
    /// Where an object is in that list, plus 1; by a hash of its address.
    places: Vec<u32>,
    tables: Vec<(*mut qjs::JSPropertyEnum, u32)>,
}

impl<'js> Walk<'js> {
    pub(crate) fn new(ctx: &Ctx<'js>) -> Self {
        let places = vec![0; PLACES];
        Self { ctx: ctx.clone(), values: Vec::new(), places, tables: Vec::new() }
    }

    pub(crate) fn ctx(&self) -> &Ctx<'js> {
        &self.ctx
    }

    fn raw(&self) -> *mut qjs::JSContext {
        self.ctx.as_raw().as_ptr()
    }

    /// Lets go of everything.
    pub(crate) fn clear(&mut self) {
        while !self.tables.is_empty() {
            self.close_keys();
        }
        let ctx = self.raw();
        for (value, _) in self.values.drain(..) {
            // SAFETY: the context is alive, and this is the reference that was taken over.
            unsafe { qjs::JS_FreeValue(ctx, value) };
        }
        if self.values.capacity() > MANY {
            self.values = Vec::new();
            self.places = Vec::new();
        }
        self.places.clear();
        self.places.resize(PLACES, 0);
    }

    pub(crate) fn meet(&mut self, object: &Value<'js>) -> Met {
        // SAFETY: the reference that is taken here is the one that is passed on.
        unsafe { self.meet_raw(held(object)) }
    }

    /// # Safety
    ///
    /// It must be an object of the context, and the caller's, whose reference is taken over.
    unsafe fn meet_raw(&mut self, object: qjs::JSValue) -> Met {
        let place = match self.find(object) {
            Ok(id) => {
                // SAFETY: the context is alive, and the caller has passed the reference on.
                unsafe { qjs::JS_FreeValue(self.raw(), object) };
                return Met::Before(id);
            }
            Err(place) => place,
        };
        let held = self.hold(object);
        self.places[place] = held.0 + 1;
        if self.values.len() * 2 > self.places.len() {
            self.spread();
        }
        Met::New(held)
    }

    /// Takes over a value.
    fn hold(&mut self, value: qjs::JSValue) -> Held {
        self.values.push((value, None));
        #[allow(clippy::cast_possible_truncation, reason = "far fewer than 2^32 fit into memory")]
        Held(self.values.len() as u32 - 1)
    }

    /// What was written for an object, or the place for it.
    fn find(&self, object: qjs::JSValue) -> Result<NodeId, usize> {
        let address = address(object);
        let mut place = hash(address) & (self.places.len() - 1);
        loop {
            let number = self.places[place];
            if number == 0 {
                return Err(place);
            }
            let (known, written) = self.values[number as usize - 1];
            if address == self::address(known)
                && let Some(id) = written
            {
                return Ok(id);
            }
            place = (place + 1) & (self.places.len() - 1);
        }
    }

    #[cold]
    fn spread(&mut self) {
        let count = self.places.len() * 4;
        self.places.clear();
        self.places.resize(count, 0);
        for ((object, _), number) in self.values.iter().zip(1..) {
            let mut place = hash(address(*object)) & (count - 1);
            while self.places[place] != 0 {
                place = (place + 1) & (count - 1);
            }
            self.places[place] = number;
        }
    }

    fn object(&self, object: Held) -> qjs::JSValue {
        self.values[object.0 as usize].0
    }

    pub(crate) fn set_written(&mut self, object: Held, id: NodeId) {
        self.values[object.0 as usize].1 = Some(id);
    }

    pub(crate) fn value(&self, value: Held) -> Value<'js> {
        // SAFETY: the context and the value are alive.
        let value = unsafe { qjs::JS_DupValue(self.raw(), self.object(value)) };
        // SAFETY: it is of this context, and the reference was just taken.
        unsafe { Value::from_raw(self.ctx.clone(), value) }
    }

    /// The number of its class. What a script cannot change.
    pub(crate) fn class_id(&self, object: Held) -> u32 {
        // SAFETY: the object is alive.
        unsafe { qjs::JS_GetClassID(self.object(object)) }
    }

    pub(crate) fn is(&self, object: Held, other: &Object<'js>) -> bool {
        address(self.object(object)) == address(other.as_raw())
    }

    /// Whether it inherits from that prototype, from nothing, or from something that inherits from
    /// nothing. Not of a proxy.
    pub(crate) fn is_simple(&self, object: Held, prototype: &Object<'js>) -> bool {
        let ctx = self.raw();
        // SAFETY: the context and the object are alive.
        let inherits = unsafe { qjs::JS_GetPrototype(ctx, self.object(object)) };
        // SAFETY: the tag is part of the value, whatever that is.
        if !unsafe { qjs::JS_IsObject(inherits) } {
            return true;
        }
        let mut is_simple = address(inherits) == address(prototype.as_raw());
        if !is_simple {
            // SAFETY: the context and the object are alive.
            let next = unsafe { qjs::JS_GetPrototype(ctx, inherits) };
            // SAFETY: as above.
            is_simple = unsafe { qjs::JS_IsNull(next) };
            // SAFETY: the engine has returned it, so it is ours.
            unsafe { qjs::JS_FreeValue(ctx, next) };
        }
        // SAFETY: as above.
        unsafe { qjs::JS_FreeValue(ctx, inherits) };
        is_simple
    }

    /// Lists the names of the own enumerable properties of an object, those of symbols left out: the
    /// [keys](Self::key), until they are [closed](Self::close_keys). Returns how many there are.
    pub(crate) fn open_keys(&mut self, object: Held) -> Result<u32, Thrown> {
        let (mut table, mut count) = (ptr::null_mut(), 0);
        let flags = qjs::JS_GPN_STRING_MASK | qjs::JS_GPN_ENUM_ONLY;
        // SAFETY: the context and the object are alive, and what is written to lives longer than
        // the call.
        let result = unsafe {
            qjs::JS_GetOwnPropertyNames(
                self.raw(),
                &raw mut table,
                &raw mut count,
                self.object(object),
                flags.cast_signed(),
            )
        };
        if result < 0 {
            return Err(Thrown);
        }
        self.tables.push((table, count));
        Ok(count)
    }

    pub(crate) fn close_keys(&mut self) {
        let Some((table, count)) = self.tables.pop() else { return };
        // SAFETY: the table is the engine's, of that length.
        unsafe { qjs::JS_FreePropertyEnum(self.raw(), table, count) };
    }

    fn atom(&self, index: u32) -> qjs::JSAtom {
        let (table, count) = *self.tables.last().expect("the keys are open");
        assert!(index < count);
        // SAFETY: the engine has said how many there are, and there is at least one, so that the
        // pointer is to the table, which is ours until it is closed.
        let table = unsafe { slice::from_raw_parts(table, count as usize) };
        table[index as usize].atom
    }

    pub(crate) fn key(&self, index: u32) -> NameId {
        NameId(self.atom(index))
    }

    pub(crate) fn key_name(&self, index: u32) -> Name<'js> {
        // SAFETY: the table holds the name.
        unsafe { Name::again(&self.ctx, self.atom(index)) }
    }

    /// A key as a string.
    pub(crate) fn key_text(&self, index: u32) -> Result<Value<'js>, Thrown> {
        // SAFETY: the context is alive, and the table holds the name.
        let text = unsafe { qjs::JS_AtomToString(self.raw(), self.atom(index)) };
        // SAFETY: the engine has returned it, so it is of this context and ours.
        unsafe { checked(&self.ctx, text) }
    }

    /// Whether the keys begin with the indices below `length`: whether they are of an array without
    /// holes. Indices come first, in order.
    pub(crate) fn keys_begin_with_all_below(&self, length: u32) -> Result<bool, Thrown> {
        let Some(last) = length.checked_sub(1) else { return Ok(true) };
        let count = self.tables.last().map_or(0, |(_, count)| *count);
        Ok(count >= length && self.key(last) == Name::of_index(&self.ctx, last)?.id())
    }

    /// Gets the properties of an object from the key `next` on, which getters may make up, and writes
    /// them. Primitives whose names are known go to `pairs`, until there is something else: what that
    /// is, and its name if that is known. Then `next` is the key behind it.
    ///
    /// With `may_inherit` there may be an inherited property if a getter has deleted one.
    pub(crate) fn properties(
        &mut self,
        object: Held,
        next: &mut u32,
        may_inherit: bool,
        known: impl Fn(NameId) -> Option<NodeId>,
        builder: &mut Builder,
        pairs: &mut Vec<(NodeId, NodeId)>,
    ) -> Result<Option<(Option<NodeId>, Got)>, Thrown> {
        let (ctx, object) = (self.raw(), self.object(object));
        let (table, count) = *self.tables.last().expect("the keys are open");
        while *next < count {
            // SAFETY: the engine has said how many there are.
            let key = unsafe { table.add(*next as usize) };
            // SAFETY: it is initialised, and ours until the table is closed.
            let atom = unsafe { (*key).atom };
            *next += 1;
            // SAFETY: the context and the object are alive, and the table holds the name.
            let value = unsafe { qjs::JS_GetProperty(ctx, object, atom) };
            // SAFETY: the tag is part of the value, whatever that is.
            if may_inherit || unsafe { qjs::JS_IsUndefined(value) } {
                // SAFETY: as above.
                let is_own = unsafe { own(ctx, object, atom) };
                if is_own <= 0 {
                    // SAFETY: the engine has returned it, so it is ours.
                    unsafe { qjs::JS_FreeValue(ctx, value) };
                    if is_own < 0 {
                        return Err(Thrown);
                    }
                    continue;
                }
            }
            // SAFETY: the engine has returned it, so it is of this context and ours.
            let got = unsafe { self.write(value, builder) }?;
            match (known(NameId(atom)), got) {
                (Some(name), Got::Written(written)) => pairs.push((name, written)),
                (name, got) => return Ok(Some((name, got))),
            }
        }
        Ok(None)
    }

    /// Gets an element of an array, which a getter may make up, and writes it; `None` if a getter has
    /// made a hole of it.
    pub(crate) fn element(
        &mut self,
        object: Held,
        index: u32,
        builder: &mut Builder,
    ) -> Result<Option<Got>, Thrown> {
        let (ctx, object) = (self.raw(), self.object(object));
        // SAFETY: the context and the object are alive.
        let value = unsafe { qjs::JS_GetPropertyUint32(ctx, object, index) };
        // SAFETY: the tag is part of the value, whatever that is.
        if unsafe { qjs::JS_IsUndefined(value) } {
            let name = Name::of_index(&self.ctx, index)?;
            // SAFETY: the context and the object are alive, and the name is held.
            let is_own = unsafe { own(ctx, object, name.id().0) };
            if is_own <= 0 {
                return if is_own < 0 { Err(Thrown) } else { Ok(None) };
            }
        }
        // SAFETY: the engine has returned it, so it is of this context and ours.
        unsafe { self.write(value, builder) }.map(Some)
    }

    /// The length of an array.
    pub(crate) fn array_length(&self, array: Held) -> Result<u32, Thrown> {
        let mut length = 0;
        // SAFETY: the context and the object are alive, and the length outlives the call.
        let result = unsafe { qjs::JS_GetLength(self.raw(), self.object(array), &raw mut length) };
        if result < 0 { Err(Thrown) } else { Ok(length.try_into().unwrap_or(0)) }
    }

    /// # Safety
    ///
    /// The value must be of the context, and the caller's, whose reference is taken over.
    #[inline(always)]
    unsafe fn write(&mut self, value: qjs::JSValue, builder: &mut Builder) -> Result<Got, Thrown> {
        // SAFETY: the tag is part of the value, whatever that is.
        let written = match unsafe { qjs::JS_VALUE_GET_NORM_TAG(value) } {
            qjs::JS_TAG_UNDEFINED => builder.undefined(),
            qjs::JS_TAG_NULL => builder.null(),
            // SAFETY: the tag says so.
            qjs::JS_TAG_BOOL => builder.bool(unsafe { qjs::JS_VALUE_GET_BOOL(value) }),
            // SAFETY: as above.
            qjs::JS_TAG_INT => builder.number(f64::from(unsafe { qjs::JS_VALUE_GET_INT(value) })),
            // SAFETY: as above.
            qjs::JS_TAG_FLOAT64 => builder.number(unsafe { qjs::JS_VALUE_GET_FLOAT64(value) }),
            // SAFETY: it is one, and the caller passes it on.
            qjs::JS_TAG_OBJECT => return Ok(Got::Object(unsafe { self.meet_raw(value) })),
            tag => {
                if tag == qjs::JS_TAG_EXCEPTION {
                    return Err(Thrown);
                }
                if !matches!(tag, qjs::JS_TAG_STRING | qjs::JS_TAG_STRING_ROPE) {
                    return Ok(Got::Other(self.hold(value)));
                }
                // SAFETY: it is a string, and alive.
                let written = unsafe { write_string(self.raw(), value, builder) };
                let Some(written) = written.transpose() else {
                    return Ok(Got::Other(self.hold(value)));
                };
                // SAFETY: the context is alive, and the caller has passed the reference on.
                unsafe { qjs::JS_FreeValue(self.raw(), value) };
                written?
            }
        };
        Ok(Got::Written(written))
    }
}

/// Of an object; 0 for what is none.
fn address(object: qjs::JSValue) -> usize {
    // SAFETY: the tag is part of the value, whatever that is.
    if !unsafe { qjs::JS_IsObject(object) } {
        return 0;
    }
    // SAFETY: the tag says that it is a pointer, which is not followed.
    unsafe { qjs::JS_VALUE_GET_PTR(object) as usize }
}

/// Objects are of at least 16 bytes.
fn hash(address: usize) -> usize {
    (address >> 4) ^ (address >> 9)
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl<'js> Trace<'js> for Walk<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        tracer.mark_ctx(&self.ctx);
    }
}
