#!/usr/bin/env bash
# The tests that have threads with ThreadSanitizer, which finds two accesses to plain memory that
# nothing orders: bytes of the ring, tickets, wakers.
#
#   bash ci/tsan.sh                  about three minutes, most of them building
#
# What it cannot see, and what sees it instead:
#
# - It does not understand fences, nor membarrier(2). It takes a fence for nothing, so an order
#   that came from one would look like a race. In the library none does: plain memory is handed
#   over by Release and Acquire alone (docs/protocol.md), and the barriers B1 to B8 only decide who
#   notices whom. Whether those are all there, the models say (ci/teeth.sh).
# - It runs on this machine's memory model and sees the interleavings that come up; the models
#   see all of them, and older values too.
# - The standard library is not instrumented (that takes its sources), so that what it orders by
#   itself looks unordered: ci/lib/tsan.supp lists it, with reasons.
#
# Because of that list the gate also shows that it can fail: with an ordering weakened, a race is
# found.

set -eu
cd "$(dirname "$0")/.."
. ci/lib/sanitizer.sh
sanitize thread tsan -Cunsafe-allow-abi-mismatch=sanitizer

# Suppressions are matched against the names of functions.
command -v llvm-symbolizer >/dev/null || skip "there is no llvm-symbolizer"
export TSAN_OPTIONS="suppressions=\"$PWD/ci/lib/tsan.supp\"${TSAN_OPTIONS:+:$TSAN_OPTIONS}"

# Not the tests whose threads are joined by a scope, inside the standard library; nor those with the
# runtimes of others, which stand on its locks; nor the count of allocations, which depends on when
# a thread has spun enough to sleep.
mapfile -t files < <(grep -l '\bthread::spawn' tests/*.rs | grep -v 'allocations.rs' |
    xargs grep -LE '\bthread::scope|\b(tokio|smol)::')
select_tests "${files[@]}"
code=0
cargo +nightly test --target "$host" --package message-port "${tests[@]}" --no-fail-fast || code=1
cargo +nightly test --target "$host" --package loom-tests --tests --no-fail-fast || code=1
[ "$code" = 0 ] || exit "$code"

must_find P1 publish 'ThreadSanitizer: data race'
must_find R1 publish 'ThreadSanitizer: data race'
