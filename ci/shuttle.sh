#!/usr/bin/env bash
# The models, and random programs that are too large for loom, in random schedules by shuttle. It
# takes every ordering for SeqCst and shows no old values: what it finds is wrong in an interleaving.
#
#   bash ci/shuttle.sh                      one to two minutes, most of it for the build
#   SHUTTLE_LONG=1 bash ci/shuttle.sh       100,000 runs of each model and of the programs
#   bash ci/shuttle.sh --teeth              the mutants that shuttle finds, each by whatever finds it
#   bash ci/shuttle.sh --teeth LateBell     only these, whichever they are
#
# A failure prints the schedule; the number of a program stands behind it. To run it again, put the
# schedule into a file and call, for a model or for a program
#
#   MESSAGE_PORT_SHUTTLE_SCHEDULE=file cargo shuttle --test close -- --exact NAME
#   MESSAGE_PORT_PROGRAM=7 MESSAGE_PORT_SHUTTLE_SCHEDULE=file cargo shuttle --test programs NAME

set -euo pipefail
cd "$(dirname "$0")/.."

# They would replace the flags that select the engine; the models refuse to compile then.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS MESSAGE_PORT_MUTANT MESSAGE_PORT_PROGRAM
export RUST_BACKTRACE=0 SHUTTLE_SILENCE_WARNINGS=1

# mutant | tests | model or program | what it must say (an extended regular expression)
#
# Those that the gate runs. `--teeth` looks for whatever finds a mutant.
expected() {
    cat <<'END'
NoSecondLook|batches|blocks::a_batch_that_its_own_port_closes_on_is_delivered_or_refused|accepted and not delivered
NoClaim|programs|several_channels_and_an_event_loop|Report
NoDecision|programs|two_threads_with_a_channel|Report
NoFreeBlock|programs|several_channels_and_an_event_loop|deadlock
LeakSpilled|programs|several_channels_and_an_event_loop|memory is leaked
LateCount|programs|several_channels_and_an_event_loop|Report
FirstBlockFirst|blocks|a_batch_that_is_found_ahead_is_visible_all_at_once|a part of a batch is visible
EarlyGiveBack|programs|several_channels_and_an_event_loop|currently reading
LateHead|programs|several_channels_and_an_event_loop|deadlock
KeepWaker|programs|several_channels_and_an_event_loop|deadlock
NoStall|programs|several_channels_and_an_event_loop|deadlock
SilentBell|event_loop|a_close_wakes_the_loop_of_a_port_without_a_handler|deadlock
END
}

# One build, in which the mutants sleep.
executables="$(cargo test --config "build.rustflags = ['--cfg', 'message_port_loom', '--cfg', 'message_port_shuttle', '--cfg', 'message_port_teeth']" \
    --config "env.MESSAGE_PORT_ENGINE = 'shuttle'" \
    --target-dir target/shuttle-teeth --profile loom --package loom-tests --no-run 2>&1 |
    tee /dev/stderr | sed -n 's/.*Executable tests\/\([a-z_]*\)\(\/main\)\?\.rs (\(.*\))/\1 \3/p')"
executable() { awk -v tests="$1" '$1 == tests { print $2 }' <<<"$executables"; }

# Runs an executable, or of it what further arguments select, with a mutant if one is named.
run() {
    local mutant="$1" tests="$2"
    shift 2
    MESSAGE_PORT_MUTANT="$mutant" timeout 300 "$(executable "$tests")" "$@" --nocapture 2>&1
}

# What the first panic of the library or of a model said.
reason() {
    sed -n '/panicked at /{n;p;q}' <<<"$1"
}

# Whether something in these executables finds the mutant; sets `found` and `cause`.
finds() {
    local mutant="$1" tests output code
    for tests in "${@:2}"; do
        code=0
        output="$(run "$mutant" "$tests" --test-threads=1)" || code="$?"
        case "$code" in
            0) ;;
            124) echo "$mutant: $tests took too long" >&2 ;;
            *)
                # Where a panic met another one the process ended in the middle of a test.
                found="$(sed -n '/^failures:$/,$s/^    \([a-z0-9_:]*\)$/\1/p' <<<"$output" | head -n 1)"
                [ -n "$found" ] || found="$(sed -n 's/^test \([a-z0-9_:]*\) .*/\1/p' <<<"$output" | tail -n 1)"
                found="$tests::$found"
                cause="$(reason "$output")"
                return 0
                ;;
        esac
    done
    return 1
}

line() { printf '%-17s %-76s %s\n' "$@"; }
models="$(awk '$1 != "programs" { print $1 }' <<<"$executables")"

if [ "${1:-}" = --teeth ]; then
    shift
    mutants="${*:-$(expected | cut -d '|' -f 1 | uniq)}"
    survivors=0
    line mutant "found by" "which said"
    for mutant in $mutants; do
        # shellcheck disable=SC2086 # a list
        if finds "$mutant" $models; then
            line "$mutant" "$found" "${cause:0:70}"
            survives=no
        else
            line "$mutant" "no model" ""
            survives=yes
        fi
        if finds "$mutant" programs; then
            line "" "$found" "${cause:0:70}"
        else
            line "" "no program" ""
            if [ "$survives" = yes ]; then survivors=$((survivors + 1)); fi
        fi
    done
    [ "$survivors" -eq 0 ] || { echo "$survivors mutants survive" >&2; exit 1; }
    exit
fi

if [ "${SHUTTLE_LONG:-0}" = 1 ]; then
    export MESSAGE_PORT_SHUTTLE_RUNS=100000
    # Of each of three forms, in eight schedules each.
    export MESSAGE_PORT_PROGRAMS=4200
    limit=14400
else
    limit=300
fi
while read -r tests path; do
    echo "$tests"
    timeout "$limit" "$path" --nocapture 2>&1 | sed -E '/^(test [a-z].* \.\.\. ok|running .*|)$/d'
done <<<"$executables"

echo "mutants that must be found"
line mutant model "what it said"
while IFS='|' read -r mutant tests model pattern; do
    if output="$(run "$mutant" "$tests" --exact "$model" </dev/null)"; then
        echo "$mutant survives $tests::$model" >&2
        exit 1
    fi
    cause="$(reason "$output")"
    line "$mutant" "$tests::$model" "${cause:0:70}"
    grep -qE -- "$pattern" <<<"$cause" || { echo "it should have said: $pattern" >&2; exit 1; }
done < <(expected)
