#!/usr/bin/env bash
# Every crate of the tree is formatted as rustfmt.toml says.

set -eu
cd "$(dirname "$0")/.."

if ! cargo fmt --version >/dev/null 2>&1; then
    echo "skipped: rustfmt is not installed"
    exit 77
fi
for manifest in Cargo.toml {loom-tests,fuzz,peers,bridge,bridge/fuzz,litmus,platforms,structured/fuzz}/Cargo.toml; do
    [ -f "$manifest" ] || continue
    echo "$manifest"
    cargo fmt --all --check --manifest-path "$manifest"
done
