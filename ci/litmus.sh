#!/usr/bin/env bash
# The protocols as litmus tests (litmus/README.md): what must not happen is forbidden in every
# execution that the memory models of the language and of AArch64 allow, and is allowed as soon as
# an ordering is taken away. Each tag of src/sync/order.rs is needed by a test, and the orderings of
# the tests are those of that file. The classical shapes have their known verdicts.
#
#   bash ci/litmus.sh           seconds, once it is built
#   HERD=1 bash ci/litmus.sh    compares every count of executions with herd7, where that is installed

set -eu
cd "$(dirname "$0")/.."
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS

manifest=(--locked --manifest-path litmus/Cargo.toml)
cargo test --quiet "${manifest[@]}"
cargo run --quiet "${manifest[@]}"
if cargo clippy --version >/dev/null 2>&1; then
    cargo clippy --quiet "${manifest[@]}" --all-targets -- -D warnings
fi
RUSTDOCFLAGS="-D warnings" cargo doc --quiet "${manifest[@]}" --no-deps

if [ "${HERD:-0}" = 1 ]; then
    code=0
    bash litmus/herd.sh || code="$?"
    case "$code" in
        0) ;;
        77) echo "partly skipped: herd7 is not installed, so its counts are not compared" ;;
        *) exit "$code" ;;
    esac
fi
