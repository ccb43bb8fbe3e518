//! Values without others in them.

use message_port_structured::{NodeId, ViewKind};
use rquickjs::{Array, ArrayBuffer, Atom, Value};

use super::{Encoded, Encoder, Refusal, Written};
use crate::classes::Class;
use crate::engine::{self, Met, Seen};

impl<'js> Encoder<'js, '_> {
    /// Writes a primitive; returns an object as it is.
    pub(super) fn primitive(&mut self, value: Seen<'js>) -> Encoded<Written<'js>> {
        let builder = &mut self.builder;
        Ok(Written::Whole(match value {
            Seen::Number(number) => builder.number(number),
            Seen::String(text) => self.string(&text)?,
            Seen::Object(object) => return Ok(Written::Object(object)),
            Seen::Bool(boolean) => builder.bool(boolean),
            Seen::Undefined => builder.undefined(),
            Seen::Null => builder.null(),
            Seen::Other(value) => self.other(&value)?,
        }))
    }

    /// Writes a primitive that takes thought.
    pub(super) fn other(&mut self, value: &Value<'js>) -> Encoded<NodeId> {
        if value.is_string() {
            self.string(value)
        } else if value.is_big_int() {
            self.big(value)
        } else {
            Err(self.refuse(value))
        }
    }

    pub(super) fn string(&mut self, value: &Value<'js>) -> Encoded<NodeId> {
        if let Some(id) = engine::put_string(&mut self.builder, value)? {
            return Ok(id);
        }
        let escaped: String = self.helpers.call("escaped", (value.clone(),))?;
        Ok(self.builder.string_utf16(&unescape(&escaped)))
    }

    /// The name of a property.
    pub(super) fn name(&mut self, atom: Atom<'js>) -> Encoded<NodeId> {
        if let Some(id) = self.names.get(&atom) {
            return Ok(*id);
        }
        let id = self.string(&atom.to_value()?)?;
        self.names.insert(atom, id);
        Ok(id)
    }

    fn big(&mut self, value: &Value<'js>) -> Encoded<NodeId> {
        let text: String = self.helpers.call("bigText", (value.clone(),))?;
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
        let magnitude: Vec<u8> = digits
            .as_bytes()
            .rchunks(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | nibble(*digit).unwrap_or(0)))
            .collect();
        Ok(self.builder.bigint(text.len() > digits.len(), &magnitude))
    }

    /// Writes an object that has no others in it, or only a buffer.
    pub(super) fn leaf(&mut self, class: Class, value: &Value<'js>) -> Encoded<NodeId> {
        let own = || value.clone();
        match class {
            Class::Boxed(name) => {
                let primitive: Value<'js> = self.helpers.call("unbox", (own(), name))?;
                match self.primitive(engine::look(&primitive))? {
                    Written::Whole(primitive) => Ok(self.builder.boxed(primitive)),
                    Written::Object(object) => Err(self.refuse(&object)),
                }
            }
            Class::Date => {
                let time = self.helpers.call("dateValue", (own(),))?;
                Ok(self.builder.date(time))
            }
            Class::RegExp => {
                let source: Value<'js> = self.helpers.call("regexpSource", (own(),))?;
                let flags: Value<'js> = self.helpers.call("regexpFlags", (own(),))?;
                let (source, flags) = (self.string(&source)?, self.string(&flags)?);
                Ok(self.builder.regexp(source, flags))
            }
            Class::ArrayBuffer => self.buffer(value),
            Class::SharedArrayBuffer => self.shared_buffer(value),
            Class::View(kind) => self.view(kind, value),
            Class::DomException => {
                let name: Value<'js> = self.helpers.call("exceptionName", (own(),))?;
                let message: Value<'js> = self.helpers.call("exceptionMessage", (own(),))?;
                let (name, message) = (self.string(&name)?, self.string(&message)?);
                let stack: Value<'js> =
                    value.as_object().ok_or(rquickjs::Error::Unknown)?.get("stack")?;
                let stack = if stack.is_string() { Some(self.string(&stack)?) } else { None };
                Ok(self.builder.dom_exception(name, message, stack))
            }
            _ => Err(self.refuse(value)),
        }
    }

    fn buffer(&mut self, value: &Value<'js>) -> Encoded<NodeId> {
        let max_len: Option<f64> = self.helpers.call("maxLength", (value.clone(),))?;
        let max_len = match max_len {
            None => None,
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            Some(max_len) if max_len < f64::from(u32::MAX) => Some(max_len as u32),
            Some(_) => return Err(Refusal::DataClone("the buffer may grow too large".to_owned())),
        };
        // A detached one is none for the engine's interface, which throws.
        let id = ArrayBuffer::from_value(value.clone())
            .and_then(|buffer| engine::put_buffer(&mut self.builder, &buffer, max_len));
        if id.is_none() {
            self.ctx().catch();
        }
        id.ok_or_else(|| {
            Refusal::DataClone("a detached ArrayBuffer could not be cloned.".to_owned())
        })
    }

    fn shared_buffer(&mut self, value: &Value<'js>) -> Encoded<NodeId> {
        if self.shared.is_none() {
            return Err(self.type_error("SharedArrayBuffer is unsupported with MessagePort"));
        }
        // Its bytes are not read: the same buffer comes out again, and views need its length.
        let length: f64 = self.helpers.call("sharedLength", (value.clone(),))?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length")]
        let id = self.builder.array_buffer(&vec![0; length as usize]);
        self.shared.as_mut().expect("just looked at").push((id, value.clone()));
        Ok(id)
    }

    fn view(&mut self, kind: ViewKind, value: &Value<'js>) -> Encoded<NodeId> {
        let parts = self.helpers.call::<_, Array<'js>>(
            "view",
            (value.clone(), kind == ViewKind::DataView, kind.element_size()),
        );
        let Ok(parts) = parts else {
            self.ctx().catch();
            return Err(Refusal::DataClone("a view out of bounds could not be cloned.".to_owned()));
        };
        let buffer: Value<'js> = parts.get(0)?;
        let (offset, length): (f64, f64) = (parts.get(1)?, parts.get(2)?);
        let tracks_length: bool = parts.get(3)?;
        let id = match self.room.walk.meet(&buffer) {
            Met::Before(id) => id,
            Met::New(held) => {
                let id = self.leaf(self.classes.of(&buffer), &buffer)?;
                self.room.walk.set_written(held, id);
                id
            }
        };
        if self.builder.is_too_large() {
            return Ok(id);
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below the length of the buffer"
        )]
        let (offset, length) = (offset as u32, length as u32);
        Ok(self.builder.view(kind, id, offset, length, tracks_length))
    }
}

/// The 16-bit units of a literal that has an escape for each lone surrogate.
fn unescape(literal: &str) -> Vec<u16> {
    let inner = literal.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let mut units = Vec::new();
    let mut chars = inner.unwrap_or(literal).chars();
    while let Some(char) = chars.next() {
        let unit = match char {
            '\\' => match chars.next() {
                Some('n') => 0x0a,
                Some('r') => 0x0d,
                Some('t') => 0x09,
                Some('b') => 0x08,
                Some('f') => 0x0c,
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    u16::from_str_radix(&digits, 16).unwrap_or(0xfffd)
                }
                Some(other) => other as u16,
                None => 0x5c,
            },
            char => {
                units.extend_from_slice(char.encode_utf16(&mut [0; 2]));
                continue;
            }
        };
        units.push(unit);
    }
    units
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn each_escape_is_one_unit() {
        assert_eq!(
            unescape(r#""a\ud800\n\"\\é😀""#),
            [0x61, 0xd800, 0x0a, 0x22, 0x5c, 0xe9, 0xd83d, 0xde00]
        );
    }
}
