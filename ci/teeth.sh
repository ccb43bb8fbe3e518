#!/usr/bin/env bash
# Shows that the models can fail: for every way to break the protocol (`Mutant` in
# src/sync/order.rs) some model fails, and for the reason that is expected.
#
#   bash ci/teeth.sh           every mutant
#   bash ci/teeth.sh P1 B3     only these
#
# All mutants are in one build; the environment variable MESSAGE_PORT_MUTANT chooses one.

set -eu
cd "$(dirname "$0")/.."
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS MESSAGE_PORT_MUTANT

# mutant | tests | model | what it must say (an extended regular expression)
expected() {
    cat <<'END'
P1|publish|a_committed_frame_is_visible_with_its_bytes|Causality violation
P2|publish|a_committed_frame_is_visible_with_its_bytes|Causality violation
R1|publish|bytes_are_read_before_they_are_written_again|Causality violation
R2|publish|bytes_are_read_before_they_are_written_again|Causality violation
S1|close|what_was_accepted_before_a_close_is_received|an accepted message is lost
S2|drop|flume_120_messages_come_before_the_disconnection|an accepted message is lost
S3|close|a_closed_channel_is_never_merely_empty|merely empty
S4|close|a_closed_channel_is_never_merely_empty|merely empty
S5|growth|the_report_stays_out_of_what_was_given_back|Causality violation
S6|growth|the_report_stays_out_of_what_was_given_back|Causality violation
W1|waiting|a_waker_finds_what_the_sleeper_left|Causality violation
W2|waiting|a_waker_finds_what_the_sleeper_left|Causality violation
W3|tasks|a_post_wakes_the_receiving_task|Causality violation
W4|tasks|a_post_wakes_the_receiving_task|Causality violation
Q1|spill|a_buffer_is_read_before_it_is_written_again|Causality violation
Q2|spill|a_buffer_is_read_before_it_is_written_again|Causality violation
Q3|growth|a_place_on_the_way_back_is_filled_again|Causality violation
Q4|growth|a_place_on_the_way_back_is_filled_again|Causality violation
V1|growth|a_segment_is_looked_at_before_it_is_given_back|Causality violation
V2|growth|a_segment_is_looked_at_before_it_is_given_back|Causality violation
L1|event_loop|the_hook_is_called_for_a_wake_that_nobody_notices|a call to the foreign loop is lost
L2|event_loop|the_hook_is_called_for_a_wake_that_nobody_notices|a call to the foreign loop is lost
L3|event_loop|every_port_that_rings_is_heard|deadlock|heard out of order
L4|event_loop|every_port_that_rings_is_heard|deadlock|heard out of order
B1|waiting|a_post_wakes_the_receiver|deadlock
B2|waiting|a_release_wakes_the_sender|deadlock
B3|close|the_report_is_exact_when_one_half_closes_while_the_other_receives|a message is lost, or counted
B4|close|the_report_is_exact_when_one_half_closes_while_the_other_receives|a message is lost, or counted
B5|close|a_post_that_its_own_port_closes_on_is_delivered_or_refused|accepted and not delivered
B7|tasks|a_task_that_is_suspended_often_is_woken|deadlock
B8|tasks|a_task_that_is_suspended_often_is_woken|deadlock
B6|growth|a_segment_is_looked_at_before_it_is_given_back|Causality violation
StrictEnd|close|the_end_is_found_behind_what_was_skipped|merely empty
NoSecondLook|drop|flume_120_messages_come_before_the_disconnection|an accepted message is lost
EarlyRelease|publish|bytes_are_read_before_they_are_written_again|Causality violation|currently reading
CloseTwice|close|each_port_gets_one_close_event_when_both_close|a close event came twice|not one close event each
LateMessageError|handlers|a_messageerror_comes_before_the_next_message|the events are out of order
EarlyErrorRelease|handlers|a_message_that_failed_is_released_once|Causality violation|currently reading
NoClaim|close|the_report_is_exact_when_one_half_closes_while_the_other_receives|a message is lost, or counted
NoDecision|close|the_report_is_exact_when_one_half_closes_while_the_other_receives|a message is lost, or counted
NoClear|publish|order_is_kept_across_laps|Causality violation|a message (came twice|is out of order)
SilentEnd|waiting|a_close_wakes_the_sender|deadlock
NoHandBack|spill|a_returned_buffer_wakes_the_sender|deadlock
LeakSpilled|drop|the_last_owner_frees_everything_once|leaked
LateCount|spill|what_was_given_back_is_counted|a message is lost
NoHoldBack|batches|a_batch_is_visible_all_at_once|a part of a batch is visible
NoSwitchClaim|growth|the_report_stays_out_of_what_was_given_back|Causality violation
EarlyGiveBack|growth|a_segment_is_read_before_it_is_written_again|Causality violation|currently reading
NoFloor|growth|a_passed_switch_wakes_the_sender|more room than the limit allows
LateHead|growth|what_is_freed_wakes_the_sender_of_a_long_message|deadlock
SilentSwitch|growth|a_switch_with_nothing_behind_is_passed|deadlock
KeepWaker|tasks|crossfire_2_0_9_the_last_waker_counts|deadlock
NoStall|stalls|one_of_two_stuck_ports_is_refused|deadlock
HastyStall|stalls|a_port_with_room_is_not_taken_for_stuck|refused in spite of room
SilentBell|event_loop|a_drop_wakes_the_loop|deadlock
LateBell|event_loop|a_post_and_a_close_wake_the_loop|deadlock
NoLookAtRest|event_loop|the_hook_is_called_for_a_post_and_a_close|deadlock
KeepArrivals|event_loop|a_port_does_not_outlive_its_loop|a port is kept
END
}

