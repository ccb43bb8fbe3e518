//! Large buffers, which are posted where they lie and come in memory that is used again.

use message_port_js::{Endpoint, Host, Options};

/// Runs a script in which `log` collects text, and returns that.
fn logged(script: &str) -> String {
    let host = Host::new(&Options::default()).unwrap();
    host.eval(&format!(
        "globalThis.text = []; const log = (line) => text.push(line);
         const {{ port1, port2 }} = new MessageChannel();
         const large = (byte, length = 1 << 20) => new Uint8Array(length).fill(byte).buffer;
         const sum = (buffer) => new Uint8Array(buffer).reduce((sum, byte) => sum + byte, 0);
         (() => {{ {script} }})()"
    ))
    .unwrap();
    host.run_until_idle().unwrap();
    host.with(|ctx| ctx.eval("text.join()").unwrap())
}

#[test]
fn a_buffer_is_cloned_at_the_post() {
    let log = logged(
        "const buffer = large(1);
         port2.onmessage = ({ data }) => log(`${data.byteLength} ${sum(data)} ${data === buffer}`);
         port1.postMessage(buffer); new Uint8Array(buffer).fill(2); port1.postMessage(buffer);",
    );
    assert_eq!(log, "1048576 1048576 false,1048576 2097152 false");
}

#[test]
fn buffers_that_are_kept_share_no_memory_with_later_ones() {
    let log = logged(
        "const kept = [];
         port2.onmessage = ({ data }) => {
             const first = new Uint8Array(data)[0];
             if (first % 2) kept.push(data);
             if (first === 20) log(kept.map((buffer) => sum(buffer) / (1 << 17)).join(' '));
         };
         for (let n = 1; n <= 20; n++) port1.postMessage(large(n, 1 << 17));",
    );
    assert_eq!(log, "1 3 5 7 9 11 13 15 17 19");
}

#[test]
fn what_a_script_does_with_a_received_buffer_leaves_the_next_ones_alone() {
    let log = logged(
        "const moved = [];
         port2.onmessage = ({ data }) => {
             const first = new Uint8Array(data)[0], length = data.byteLength;
             moved.push(data.transfer([length, length * 2, 70000, 10, 0][first % 5]));
             if (data.byteLength !== 0) log('attached');
             if (moved.length === 15) for (const [n, buffer] of moved.entries()) {
                 const expected = n * Math.min(buffer.byteLength, length);
                 log(sum(buffer) === expected ? 'same' : `${n}: ${sum(buffer)}`);
             }
         };
         for (let n = 0; n < 15; n++) port1.postMessage(large(n, 1 << 17));",
    );
    assert_eq!(log, ["same"; 15].join(","));
}

#[test]
fn detached_and_resizable_ones_are_told_apart() {
    let log = logged(
        "port2.onmessage = ({ data }) => log(`${data.resizable} ${data.maxByteLength} ${sum(data)}`);
         const gone = large(1); gone.transfer();
         try { port1.postMessage(gone); } catch (error) { log(error.name); }
         const resizable = new ArrayBuffer(1 << 17, { maxByteLength: 1 << 18 });
         new Uint8Array(resizable).fill(3); port1.postMessage(resizable);
         port1.postMessage(large(1, 1 << 17));",
    );
    assert_eq!(log, "DataCloneError,true 262144 393216,false 131072 131072");
}

#[test]
fn a_runtime_that_ends_frees_buffers_in_use_and_idle_ones() {
    let log = logged(
        "let count = 0;
         port2.onmessage = ({ data }) => { if (++count % 3 === 0) globalThis['kept' + count] = data; };
         for (let n = 0; n < 12; n++) port1.postMessage(large(n, 1 << 18)); log('posted');",
    );
    assert_eq!(log, "posted");
}

#[test]
fn one_too_large_for_the_channel_is_refused_and_another_thread_gets_the_others() {
    let host = Host::new(&Options::default().channel_limit(1 << 20)).unwrap();
    host.eval(
        "const { port1, port2 } = new MessageChannel(); globalThis.port2 = port2; globalThis.name = '';
         try { port1.postMessage(new ArrayBuffer(2 << 20)); } catch (error) { name = error.name; }
         port1.postMessage(new Uint8Array(1 << 17).fill(9).buffer);",
    )
    .unwrap();
    host.with(|ctx| assert_eq!(ctx.globals().get::<_, String>("name").unwrap(), "DataCloneError"));
    let endpoint: Endpoint = host.take_global_endpoint("port2").unwrap();
    let received = std::thread::spawn(move || {
        let mut port = endpoint.into_port();
        let message = port.recv().unwrap();
        message.root().as_bytes().map(<[u8]>::to_vec)
    });
    assert_eq!(received.join().unwrap(), Some(vec![9; 1 << 17]));
}
