#!/usr/bin/env bash
# Shows that the models can fail: for every way to break the protocol (`Mutant` in
# src/sync/order.rs) some model fails, and for the reason that is expected.
#
#   bash ci/teeth.sh           every mutant
#   bash ci/teeth.sh P1 B3     only these
#
# All mutants are in one build; the environment variable MESSAGE_PORT_MUTANT chooses one. That every
# model passes without one is shown by ci/loom.sh, with the same build.

set -eu
cd "$(dirname "$0")/.."
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS MESSAGE_PORT_MUTANT
# The threads of a model have too little stack for a backtrace.
export RUST_BACKTRACE=0

# mutant | tests | model | what it must say (an extended regular expression)
#
# A mutant may have several lines, and dies of each: what two layouts of the ring do is shown for both.
expected() {
    cat <<'END'
P1|publish|frames::a_committed_message_is_visible_with_its_bytes|Causality violation
P1|publish|blocks::a_committed_message_is_visible_with_its_bytes|Causality violation
P1|blocks|messages_of_one_block_are_visible_with_their_bytes|Causality violation
P1|blocks|what_is_found_ahead_is_visible_with_its_bytes|Causality violation
P2|publish|frames::a_committed_message_is_visible_with_its_bytes|Causality violation
P2|publish|blocks::a_committed_message_is_visible_with_its_bytes|Causality violation
P2|blocks|messages_of_one_block_are_visible_with_their_bytes|Causality violation
P2|blocks|what_is_found_ahead_is_visible_with_its_bytes|Causality violation
R1|publish|bytes_are_read_before_they_are_written_again|Causality violation
R1|blocks|a_block_is_read_before_it_is_written_in_the_next_lap|Causality violation
R2|publish|bytes_are_read_before_they_are_written_again|Causality violation
R2|blocks|a_block_is_read_before_it_is_written_in_the_next_lap|Causality violation
S1|close|frames::what_was_accepted_before_a_close_is_received|an accepted message is lost
S1|close|blocks::what_was_accepted_before_a_close_is_received|an accepted message is lost
S2|drop|frames::flume_120_messages_come_before_the_disconnection|an accepted message is lost
S2|drop|blocks::flume_120_messages_come_before_the_disconnection|an accepted message is lost
S3|close|frames::a_closed_channel_is_never_merely_empty|merely empty
S3|close|blocks::a_closed_channel_is_never_merely_empty|merely empty
S4|close|frames::a_closed_channel_is_never_merely_empty|merely empty
S4|close|blocks::a_closed_channel_is_never_merely_empty|merely empty
S5|growth|frames::the_report_stays_out_of_what_was_given_back|Causality violation
S5|growth|blocks::a_segment_that_was_entered_is_not_given_back|Causality violation|currently reading
S6|growth|frames::the_report_stays_out_of_what_was_given_back|Causality violation
S6|growth|blocks::a_segment_that_was_entered_is_not_given_back|Causality violation|currently reading
W1|waiting|blocks::a_waker_finds_what_the_sleeper_left|Causality violation
W2|waiting|blocks::a_waker_finds_what_the_sleeper_left|Causality violation
W3|tasks|a_post_wakes_the_receiving_task|Causality violation
W4|tasks|a_post_wakes_the_receiving_task|Causality violation
W5|waiting|a_task_is_woken_after_a_thread_gave_up|deadlock
Q1|spill|a_buffer_is_read_before_it_is_written_again|Causality violation
Q2|spill|a_buffer_is_read_before_it_is_written_again|Causality violation
Q3|growth|a_place_on_the_way_back_is_filled_again|Causality violation
Q4|growth|a_place_on_the_way_back_is_filled_again|Causality violation
V1|growth|frames::a_segment_is_looked_at_before_it_is_given_back|Causality violation
V1|growth|blocks::a_segment_is_looked_at_before_it_is_given_back|Causality violation
V1|spill|a_buffer_is_looked_at_before_it_is_freed|Causality violation
V2|growth|frames::a_segment_is_looked_at_before_it_is_given_back|Causality violation
V2|growth|blocks::a_segment_is_looked_at_before_it_is_given_back|Causality violation
V2|spill|a_buffer_is_looked_at_before_it_is_freed|Causality violation
L1|event_loop|the_hook_is_called_for_a_wake_that_nobody_notices|a call to the foreign loop is lost
L2|event_loop|the_hook_is_called_for_a_wake_that_nobody_notices|a call to the foreign loop is lost
L3|event_loop|every_port_that_rings_is_heard|deadlock|heard out of order|maximum number of branches
L4|event_loop|every_port_that_rings_is_heard|deadlock|heard out of order|maximum number of branches
B1|waiting|frames::a_post_wakes_the_receiver|deadlock
B1|waiting|blocks::a_post_wakes_the_receiver|deadlock
B2|waiting|frames::a_release_wakes_the_sender|deadlock
B2|waiting|blocks::a_release_wakes_the_sender|deadlock
B3|close|the_report_is_exact_when_one_half_closes_while_the_other_receives|a message is lost, or counted
B3|split_closer|frames::a_message_is_delivered_or_counted|a message is lost, or counted
B3|split_closer|blocks::a_message_is_delivered_or_counted|a message is lost, or counted
B4|close|the_report_is_exact_when_one_half_closes_while_the_other_receives|a message is lost, or counted
B5|close|frames::a_post_that_its_own_port_closes_on_is_delivered_or_refused|accepted and not delivered
B5|close|blocks::a_post_that_its_own_port_closes_on_is_delivered_or_refused|accepted and not delivered
B7|tasks|a_task_that_is_suspended_often_is_woken|deadlock
B8|tasks|a_task_that_is_suspended_often_is_woken|deadlock
B7|waiting|a_thread_that_sleeps_often_is_woken|deadlock
B8|waiting|a_thread_that_sleeps_often_is_woken|deadlock
B6|growth|frames::a_segment_is_looked_at_before_it_is_given_back|Causality violation
B6|growth|blocks::a_segment_is_looked_at_before_it_is_given_back|Causality violation
B6|spill|a_buffer_is_looked_at_before_it_is_freed|Causality violation
StrictEnd|close|the_end_is_found_behind_what_was_skipped|merely empty
NoSecondLook|drop|frames::flume_120_messages_come_before_the_disconnection|an accepted message is lost
NoSecondLook|drop|blocks::flume_120_messages_come_before_the_disconnection|an accepted message is lost
EarlyRelease|publish|bytes_are_read_before_they_are_written_again|Causality violation|currently reading
CloseTwice|close|each_port_gets_one_close_event_when_both_close|a close event came twice|not one close event each
LateMessageError|handlers|a_messageerror_comes_before_the_next_message|the events are out of order
EarlyErrorRelease|handlers|a_message_that_failed_is_released_once|Causality violation|currently reading
NoClaim|close|the_report_is_exact_when_one_half_closes_while_the_other_receives|a message is lost, or counted
NoClaim|split_closer|frames::a_message_is_delivered_or_counted|a message is lost, or counted
NoClaim|split_closer|blocks::a_message_is_delivered_or_counted|a message is lost, or counted
NoDecision|close|the_report_is_exact_when_one_half_closes_while_the_other_receives|a message is lost, or counted
NoDecision|split_closer|frames::a_message_is_delivered_or_counted|a message is lost, or counted
NoDecision|split_closer|blocks::a_message_is_delivered_or_counted|a message is lost, or counted
NoClear|publish|frames::order_is_kept_across_laps|Causality violation|a message (came twice|is out of order)
NoClear|blocks|what_memory_held_before_is_no_message|a message came that nobody posted
EarlyLookAhead|blocks|nothing_is_found_ahead_in_the_first_lap|Causality violation|a message (changed|is out of order|came that nobody posted)
NoFreeBlock|blocks|the_header_that_is_polled_is_not_written_in_the_next_lap|a message is lost
SilentEnd|waiting|blocks::a_close_wakes_the_sender|deadlock
NoHandBack|spill|a_returned_buffer_wakes_the_sender|deadlock
FreeTwice|spill|a_buffer_that_was_looked_at_is_freed_once|memory is freed twice
LeakSpilled|drop|the_last_owner_frees_everything_once|leaked
LateCount|spill|what_was_given_back_is_counted|a message is lost
NoHoldBack|batches|frames::a_batch_is_visible_all_at_once|a part of a batch is visible
NoHoldBack|blocks|a_batch_over_several_blocks_is_visible_all_at_once|a part of a batch is visible
NoHoldBack|blocks|a_batch_that_is_found_ahead_is_visible_all_at_once|a part of a batch is visible
NoHoldBack|blocks|a_batch_with_a_switch_in_its_first_block_is_visible_all_at_once|a part of a batch is visible
FirstBlockFirst|blocks|a_batch_that_is_found_ahead_is_visible_all_at_once|a part of a batch is visible
NoSwitchClaim|growth|frames::the_report_stays_out_of_what_was_given_back|Causality violation
NoSwitchClaim|growth|blocks::a_segment_that_was_entered_is_not_given_back|Causality violation|currently reading
EarlyGiveBack|growth|frames::a_segment_is_read_before_it_is_written_again|Causality violation|currently reading
EarlyGiveBack|growth|blocks::a_segment_is_read_before_it_is_written_again|Causality violation|currently reading
NoFloor|growth|frames::a_passed_switch_wakes_the_sender|more room than the limit allows
NoFloor|growth|blocks::a_passed_switch_wakes_the_sender|more room than the limit allows
LateHead|growth|what_is_freed_wakes_the_sender_of_a_long_message|deadlock
SilentSwitch|growth|a_switch_with_nothing_behind_is_passed|deadlock
KeepWaker|tasks|crossfire_2_0_9_the_last_waker_counts|deadlock
NoStall|stalls|frames::one_of_two_stuck_ports_is_refused|deadlock
NoStall|stalls|blocks::one_of_two_stuck_ports_is_refused|deadlock
HastyStall|stalls|frames::a_port_with_room_is_not_taken_for_stuck|refused in spite of room
HastyStall|stalls|blocks::a_port_with_room_is_not_taken_for_stuck|refused in spite of room
SilentBell|event_loop|a_drop_wakes_the_loop|deadlock
SilentBell|select|a_drop_wakes_the_select|deadlock
LateBell|event_loop|a_post_and_a_close_wake_the_loop|deadlock
LateBell|select|two_ports_wake_one_select|deadlock
NoLookAtRest|event_loop|the_hook_is_called_for_a_post_and_a_close|deadlock
KeepArrivals|event_loop|a_port_does_not_outlive_its_loop|a port is kept
ForgetLent|select|a_port_that_was_used_meanwhile_wakes_the_select|deadlock
LateDrain|fd|a_post_and_a_close_make_it_readable|deadlock
END
}

