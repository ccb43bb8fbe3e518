//! What is made of a message, without what makes that slow in the safe interface: a reference to the
//! context for each value, and a descriptor for each property.

use std::ffi::c_int;

use rquickjs::class::{Trace, Tracer};
use rquickjs::{Ctx, Value, qjs};

use super::Thrown;
use super::names::{Name, NameId, held};
use super::values::Leaf;

/// Nodes that there is room for, however few there are.
const ROOM: usize = 64;

/// Nodes from which on the memory for a message is not kept for the next one.
const MANY: usize = 4096;

/// A value that was made, by its number.
#[derive(Clone, Copy)]
pub(crate) struct Target(u32);

/// The name of a property, by its number.
#[derive(Clone, Copy)]
pub(crate) struct MadeName(u32);

/// The values that were made of the nodes of a message, and the names.
pub(crate) struct Made<'js> {
    ctx: Ctx<'js>,
    /// The number of what was made of a node, plus 1: a name or a value.
    by_node: Vec<u32>,
    values: Vec<qjs::JSValue>,
    names: Vec<qjs::JSAtom>,
    /// The elements of the next array.
    elements: Vec<qjs::JSValue>,
}

const PLAIN: c_int = qjs::JS_PROP_C_W_E.cast_signed();

impl<'js> Made<'js> {
    pub(crate) fn new(ctx: &Ctx<'js>) -> Self {
        Self {
            ctx: ctx.clone(),
            by_node: vec![0; ROOM],
            values: Vec::new(),
            names: Vec::new(),
            elements: Vec::new(),
        }
    }

    fn raw(&self) -> *mut qjs::JSContext {
        self.ctx.as_raw().as_ptr()
    }

    /// Lets go of everything.
    pub(crate) fn clear(&mut self) {
        let ctx = self.raw();
        for value in self.values.drain(..).chain(self.elements.drain(..)) {
            // SAFETY: the context is alive, and this is the reference that was taken over.
            unsafe { qjs::JS_FreeValue(ctx, value) };
        }
        for name in self.names.drain(..) {
            // SAFETY: as above.
            unsafe { qjs::JS_FreeAtom(ctx, name) };
        }
        if self.by_node.len() > MANY {
            (self.values, self.elements, self.names) = (Vec::new(), Vec::new(), Vec::new());
            self.by_node = Vec::new();
        }
        self.by_node.clear();
        self.by_node.resize(ROOM, 0);
    }

    #[inline]
    fn number(&self, node: u32) -> Option<u32> {
        self.by_node.get(node as usize)?.checked_sub(1)
    }

    /// Nodes are numbered from 0 on, and there are no more than the message has room for.
    fn set_number(&mut self, node: u32, number: u32) {
        let node = node as usize;
        if node >= self.by_node.len() {
            self.by_node.resize((node + 1).next_power_of_two(), 0);
        }
        self.by_node[node] = number + 1;
    }

    /// What was made of a node that is no name.
    #[inline]
    pub(crate) fn get(&self, node: u32) -> Option<Target> {
        self.number(node).map(Target)
    }

    /// What was made of a node that is a name.
    #[inline]
    pub(crate) fn name(&self, node: u32) -> Option<MadeName> {
        self.number(node).map(MadeName)
    }

    pub(crate) fn add_name(&mut self, node: u32, name: &Name<'js>) -> MadeName {
        // SAFETY: the context is alive, and the name is held.
        self.names.push(unsafe { qjs::JS_DupAtom(self.raw(), name.id().0) });
        #[allow(clippy::cast_possible_truncation, reason = "there are fewer nodes than 2^32")]
        let number = self.names.len() as u32 - 1;
        self.set_number(node, number);
        MadeName(number)
    }

    #[inline]
    pub(crate) fn id(&self, name: MadeName) -> NameId {
        NameId(self.names[name.0 as usize])
    }

    /// Keeps a value, of no node.
    pub(crate) fn keep(&mut self, value: &Value<'js>) -> Target {
        self.values.push(held(value));
        self.last()
    }

    /// Keeps an object that is made, of no node.
    pub(crate) fn keep_object(&mut self) -> Result<Target, Thrown> {
        // SAFETY: the context is alive.
        let object = unsafe { qjs::JS_NewObject(self.raw()) };
        // SAFETY: the engine has returned it, so it is of this context and ours.
        unsafe { self.keep_raw(object) }
    }

    /// # Safety
    ///
    /// It must be a value of the context, and the caller's, whose reference is taken over.
    unsafe fn keep_raw(&mut self, value: qjs::JSValue) -> Result<Target, Thrown> {
        // SAFETY: the tag is part of the value, whatever that is.
        if unsafe { qjs::JS_IsException(value) } {
            return Err(Thrown);
        }
        self.values.push(value);
        Ok(self.last())
    }

