#!/usr/bin/env bash
# What `cargo test --workspace` leaves out of the JavaScript crates: the conversions of the feature
# `serde`, the samples by the commands of the README, and whether the measurement still runs.
# The tests post a tenth of a million messages between two runtimes; here it is the whole, in a release
# build.

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

# What it measures is its own affair; only that it can, with Node where that is.
table="$(cargo run --quiet --package message-port-js --bin js-speed -- --rounds 1 --scale 0.001)"
if [ "$(grep -c '^| .* threads\?/' <<<"$table")" != 16 ]; then
    echo "the measurement prints: $table"
    exit 1
fi
if ! command -v node >/dev/null; then
    echo "partly skipped: the rows of Node, which is not there"
elif grep -q 'not measured' <<<"$table"; then
    echo "not all was measured in Node: $table"
    exit 1
fi

cargo test --release --package message-port-js --test threads a_million_messages
