#!/usr/bin/env bash
# The library on other platforms than the one it is built on: it builds there, and where this machine
# can run what was built, by itself, with qemu-user or with Node, the tests pass.
#
#   bash ci/targets.sh          the gate: builds, and the tests of platforms/
#   bash ci/targets.sh --all    also every test of the library, the scenarios of the models, and
#                               positions of 32 bits that wrap; for a quiet hour
#
# qemu translates for this machine, whose memory orders nearly everything. So it shows that the code
# is portable (byte order, pages, sizes, the system's calls), and nothing about weak orderings.

set -eu
cd "$(dirname "$0")/.."

all=0
case "${1:-}" in
"") ;;
--all) all=1 ;;
*)
    echo "usage: bash ci/targets.sh [--all]" >&2
    exit 2
    ;;
esac

if ! rustup --version >/dev/null 2>&1; then
    echo "skipped: there is no rustup to add targets with"
    exit 77
fi
# shellcheck source=ci/lib/features.sh
. ci/lib/features.sh

root="$PWD"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}/platforms"
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
export MESSAGE_PORT_ROUNDS="${MESSAGE_PORT_ROUNDS:-200}"

skips=""
figures=""
skip() {
    echo "not here: $1"
    skips+="${skips:+; }$1"
}

# has_target TARGET: adds its standard library.
has_target() {
    rustup target add "$1" >/dev/null 2>&1 || {
        skip "no standard library for $1"
        return 1
    }
}

# has_packages COMMAND PACKAGE...: has Debian's packages installed unless the command works.
has_packages() {
    local probe="$1"
    shift
    eval "$probe" >/dev/null 2>&1 && return 0
    if command -v apt-get >/dev/null; then
        { apt-get install -y --no-install-recommends "$@" ||
            { apt-get update && apt-get install -y --no-install-recommends "$@"; }; } \
            >/dev/null 2>&1 </dev/null || true
    fi
    eval "$probe" >/dev/null 2>&1 || {
        skip "no $* from apt-get"
        return 1
    }
}

# run LIMIT COMMAND...: a hang is a failure too. Counts what the test programs say.
run() {
    local limit="$1" log start="$SECONDS"
    shift
    log="$(mktemp)"
    if ! timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1; then
        tail -n 200 "$log"
        echo "FAILED: $*"
        rm -f "$log"
        exit 1
    fi
    grep -E '^(test result|all of it)' "$log" || true
    figures+="$(awk -v what="$what" -v time="$((SECONDS - start))" '
        /^test result:/ {
            for (i = 2; i <= NF; i++) {
                if ($i ~ /^passed/) passed += $(i - 1)
                if ($i ~ /^(ignored|left)/) left += $(i - 1)
            }
        }
        END { printf "%-62s %4d passed, %3d left out %5d s", what, passed, left, time }' "$log")"$'\n'
    rm -f "$log"
}

platforms=(--locked --manifest-path platforms/Cargo.toml)

# Clippy is a `cargo check` that says more.
check() {
    if cargo clippy --version >/dev/null 2>&1; then
        cargo clippy --quiet "$@" -- -D warnings
    else
        cargo check --quiet "$@"
    fi
}

# Every platform builds, without a warning.
for target in aarch64-unknown-linux-gnu aarch64-apple-darwin x86_64-pc-windows-gnu \
    i686-unknown-linux-gnu wasm32-unknown-unknown wasm32-wasip1 wasm32-wasip1-threads; do
    has_target "$target" || continue
    for features in "" "$(all_features)"; do
        echo "check: $target${features:+ with $features}"
        check --lib --target "$target" --features "$features"
    done
done

# WebAssembly: a program with one thread, and what cannot wait there. Not the suite: it wants threads,
# and panics that unwind.
if has_packages "node --version" nodejs && has_target wasm32-wasip1; then
    node=(node --no-warnings --experimental-wasi-unstable-preview1 "$root/ci/lib/wasi.mjs")
    export CARGO_TARGET_WASM32_WASIP1_RUNNER="${node[*]}"
    for target in wasm32-wasip1 wasm32-unknown-unknown; do
        has_target "$target" || continue
        echo "run: $target"
        what="$target: a program with one thread"
        cargo build --quiet "${platforms[@]}" --target "$target"
        run 60 "${node[@]}" "$CARGO_TARGET_DIR/$target/debug/message-port-platforms.wasm"
    done
    what="wasm32-wasip1: waits without a second thread"
    run 300 cargo test "${platforms[@]}" --target wasm32-wasip1 --test one_thread
