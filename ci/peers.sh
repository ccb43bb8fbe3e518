#!/usr/bin/env bash
# The comparison in peers/ builds, every peer in it delivers every message, in order, in every row, and
# every row can be measured: once, as briefly as possible. Its figures mean nothing.
#
#   bash ci/peers.sh                                            the checks
#   cargo run --release --manifest-path peers/Cargo.toml        the measurement: `-- --list` says how long

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
# Each row has to run, and none to be fast: the profile takes two thirds of the time of `release`.
program=(--profile smoke --locked --manifest-path peers/Cargo.toml)
cargo build "${program[@]}"

out="$(mktemp -d)"
trap 'rm -rf "$out"' EXIT
# A peer that loses a wake-up would wait for ever.
if ! timeout 300 cargo run "${program[@]}" -- \
    --smoke --out "$out" >"$out/table"; then
    tail -n 20 "$out/table"
    exit 1
fi
# The rows are as many as the program has, and the file is whole.
rows="$(cargo run --quiet "${program[@]}" -- --list | grep -c " subjects)$")"
written="$(grep -c '^      "what": ' "$out/peers.json")"
if [ "$rows" != "$written" ] || ! grep -q '^rows won ' "$out/table"; then
    echo "$written rows were written instead of $rows, or the summary is missing"
    exit 1
fi
echo "$rows rows ran, and every message arrived, in order"