# How a model may fail where the table above says nothing: a claim of its own, or a finding of loom.
any_reason='Causality violation|currently (reading|writing)|deadlock|leaked|assertion'

executables="$(bash ci/loom.sh --no-run 2>&1 |
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
known="$({ run '?' publish --exact blocks::a_committed_message_is_visible_with_its_bytes; } 2>/dev/null |
    sed -n 's/^no mutant `?`, but \[\(.*\)\]$/\1/p' | head -n 1 | tr -d ,)" || true
[ -n "$known" ] || { echo "an unknown mutant is not refused" >&2; exit 1; }

for mutant in "$@"; do
    case " $known " in
        *" $mutant "*) ;;
        *) echo "no mutant $mutant; there are: $known" >&2; exit 2 ;;
    esac
done

# Says whether the mutant dies of this model for a reason that matches; sets `cause` to what it said.
dies() {
    local output
    if output="$(run "$1" "$2" --exact "$3")"; then return 1; fi
    cause="$(reason "$output")"
    grep -qE -- "$4" <<<"$cause"
}

line() { printf '%-17s %-82s %9s  %s\n' "$@"; }

# Runs the rest of the arguments, and sets `verdict` by it: to the first one, or to nothing.
attempt() {
    local start
    start="$(date +%s%N)"
    if "${@:2}"; then verdict="$1"; else verdict=""; fi
    time="$((($(date +%s%N) - start) / 1000000)) ms"
}

