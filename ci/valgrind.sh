#!/usr/bin/env bash
# Tests in Valgrind's memcheck, which finds decisions that depend on bytes nobody initialised:
# AddressSanitizer does not look for them, and Miri is too slow for all of these messages.
#
#   bash ci/valgrind.sh
#
# Only tests in which no thread sleeps or wakes another: the library then asks for its CPU through
# the kernel's vDSO, which Valgrind takes away but which rustix finds announced, and crashes.

set -eu
cd "$(dirname "$0")/.."

if ! valgrind --version >/dev/null 2>&1; then
    echo "skipped: valgrind is not installed"
    exit 77
fi
host="$(rustc -vV | sed -n 's/^host: //p' | tr a-z- A-Z_)"
export "CARGO_TARGET_${host}_RUNNER=valgrind --quiet --error-exitcode=9 --leak-check=no"

cargo test --workspace --test hostile --test sizes --test errors --test messageerror_unhandled
cargo test --workspace --test corpus -- --exact archive
