#!/usr/bin/env bash
# The library in Miri: undefined behaviour of every kind that it knows, data races and leaks, with
# its own scheduler and with loads that may see older values (weak memory).
#
#   bash ci/miri.sh               a bounded set: some minutes
#   bash ci/miri.sh --all         everything, under several schedules and on more machines: hours
#   bash ci/miri.sh --mutants     the bugs of src/sync/order.rs that Miri is known to find
#   bash ci/miri.sh --mutants P1 W3   only these
#
#   MIRI_LIMIT=600                seconds that one run may take, four hours if not said: --all
#   MIRI_SEEDS=64                 so many schedules for each run of --all instead of 2
#   MIRI_RECORD=FILE              notes the runs that passed, and leaves out those that are noted: --all
#                                 goes on where it was interrupted
#   MESSAGE_PORT_ROUNDS=500       so many random programs in tests/properties.rs instead of 5
#   MIRIFLAGS=...                 further flags for all runs
#
# Under Miri the library has no membarrier(2) and maps no memory of its own (src/link/wait/barrier.rs,
# src/ring/memory.rs), which are system calls: it takes the paths of systems without them. It does
# not spin either, since no other thread gets on meanwhile.
#
# Miri runs isolated, so that its clock is virtual: a wait with a timeout costs nothing, a run is
# the same each time, and a test can tell that a thread sleeps (tests/common/asleep.rs). A thread
# that is never woken is a deadlock to Miri, so there are no watchdogs.
#
# Archives with relative pointers are sound under tree borrows only: a reference to an archived
# vector is used to reach the elements outside of it, which rkyv says of itself. So stacked borrows
# is for what has no relative pointers: the ring, and the scenarios with numbers and arrays.

set -eu
cd "$(dirname "$0")/.."

skip() {
    echo "skipped: $1"
    exit 77
}

cargo +nightly --version >/dev/null 2>&1 || skip "there is no nightly toolchain"
if ! cargo +nightly miri --version >/dev/null 2>&1 ||
    [ ! -d "$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library" ]; then
    rustup component add miri rust-src --toolchain nightly ||
        skip "the nightly toolchain has no miri or no rust-src, and they cannot be had"
fi

host="$(rustc +nightly -vV | sed -n 's/^host: //p')"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/miri"
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
logs="$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$logs"' EXIT

# Tree borrows are slow where trees are large, so what nothing refers to any more goes early.
common="-Zmiri-provenance-gc=1000 ${MIRIFLAGS:-}"
# Variables are set by flags: cargo-miri runs a test with the environment in which it was built.
if [ -n "${MESSAGE_PORT_ROUNDS:-}" ]; then
    common+=" -Zmiri-env-set=MESSAGE_PORT_ROUNDS=$MESSAGE_PORT_ROUNDS"
fi
stacked="$common"
tree="$common -Zmiri-tree-borrows"

library=(--package message-port --features futures,stats)
scenarios=(--package loom-tests)

# How many tests passed, each seed counted: what several of them print at a time is mixed by the piece.
passed() { grep -ho '[0-9]* passed' "$@" | awk '{ sum += $1 } END { print sum + 0 }'; }