# Any model but the expected one: it must be a claim that fails.
dies_somewhere() {
    local tests path model
    while read -r tests path; do
        for model in $("$path" --list 2>/dev/null | sed -n 's/: test$//p'); do
            if dies "$1" "$tests" "$model" "$any_reason"; then
                other="$tests::$model"
                return 0
            fi
        done
    done <<<"$executables"
    return 1
}

# Prints what becomes of a mutant; fails if it survives.
judge() {
    local mutant="$1" survives="" tests model pattern
    while IFS='|' read -r -u 3 _ tests model pattern; do
        attempt "$tests::$model" dies "$mutant" "$tests" "$model" "$pattern"
        if [ -n "$verdict" ]; then
            line "$mutant" "$verdict" "$time" "${cause:0:60}"
        else
            line "$mutant" "SURVIVES $tests::$model" "$time" ""
            survives=yes
        fi
    done 3< <(expected | grep "^$mutant|" || true)
    if ! expected | grep -q "^$mutant|"; then
        other=""
        attempt yes dies_somewhere "$mutant"
        if [ -n "$verdict" ]; then
            line "$mutant" "$other (unexpected)" "$time" "${cause:0:60}"
        else
            line "$mutant" "SURVIVES" "$time" ""
            survives=yes
        fi
    fi
    [ -z "$survives" ]
}

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
line mutant "failing model" time "what it said"
# As many at a time as there are CPUs: a model with one mutant runs on one thread.
for mutant in ${*:-$known}; do
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
    { judge "$mutant" && touch "$scratch/$mutant.dead"; } >"$scratch/$mutant" 2>&1 </dev/null &
done
wait
survivors=0
for mutant in ${*:-$known}; do
    cat "$scratch/$mutant"
    [ -e "$scratch/$mutant.dead" ] || survivors=$((survivors + 1))
done
[ "$survivors" -eq 0 ] || { echo "$survivors mutants survive" >&2; exit 1; }
