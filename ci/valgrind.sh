#!/usr/bin/env bash
# Some single-threaded tests in Valgrind's memcheck, which finds decisions that depend on bytes
# nobody initialised: AddressSanitizer does not look for them, and Miri is rarely installed. An
# archive with uninitialised padding would show up here.
#
#   bash ci/valgrind.sh

set -eu
cd "$(dirname "$0")/.."

if ! valgrind --version >/dev/null 2>&1; then
    echo "skipped: valgrind is not installed"
    exit 77
fi
host="$(rustc -vV | sed -n 's/^host: //p' | tr a-z- A-Z_)"
export "CARGO_TARGET_${host}_RUNNER=valgrind --quiet --error-exitcode=9 --exit-on-first-error=yes --leak-check=no"

# One at a time: memcheck runs one thread at a time anyhow, and reports are easier to read.
cargo test --workspace --test data_clone --test delivery --test hostile --test soundness \
    --test sizes -- --test-threads 1
