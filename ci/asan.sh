#!/usr/bin/env bash
# The tests with AddressSanitizer (accesses outside of an allocation, or after it) and
# LeakSanitizer (memory that nobody can free any more). Both engines of the ring's memory, bytes
# in place and spilled buffers, are plain allocations that they watch.
#
#   bash ci/asan.sh      about three minutes, most of them building
#
# Random programs and the corpora are not among them: ci/fuzz.sh runs these with the same sanitizer.

set -eu
cd "$(dirname "$0")/.."
. ci/lib/features.sh
. ci/lib/sanitizer.sh
sanitize address asan

# A test asks for more memory than there can be, and for the library's error about it.
export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:allocator_may_return_null=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export LSAN_OPTIONS="suppressions=\"$PWD/ci/lib/lsan.supp\":print_suppressions=0${LSAN_OPTIONS:+:$LSAN_OPTIONS}"

# Without these, and without the tests that are about what the compiler says.
files=()
for file in tests/*.rs loom-tests/tests/*.rs; do
    case "$file" in
        */compile_fail.rs | */auto_traits.rs | */corpus.rs | */properties.rs) ;;
        *) files+=("$file") ;;
    esac
done
select_tests "${files[@]}"
cargo +nightly test --target "$host" --package message-port --package loom-tests --features "$(all_features)" --lib \
    "${tests[@]}" --no-fail-fast
must_find LeakSpilled drop 'LeakSanitizer: detected memory leaks'