# Runs `cargo miri test` in the background, as many at a time as there are CPUs, and prints how many tests
# passed in how much processor time:
#   start NAME TARGET FLAGS ARGUMENTS...
started=0 running=0 failed=0
record="${MIRI_RECORD:-/dev/null}"
touch "$record"
start() {
    local name="$1" target="$2" flags="$3" run
    shift 3
    run="$(printf '%-24s %-58s' "${target%-unknown*}" "$name")"
    if grep -q "^$run " "$record"; then
        grep "^$run " "$record"
        return
    fi
    if [ "$running" -ge "$(nproc)" ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
    started=$((started + 1)) running=$((running + 1))
    local log="$logs/$started.log"
    {
        if MIRIFLAGS="$flags" timeout --kill-after=10 "$limit" \
            cargo +nightly miri test --quiet --target "$target" "$@" </dev/null >"$log" 2>&1; then
            result=ok
        else
            result="FAILED ($?)"
        fi
        tests="$(passed "$log")"
        # The second line is about the commands that this shell has run: user and system time.
        times >"$log.times"
        seconds="$(awk 'NR == 2 { split($1 $2, part, /[ms]/); print int(60 * (part[1] + part[3]) + part[2] + part[4]) }' "$log.times")"
        line="$(printf '%s %6s tests %5d s  %s' "$run" "$tests" "$seconds" "$result")"
        if [ "$result" = ok ]; then
            echo "$line"
            echo "$line" >>"$record"
        else
            { cat "$log"; echo "$line"; } >"$log.failed"
            cat "$log.failed"
            exit 1
        fi
    } &
}

# Waits for all of them, and says what they came to.
finish() {
    while [ "$running" -gt 0 ]; do
        wait -n || failed=1
        running=$((running - 1))
    done
    echo "$(passed "$logs"/*.log) executions of tests in $started runs of Miri and $SECONDS s"
    [ "$failed" = 0 ] || exit 1
}

# Builds what a target needs, once, before several runs want it.
prepare() {
    cargo +nightly miri test --quiet --target "$1" "${library[@]}" --lib --no-run
    cargo +nightly miri test --quiet --target "$1" "${scenarios[@]}" --tests --no-run
}

# The files of tests, but not: what is about the compiler, about counts of the real allocator, or
# needs files.
files() {
    local name
    for name in tests/*.rs; do
        name="$(basename "$name" .rs)"
        case "$name" in
            auto_traits | compile_fail | corpus) ;;
            *allocations | growable_memory | memory) ;;
            membarrier_refused_* | no_membarrier) ;;
            *) echo "$name" ;;
        esac
    done
}

# The models' scenarios; on real threads each is run a few times.
models() { for name in loom-tests/tests/*.rs; do basename "$name" .rs; done; }

# Those that have scenarios of numbers and arrays, which `::` selects.
in_both_layouts() {
    for name in $(models); do
        if grep -q 'both_layouts!' "loom-tests/tests/$name.rs"; then echo "$name"; fi
    done
}

# What a mutant must be caught at: mutant, file, test, what Miri says.
expected() {
    cat <<'END'
P1|publish|frames::a_committed_message_is_visible_with_its_bytes|Data race detected
P1|publish|blocks::a_committed_message_is_visible_with_its_bytes|Data race detected
W3|tasks|a_post_wakes_the_receiving_task|Data race detected
Q1|spill|a_buffer_is_read_before_it_is_written_again|Data race detected
NoHandBack|spill|a_returned_buffer_wakes_the_sender|deadlock
LeakSpilled|drop|the_last_owner_frees_everything_once|memory leaked
END
}

# Each of them in up to 128 schedules, until one finds it: of P1 in blocks one in ten does. Miri that finds
# nothing at all is no gate.
must_find() {
    local wanted=" $* " mutant tests model finding output missed=0
    while IFS='|' read -r -u 3 mutant tests model finding; do
        [[ "$wanted" == "  " || "$wanted" == *" $mutant "* ]] || continue
        if output="$(MIRIFLAGS="$tree -Zmiri-preemption-rate=0.1 -Zmiri-many-seeds=0..128
            -Zmiri-env-set=MESSAGE_PORT_MUTANT=$mutant" \
            timeout 600 cargo +nightly miri test --quiet --target "$host" "${scenarios[@]}" \
            --test "$tests" -Zprofile-rustflags \
            --config 'profile.dev.package.message-port.rustflags = ["--cfg", "message_port_teeth"]' \
            -- --exact "$model" </dev/null 2>&1)" || ! grep -q "$finding" <<<"$output"; then
            printf '%s\n' "$output" | tail -n 40
            echo "$mutant is not found by $tests::$model: $finding"
            missed=1
        else
            echo "$mutant is found by $tests::$model: $(grep -m 1 -o "$finding.*" <<<"$output")"
        fi
    done 3< <(expected)
    return "$missed"
}

# What has the most of `unsafe`, of threads and of memory that changes hands.
bounded() {
    limit=600
    local tests calm="-Zmiri-preemption-rate=0.05"
    prepare "$host"
    start "unit tests, stacked borrows" "$host" "$stacked $calm" "${library[@]}" --lib
    start "unit tests, tree borrows" "$host" "$tree $calm" "${library[@]}" --lib
    for tests in soundness raw; do
        start "$tests, tree borrows" "$host" "$tree $calm" "${library[@]}" --test "$tests"
    done
    start "scenarios blocks, stacked borrows" "$host" "$stacked -Zmiri-preemption-rate=0.2" \
        "${scenarios[@]}" --test blocks
    for tests in publish close; do
        start "scenarios $tests, stacked borrows" "$host" "$stacked -Zmiri-preemption-rate=0.2" \
            "${scenarios[@]}" --test "$tests" -- ::
    done
    for tests in spill tasks; do
        start "scenarios $tests, tree borrows" "$host" "$tree -Zmiri-preemption-rate=0.1" \
            "${scenarios[@]}" --test "$tests"
    done
    finish
    must_find P1
}

# 32 bits, and the other byte order: the ring, frames and archives, and the scenarios in which the most
# memory changes hands.
other_machines() {
    local target tests
    for target in i686-unknown-linux-gnu s390x-unknown-linux-gnu; do
        prepare "$target"
        start "unit tests, tree borrows" "$target" "$tree" "${library[@]}" --lib
        for tests in publish blocks growth spill close; do
            # Numbers lie in frames there: their bytes are not their archives.
            [ "$target $tests" != "s390x-unknown-linux-gnu blocks" ] || continue
            start "scenarios $tests, tree borrows" "$target" "$tree" "${scenarios[@]}" --test "$tests"
        done
        for tests in layout raw soundness hostile number_width formats; do
            start "$tests, tree borrows" "$target" "$tree" "${library[@]}" --test "$tests"
        done
    done
}

# The ring, and all scenarios, in several schedules that switch threads this often.
schedules() {
    local tests rate="$1" how="-Zmiri-preemption-rate=$1 -Zmiri-many-seeds=0..${MIRI_SEEDS:-2}"
    start "unit tests, stacked borrows, $rate" "$host" "$stacked $how" "${library[@]}" --lib
    start "unit tests, tree borrows, $rate" "$host" "$tree $how" "${library[@]}" --lib
    start "scenarios blocks, stacked borrows, $rate" "$host" "$stacked $how" \
        "${scenarios[@]}" --test blocks
    for tests in $(in_both_layouts); do
        start "scenarios $tests, stacked borrows, $rate" "$host" "$stacked $how" \
            "${scenarios[@]}" --test "$tests" -- ::
    done
    for tests in $(models); do
        start "scenarios $tests, tree borrows, $rate" "$host" "$tree $how" \
            "${scenarios[@]}" --test "$tests"
    done
}

everything() {
    limit="${MIRI_LIMIT:-14400}"
    local tests flags
    prepare "$host"
    schedules 0.01
    other_machines
    schedules 0.2
    for tests in $(files); do
        # These forget something on purpose: a future, a `Select`, what would panic when it is dropped.
        flags="$tree"
        case "$tests" in
            call_tasks | ended | failures_that_panic_again | select_use | stall_edges)
                flags+=" -Zmiri-ignore-leaks" ;;
        esac
        start "$tests, tree borrows" "$host" "$flags" "${library[@]}" --test "$tests"
    done
    # These read files, so their clock is the system's.
    flags="$tree -Zmiri-disable-isolation"
    start "corpora, tree borrows" "$host" "$flags" "${library[@]}" --test corpus
    start "corpus of programs, tree borrows" "$host" "$flags" "${library[@]}" --test properties \
        -- --ignored the_corpus
    finish
    must_find
}

case "${1:-}" in
    "") bounded ;;
    --all) everything ;;
    --mutants)
        shift
        prepare "$host"
        must_find "$@"
        ;;
    *)
        echo "no such choice: $1; there are --all and --mutants" >&2
        exit 2
        ;;
esac
