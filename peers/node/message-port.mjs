// Node's MessagePort between two worker threads, measured as the Rust program measures its peers.
//
//   node message-port.mjs KIND VALUE MESSAGES
//
// KIND is round-trip or one-way, VALUE is number or bytes-1k. Prints one line of JSON: the
// nanoseconds per message or trip, the number of messages, the seconds of CPU time meanwhile, and,
// for round trips, some single times in nanoseconds.

import { MessageChannel, Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

const BYTES = 1024;

function sample(value) {
    return value === 'number' ? 0 : new Uint8Array(BYTES).map((_, n) => n * 7);
}

/** Makes the value the message of this number. */
function stamp(value, number) {
    if (typeof value === 'number') return number;
    new DataView(value.buffer).setFloat64(0, number, true);
    return value;
}

/** Reads a few fields of a message. */
function touch(message) {
    if (typeof message === 'number') return message;
    const number = new DataView(message.buffer, message.byteOffset).getFloat64(0, true);
    if (message.length !== BYTES) throw new Error(`${message.length} bytes arrived`);
    return number;
}

/** Sends the messages of these numbers, letting the other side get at most `ahead` behind. */
function near({ port, kind, value, warm, messages, single }) {
    const message = sample(value);
    if (kind === 'one-way') {
        // The port has no back-pressure: what is posted waits in memory. Everything is posted in
        // turns of a bounded size, so that the memory stays bounded too.
        let next = 0;
        const turn = () => {
            for (const end = Math.min(next + 1000, warm + messages); next < end; next++) {
                port.postMessage(stamp(message, next));
            }
        };
        port.on('message', turn);
        turn();
        return;
    }
    let number = 0;
    let start, cpu, sent, wall;
    const latencies = [];
    port.on('message', (reply) => {
        if (touch(reply) !== number) throw new Error(`${touch(reply)} instead of ${number}`);
        number += 1;
        if (number > warm + messages) latencies.push(Number(process.hrtime.bigint() - sent));
        if (number === warm) {
            start = process.hrtime.bigint();
            cpu = process.cpuUsage();
        }
        if (number === warm + messages) {
            wall = Number(process.hrtime.bigint() - start);
            cpu = process.cpuUsage(cpu);
        }
        if (number === warm + messages + single) {
            parentPort.postMessage({ wall, cpu, latencies });
            port.close();
            return;
        }
        if (number >= warm + messages) sent = process.hrtime.bigint();
        port.postMessage(stamp(message, number));
    });
    port.postMessage(stamp(message, number));
}

function far({ port, kind, value, warm, messages }) {
    const message = sample(value);
    if (kind === 'round-trip') {
        port.on('message', (received) => port.postMessage(stamp(message, touch(received))));
        return;
    }
    let number = 0;
    let start, cpu;
    port.on('message', (received) => {
        if (touch(received) !== number) throw new Error(`${touch(received)} instead of ${number}`);
        number += 1;
        if (number === warm) {
            start = process.hrtime.bigint();
            cpu = process.cpuUsage();
        }
        if (number === warm + messages) {
            const wall = Number(process.hrtime.bigint() - start);
            parentPort.postMessage({ wall, cpu: process.cpuUsage(cpu), latencies: [] });
            port.close();
        } else if (number % 1000 === 500) {
            // Asks for the next turn before this one has been read to its end.
            port.postMessage(0);
        }
    });
}

function main() {
    const [kind, value, count] = process.argv.slice(2);
    const messages = Number(count);
    const plan = { kind, value, messages, warm: Math.max(2000, Math.floor(messages / 8)) };
    plan.single = kind === 'round-trip' ? Math.max(1, Math.floor(messages / 4)) : 0;
    const { port1, port2 } = new MessageChannel();
    for (const [side, port] of [['near', port1], ['far', port2]]) {
        const worker = new Worker(new URL(import.meta.url), {
            workerData: { side, port, ...plan },
            transferList: [port],
        });
        worker.on('error', (error) => {
            console.error(error);
            process.exit(1);
        });
        worker.on('message', ({ wall, cpu, latencies }) => {
            const nanoseconds = wall / messages;
            const cpuSeconds = (cpu.user + cpu.system) / 1e6;
            console.log(JSON.stringify({ nanoseconds, messages, cpuSeconds, latencies }));
            process.exit(0);
        });
    }
}

if (isMainThread) main();
else if (workerData.side === 'near') near(workerData);
else far(workerData);
