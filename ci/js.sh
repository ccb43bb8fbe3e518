#!/usr/bin/env bash
# What `cargo test --workspace` leaves out of the JavaScript crates: the conversions of the feature
# `serde`, the samples by the commands of the README, and whether the measurement still runs.
#
#   JS_MILLION=1 bash ci/js.sh   also a million messages between two runtimes, in a release build

set -eu
cd "$(dirname "$0")/.."

cargo test --package message-port-structured --features serde
cargo clippy --package message-port-structured --all-targets --features serde -- -D warnings

run() {
    cargo run --quiet --package message-port-js --bin mp-js -- "$@"
}
output="$(run js/examples/sample.mjs)"
if [ "$output" != "port1 has received Hello from port2!" ]; then
    echo "the sample prints: $output"
    exit 1
fi
output="$(run --threads js/examples/threads.mjs)"
if ! grep -qx "main: { count: 3, doubled: 6 }" <<<"$output"; then
    echo "the two threads print: $output"
    exit 1
fi
run --threads js/speed/mp-js.mjs 0.001 >/dev/null

# What node measures is its own affair; only that it can.
if command -v node >/dev/null; then
    node js/speed/node.mjs 0.001 >/dev/null
else
    echo "partly skipped: the rows of Node, which is not there"
fi

if [ "${JS_MILLION:-0}" = 1 ]; then
    cargo test --release --package message-port-js --test threads a_million_messages
fi
