#!/usr/bin/env bash
# The quick tests in Miri, with tree borrows: undefined behaviour of every kind that it knows, in
# this machine's layout; and the scenarios of the models a few times each, with its weak memory and
# its own scheduler.
#
#   bash ci/miri.sh                        some minutes
#   MESSAGE_PORT_ROUNDS=500 bash ci/miri.sh   so many random programs instead of 10
#   MIRI_SEEDS=64 bash ci/miri.sh             so many schedules of each scenario instead of 4
#
# Under Miri the library has no membarrier(2), and does not spin (src/link/wait/).

set -eu
cd "$(dirname "$0")/.."

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "skipped: there is no nightly toolchain"
    exit 77
fi
if ! cargo +nightly miri --version >/dev/null 2>&1; then
    echo "skipped: the nightly toolchain has no miri (rustup +nightly component add miri rust-src)"
    exit 77
fi
if [ ! -d "$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library" ]; then
    echo "skipped: the nightly toolchain has no rust-src, which miri needs"
    exit 77
fi

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/miri"
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
export MESSAGE_PORT_ROUNDS="${MESSAGE_PORT_ROUNDS:-10}"
# Without isolation, since tests read the variable above and the clock.
flags="-Zmiri-tree-borrows -Zmiri-disable-isolation ${MIRIFLAGS:-}"

# Not: what is about the compiler, about counts of the real allocator, made to run long, or about
# the runtimes of others, which ask more of the system than Miri has.
tests=()
for file in $(grep -LE '\b(tokio|smol)::' tests/*.rs); do
    name="$(basename "$file" .rs)"
    case "$name" in
        auto_traits | compile_fail | allocations | memory | corpus | layout | stress | close_races) ;;
        *) tests+=(--test "$name") ;;
    esac
done
# Miri has no error for an allocation that no machine could satisfy; it gives up itself.
MIRIFLAGS="$flags" cargo +nightly miri test --package message-port --lib "${tests[@]}" \
    -- --skip capacities_that_cannot_be

MIRIFLAGS="$flags -Zmiri-many-seeds=0..${MIRI_SEEDS:-4}" \
    cargo +nightly miri test --package loom-tests --tests