# How a model may fail where the table above says nothing: a claim of its own, or a finding of loom.
any_reason='Causality violation|currently (reading|writing)|deadlock|leaked|assertion'

executables="$(cargo test --config "build.rustflags = ['--cfg', 'message_port_loom', '--cfg', 'message_port_teeth']" \
    --target-dir target/teeth --profile loom --package loom-tests --no-run 2>&1 |
    tee /dev/stderr | sed -n 's/.*Executable tests\/\(.*\)\.rs (\(.*\))/\1 \2/p')"
executable() { awk -v tests="$1" '$1 == tests { print $2 }' <<<"$executables"; }

# Runs the models of an executable that the rest of the arguments select.
run() {
    local mutant="$1" tests="$2"
    shift 2
    MESSAGE_PORT_MUTANT="$mutant" timeout 300 "$(executable "$tests")" "$@" --nocapture 2>&1
}

# What the first panic said.
reason() { grep -m 1 -A 1 'panicked at' <<<"$1" | tail -n 1; }

# The library itself knows its mutants, and names them when asked for one that there is not.
known="$({ run '?' publish --exact a_committed_frame_is_visible_with_its_bytes; } 2>/dev/null |
    sed -n 's/^no mutant `?`, but \[\(.*\)\]$/\1/p' | head -n 1 | tr -d ,)" || true
[ -n "$known" ] || { echo "an unknown mutant is not refused" >&2; exit 1; }

for mutant in "$@"; do
    case " $known " in
        *" $mutant "*) ;;
        *) echo "no mutant $mutant; there are: $known" >&2; exit 2 ;;
    esac
done

if [ "$#" -eq 0 ]; then
    echo "without a mutant: every model passes"
    while read -r tests _; do
        if ! output="$(run '' "$tests")"; then
            echo "$output"
            exit 1
        fi
    done <<<"$executables"
fi

# Says whether the mutant dies of this model for a reason that matches; sets `cause` to what it said.
dies() {
    local output
    if output="$(run "$1" "$2" --exact "$3")"; then return 1; fi
    cause="$(reason "$output")"
    grep -qE -- "$4" <<<"$cause"
}

survivors=0
line() { printf '%-17s %-70s %7s  %s\n' "$@"; }
line mutant "failing model" time "what it said"
for mutant in ${*:-$known}; do
    entry="$(expected | grep "^$mutant|" || true)"
    start="$(date +%s%N)"
    verdict=""
    if [ -n "$entry" ]; then
        IFS='|' read -r _ tests model pattern <<<"$entry"
        if dies "$mutant" "$tests" "$model" "$pattern"; then verdict="$tests::$model"; fi
    fi
    if [ -z "$verdict" ]; then
        # Not the expected one: any other will do, but it must be a claim that fails.
        while read -r tests path && [ -z "$verdict" ]; do
            for model in $("$path" --list 2>/dev/null | sed -n 's/: test$//p'); do
                if dies "$mutant" "$tests" "$model" "$any_reason"; then
                    verdict="$tests::$model (unexpected)"
                    break
                fi
            done
        done <<<"$executables"
    fi
    time="$((($(date +%s%N) - start) / 1000000)) ms"
    if [ -n "$verdict" ]; then
        line "$mutant" "$verdict" "$time" "${cause:0:60}"
    else
        line "$mutant" "SURVIVES" "$time" ""
        survivors=$((survivors + 1))
    fi
done
[ "$survivors" -eq 0 ] || { echo "$survivors mutants survive" >&2; exit 1; }
