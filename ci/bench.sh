#!/usr/bin/env bash
# Every benchmark runs once; nothing is measured.

set -eu
shopt -s nullglob
cd "$(dirname "$0")/.."

benches=(benches/*.rs)
if [ "${#benches[@]}" -eq 0 ]; then
    echo "skipped: there are no benchmarks"
    exit 77
fi
# With the profile of the examples: they share what is built.
cargo bench --profile release --bench '*' -- --test
