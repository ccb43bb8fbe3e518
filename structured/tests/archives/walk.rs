//! Reading all of a value.

use message_port_structured::{Kind, Ref};

/// Reads everything that can be read, each object once.
pub(crate) fn walk(root: Ref<'_>, nodes: usize) {
    let mut seen = vec![false; nodes];
    let mut rest = vec![root];
    while let Some(value) = rest.pop() {
        if let Some(identity) = value.identity()
            && std::mem::replace(&mut seen[identity as usize], true)
        {
            continue;
        }
        match value.kind() {
            Kind::String(text) => drop(text.to_string()),
            Kind::BigInt(number) => drop(number.to_string()),
            Kind::Boxed(primitive) => rest.push(primitive),
            Kind::RegExp { source, flags } => drop(format!("{source}{flags}")),
            Kind::Object(object) => rest.extend(object.properties().map(|(_, value)| value)),
            Kind::Array(array) => {
                rest.extend(array.elements().flatten());
                rest.extend(array.properties().map(|(_, value)| value));
                array.get(0);
            }
            Kind::Map(map) => rest.extend(map.entries().flat_map(|(key, value)| [key, value])),
            Kind::Set(set) => rest.extend(set.members()),
            Kind::Error(error) => {
                rest.extend([error.stack(), error.cause(), error.errors()].into_iter().flatten());
                rest.extend(error.properties().map(|(_, value)| value));
                error.message().to_string();
            }
            Kind::DomException(error) => drop(format!("{}{}", error.name(), error.message())),
            Kind::ArrayBuffer(buffer) => assert!(buffer.bytes().len() <= 1 << 20),
            Kind::View(view) => {
                view.bytes();
                rest.push(view.buffer());
            }
            _ => {}
        }
    }
}