    #[allow(clippy::cast_possible_truncation, reason = "far fewer than 2^32 fit into memory")]
    fn last(&self) -> Target {
        Target(self.values.len() as u32 - 1)
    }

    /// Says of which node it was made.
    pub(crate) fn set_node(&mut self, value: Target, node: u32) {
        self.set_number(node, value.0);
    }

    pub(crate) fn keep_array(&mut self) -> Result<Target, Thrown> {
        // SAFETY: the context is alive.
        let array = unsafe { qjs::JS_NewArray(self.raw()) };
        // SAFETY: the engine has returned it, so it is of this context and ours.
        unsafe { self.keep_raw(array) }
    }

    /// The next element of the array that is kept [with them](Self::keep_array_of_elements).
    pub(crate) fn push_leaf(&mut self, leaf: Leaf<'_>) -> Result<(), Thrown> {
        let value = leaf.make(&self.ctx);
        // SAFETY: the tag is part of the value, whatever that is.
        if unsafe { qjs::JS_IsException(value) } {
            return Err(Thrown);
        }
        self.elements.push(value);
        Ok(())
    }

    /// As [`push_leaf`](Self::push_leaf).
    pub(crate) fn push(&mut self, value: Target) {
        self.elements.push(self.dup(value));
    }

    pub(crate) fn keep_array_of_elements(&mut self) -> Result<Target, Thrown> {
        let count = c_int::try_from(self.elements.len()).expect("a message has far fewer");
        // SAFETY: the context is alive, and there are so many values, which the engine takes over,
        // whatever comes of it.
        let array = unsafe { qjs::JS_NewArrayFrom(self.raw(), count, self.elements.as_ptr()) };
        self.elements.clear();
        // SAFETY: the engine has returned it, so it is of this context and ours.
        unsafe { self.keep_raw(array) }
    }

    /// A reference for the engine to take over.
    fn dup(&self, value: Target) -> qjs::JSValue {
        // SAFETY: the context and the value are alive.
        unsafe { qjs::JS_DupValue(self.raw(), self.values[value.0 as usize]) }
    }

    pub(crate) fn value(&self, value: Target) -> Value<'js> {
        // SAFETY: it is of this context, and the reference was just taken.
        unsafe { Value::from_raw(self.ctx.clone(), self.dup(value)) }
    }

    /// Defines a property, as a script would have made it by assignment. No script runs.
    #[inline]
    pub(crate) fn define_leaf(
        &self,
        object: Target,
        name: MadeName,
        leaf: Leaf<'_>,
    ) -> Result<(), Thrown> {
        // SAFETY: the value was just made in this context.
        unsafe { self.define_raw(object, self.id(name).0, leaf.make(&self.ctx)) }
    }

    /// As [`define_leaf`](Self::define_leaf).
    pub(crate) fn define(
        &self,
        object: Target,
        name: MadeName,
        value: Target,
    ) -> Result<(), Thrown> {
        // SAFETY: the reference that is taken here is the one that is passed on.
        unsafe { self.define_raw(object, self.id(name).0, self.dup(value)) }
    }

    /// As [`define_leaf`](Self::define_leaf), an element.
    pub(crate) fn define_leaf_element(
        &self,
        array: Target,
        index: u32,
        leaf: Leaf<'_>,
    ) -> Result<(), Thrown> {
        let name = Name::of_index(&self.ctx, index)?;
        // SAFETY: the value was just made in this context, and the name is held.
        unsafe { self.define_raw(array, name.id().0, leaf.make(&self.ctx)) }
    }

    /// As [`define_leaf`](Self::define_leaf), an element.
    pub(crate) fn define_element(
        &self,
        array: Target,
        index: u32,
        value: Target,
    ) -> Result<(), Thrown> {
        let name = Name::of_index(&self.ctx, index)?;
        // SAFETY: the reference that is taken here is the one that is passed on; the name is held.
        unsafe { self.define_raw(array, name.id().0, self.dup(value)) }
    }

    /// Takes over the value, or is an error if it is an exception.
    ///
    /// # Safety
    ///
    /// The value must be of the context, and the caller's, and the name held.
    #[inline]
    unsafe fn define_raw(
        &self,
        object: Target,
        name: qjs::JSAtom,
        value: qjs::JSValue,
    ) -> Result<(), Thrown> {
        // SAFETY: the tag is part of the value, whatever that is.
        if unsafe { qjs::JS_IsException(value) } {
            return Err(Thrown);
        }
        let object = self.values[object.0 as usize];
        // SAFETY: the context and the object are alive; the caller speaks for the name and the value.
        let defined =
            unsafe { qjs::JS_DefinePropertyValue(self.raw(), object, name, value, PLAIN) };
        if defined < 0 { Err(Thrown) } else { Ok(()) }
    }
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl<'js> Trace<'js> for Made<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        tracer.mark_ctx(&self.ctx);
    }
}
