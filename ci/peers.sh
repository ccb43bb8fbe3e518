#!/usr/bin/env bash
# The comparison in peers/ builds, and every peer in it delivers every message, in order, in every
# row. Nothing is measured.
#
#   bash ci/peers.sh                                            the checks
#   cargo run --release --manifest-path peers/Cargo.toml        the measurement: some minutes

set -eu
cd "$(dirname "$0")/.."

if [ ! -f peers/Cargo.toml ]; then
    echo "skipped: there is no peers/"
    exit 77
fi
# The peers are not dependencies of the library: they may be missing where its own are not.
if ! cargo fetch --quiet --locked --manifest-path peers/Cargo.toml; then
    echo "skipped: the peers cannot be fetched"
    exit 77
fi
cargo build --release --locked --manifest-path peers/Cargo.toml
# A peer that loses a wake-up would wait for ever.
timeout 300 cargo run --release --locked --manifest-path peers/Cargo.toml -- --check
