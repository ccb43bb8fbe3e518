//! A request without the derives is no message.

use message_port::call;

struct Record {
    name: String,
}

fn main() {
    let (mut client, _server) = call::channel::<Record, u64>();
    client.call(&Record { name: "a".to_owned() }).unwrap();
}
