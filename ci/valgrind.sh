#!/usr/bin/env bash
# Tests in Valgrind's memcheck, which finds decisions that depend on bytes nobody initialised:
# AddressSanitizer does not look for them, and Miri is too slow for all of these messages.
#
#   bash ci/valgrind.sh
#
# `waiting` and `wakers` also show that threads which sleep and are woken run under Valgrind: it takes away
# the kernel's vDSO, through which some libraries ask for the CPU that they run on, and crash.

set -eu
cd "$(dirname "$0")/.."

if ! valgrind --version >/dev/null 2>&1; then
    echo "skipped: valgrind is not installed"
    exit 77
fi
host="$(rustc -vV | sed -n 's/^host: //p' | tr a-z- A-Z_)"
export "CARGO_TARGET_${host}_RUNNER=valgrind --quiet --error-exitcode=9 --leak-check=no"

cargo test --workspace --test hostile --test sizes --test errors --test messageerror_unhandled --test wakers
cargo test --package message-port --test waiting -- --skip in_a_long_exchange
cargo test --workspace --test corpus -- --exact archive
