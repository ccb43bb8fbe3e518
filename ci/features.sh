#!/usr/bin/env bash
# The library builds with each feature alone, and the tests of features pass with all of them:
# `cargo test` runs without any.

set -eu
cd "$(dirname "$0")/.."
# shellcheck source=ci/lib/features.sh
. ci/lib/features.sh

for feature in $(features); do
    echo "with $feature alone"
    cargo check --quiet --lib --no-default-features --features "$feature"
done

# Also those files of which only some lines are about a feature.
tests=()
while read -r file; do
    tests+=(--test "$(basename "$file" .rs)")
done < <(grep -lE 'cfg\(feature' tests/*.rs)
cargo test --package message-port --features "$(all_features)" --lib "${tests[@]}"
cargo test --package message-port --features "$(all_features)" --doc