fi

# has_linux TARGET: what builds programs for it, and what runs them.
has_linux() {
    local arch="${1%%-*}" name gcc
    has_target "$1" || return 1
    if [ "$arch" = i686 ]; then
        gcc="$(gcc -dumpversion 2>/dev/null || echo 12)"
        # Not gcc-multilib, which Debian will not install beside the compilers below.
        has_packages "echo 'int main(void) { return 0; }' | gcc -m32 -x c - -o /dev/null" \
            gcc libc6-dev-i386 "lib32gcc-${gcc%%.*}-dev"
        return
    fi
    name="$(tr 'a-z-' 'A-Z_' <<<"$1")"
    has_packages "$arch-linux-gnu-gcc --version && [ -e /usr/$arch-linux-gnu/lib/libc.so ]" \
        "gcc-$arch-linux-gnu" "libc6-dev-$(dpkg_arch "$arch")-cross" || return 1
    has_packages "qemu-$arch --version" qemu-user || return 1
    export "CARGO_TARGET_${name}_LINKER=$arch-linux-gnu-gcc"
    export "CARGO_TARGET_${name}_RUNNER=qemu-$arch -L /usr/$arch-linux-gnu"
}

dpkg_arch() {
    case "$1" in
    aarch64) echo arm64 ;;
    *) echo "$1" ;;
    esac
}

translated=(auto_traits:: data_clone:: debug:: errors:: formats:: hostile:: messageerror number_width::
    sender_errors:: sizes:: stall_edges:: event_loop_failures:: event_loop_drops:: growable::m
    failures_that soundness::)

# How many numbers a ring has room for where they lie in blocks. On a big-endian machine they do not:
# their bytes are not their archives.
in_blocks=(ports_and_halves m1_a_post_at_the_limit_waits_and_goes_on
    m1_a_post_finds_room_up_to_the_limit_and_not_beyond
    m1_a_task_at_the_limit_is_woken_by_the_look_that_leaves_a_segment m1_a_task_waits_at_the_limit
    m1_at_the_limit_room_comes_by_the_segment
    m1_segments_of_messages_larger_than_the_capacity_keep_to_the_limit
    m1_without_room_for_a_second_segment_nothing_grows a_ring_holds_as_many_of_one_size_as_its_blocks
    the_smallest_ring_holds_seven_numbers)

# Addresses of 32 bits; another processor and C library; the other byte order.
for target in i686-unknown-linux-gnu aarch64-unknown-linux-gnu s390x-unknown-linux-gnu; do
    has_linux "$target" || continue
    echo "run: $target"
    what="$target: the suite"
    only=() without=()
    # Translated, the tests with many threads take too long for their watchdogs.
    [ "${target%%-*}" = i686 ] || only=("${translated[@]}")
    [ "${target%%-*}" != s390x ] || without=("${in_blocks[@]/#/--skip=}")
    run 900 cargo test "${platforms[@]}" --target "$target" --test suite -- "${only[@]}" "${without[@]}"
    [ "$all" = 1 ] || continue

    # Not: system calls that qemu does not know (seccomp), the memory of the whole process, which
    # is qemu's, and what compares with the compiler's words.
    tests=()
    for file in tests/*.rs; do
        name="$(basename "$file" .rs)"
        case "$target $name" in
        *" compile_fail") ;;
        i686*) tests+=(--test "$name") ;;
        *" no_membarrier" | *" membarrier_"* | *" memory") ;;
        *) tests+=(--test "$name") ;;
        esac
    done
    what="$target: the library's tests"
    run 7200 cargo test --package message-port --target "$target" --lib "${tests[@]}" -- "${without[@]}"
    what="$target: the scenarios of the models"
    run 7200 cargo test --package loom-tests --target "$target" --tests
done

# More than 4 GiB through one channel, and as much in flight as there may be.
if [ "$all" = 1 ] && has_linux i686-unknown-linux-gnu; then
    what="i686-unknown-linux-gnu: positions that wrap, and the limit of growth"
    run 7200 cargo test "${platforms[@]}" --release --target i686-unknown-linux-gnu --test wrap \
        -- --test-threads=1
fi

printf '\n%s' "$figures"
if [ -n "$skips" ]; then
    echo "partly skipped: $skips"
fi
