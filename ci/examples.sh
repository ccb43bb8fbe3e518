#!/usr/bin/env bash
# The examples do what they say: the sums are right, bad input is told apart by the exit code, and
# every other example runs to its end.

set -eu
shopt -s nullglob
cd "$(dirname "$0")/.."

# shellcheck source=ci/lib/features.sh
. ci/lib/features.sh
cargo build --release --examples --features "$(all_features)"
bin="${CARGO_TARGET_DIR:-target}/release/examples"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# expect CODE COMMAND...: runs it with its output in $scratch/out, and checks how it ends. It may take
# $limit seconds.
limit=60
expect() {
    local wanted="$1" code=0
    shift
    timeout "$limit" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || code="$?"
    if [ "$code" -ne "$wanted" ]; then
        echo "exit code $code instead of $wanted: $*"
        cat "$scratch/err"
        exit 1
    fi
    echo "ok ($code): ${*/#"$bin/"/}"
}

# sums FILES: $scratch/out has that many right sums.
sums() {
    sha256sum --check --quiet "$scratch/out"
    if [ "$(wc -l <"$scratch/out")" -ne "$1" ]; then
        echo "$(wc -l <"$scratch/out") sums instead of $1"
        exit 1
    fi
}

if [ -e "$bin/checksum" ]; then
    expect 0 "$bin/checksum" src
    sums "$(find src -type f | wc -l)"

    files="$scratch/some files"
    mkdir -p "$files/below"
    : >"$files/empty"
    printf 'x' >"$files/one byte"
    head -c 3000001 /dev/urandom >"$files/below/large"
    # A ring that is full all the time, and pieces that do not fit into it.
    expect 0 "$bin/checksum" --capacity 64 --piece 4093 "$files"
    sums 3
    # One piece larger than the whole ring.
    expect 0 "$bin/checksum" --capacity 4096 --piece 4194304 "$files"
    sums 3

    expect 1 "$bin/checksum" "$scratch/missing" "$files"
    sums 3
    expect 2 "$bin/checksum" --capacity 0 "$files"
    expect 2 "$bin/checksum" --piece 0 "$files"
    expect 2 "$bin/checksum" --piece much "$files"
    expect 2 "$bin/checksum" --no-such-option
    expect 0 "$bin/checksum" --help
fi

if [ -e "$bin/async_ports" ]; then
    # In the order of the numbers, more of them than its queues and tasks take at once.
    expect 0 "$bin/async_ports" 360 97 1 4 5 6 7 8 9 10 11 12 18446744073709551615
    for line in '360 = 2^3 * 3^2 * 5' '97 = 97' '1 = 1' '4 = 2^2' '5 = 5' '6 = 2 * 3' '7 = 7' \
        '8 = 2^3' '9 = 3^2' '10 = 2 * 5' '11 = 11' '12 = 2^2 * 3' \
        '18446744073709551615 = 3 * 5 * 17 * 257 * 641 * 65537 * 6700417'; do
        echo "$line"
    done | diff - "$scratch/out"
    expect 2 "$bin/async_ports" seven
    expect 2 "$bin/async_ports" 0
    expect 2 "$bin/async_ports" 18446744073709551616
    expect 2 "$bin/async_ports" --no-such-option
    expect 0 "$bin/async_ports" --help
fi

if [ -e "$bin/streams" ]; then
    expect 0 "$bin/streams" tea 'two words' tea 'größe'
    cut -c 1-3 "$scratch/out" | diff - <(printf 'tea\ntwo\ntea\ngrö\n' | cut -c 1-3)
    while read -r line; do
        sum="$(printf '%s' "${line%  *}" | sha256sum | cut -c 1-64)"
        if [ "$sum" != "${line##*  }" ] || [ "${sum:0:4}" != 0000 ]; then
            echo "not a sum that begins with zeros: $line"
            exit 1
        fi
    done <"$scratch/out"
    expect 2 "$bin/streams" --no-such-option
    expect 0 "$bin/streams" --help
fi

if [ -e "$bin/tee" ]; then
    text="$scratch/text" recording="$scratch/recording" bad="$scratch/bad"
    seq 20000 | sed 's/.*/line & of many, ünïcödé/' >"$text"
    nl -w 4 -s '  ' -b a "$text" >"$scratch/numbered"
    expect 0 "$bin/tee" record "$recording" "$text"
    cmp "$scratch/numbered" "$scratch/out"
    expect 0 "$bin/tee" replay "$recording"
    cmp "$scratch/numbered" "$scratch/out"

    # refused WHY: replaying $bad fails for this reason.
    refused() {
        expect 1 "$bin/tee" replay "$bad"
        if ! grep -qF -- "$1" "$scratch/err"; then
            echo "not refused because of \"$1\": $(cat "$scratch/err")"
            exit 1
        fi
    }
    # overwritten AT BYTES: $bad is the recording with these bytes (as for printf) at that place,
    # counted from its end if it is negative.
    size="$(stat -c %s "$recording")"
    overwritten() {
        local at="$1"
        [ "$at" -ge 0 ] || at=$((size + at))
        cp "$recording" "$bad"
        printf '%b' "$2" | dd of="$bad" bs=1 seek="$at" conv=notrunc status=none
    }
    cut_off() { head -c "$1" "$recording" >"$bad"; }

    : >"$bad"; refused "this is no recording"
    cp "$text" "$bad"; refused "this is no recording"
    cut_off 7; refused "this is no recording"
    cut_off 8; refused "cut off behind record 0"
    cut_off 10; refused "cut off in the length of record 1"
    cut_off 13; refused "cut off in record 1: 1 of its"
    cut_off $((size - 50)); refused "cut off in record 20000"
    cut_off $((size - 44)); refused "cut off behind record 20000"
    cut_off $((size - 1)); refused "cut off in its end"
    overwritten 8 '\xfe\xff\xff\xff'; refused "record 1 claims 4294967294 bytes"
    overwritten 8 '\x00\x00\x00\x00'; refused "record 1 is no line"
    overwritten 12 '\xff'; refused "record 1 is no line"
    overwritten -40 '\x00'; refused "the recording claims 19968 records and has 20000"
    # Still text, and still a line: only the sum tells.
    overwritten 12 'L'; refused "their sum differs"
    cp "$recording" "$bad"; printf 'x' >>"$bad"; refused "something follows"
    expect 1 "$bin/tee" replay "$scratch/missing"
    expect 1 "$bin/tee" replay "$scratch"

    head -c 2000000 /dev/zero | tr '\0' x >"$text"
    expect 1 "$bin/tee" record "$recording" "$text"
    printf 'no text: \xff\n' >"$text"
    expect 1 "$bin/tee" record "$recording" "$text"
    # What was begun and not ended says so.
    cp "$recording" "$bad"; refused "cut off behind record 0"
    expect 2 "$bin/tee" record
    expect 2 "$bin/tee" rewind "$recording"
    expect 2 "$bin/tee" replay "$recording" "$text" more
    expect 0 "$bin/tee" --help
fi

if [ -e "$bin/event_loop" ]; then
    expect 0 "$bin/event_loop" 20
    printf '%s\n' 'clock: 146' 'kettle: 146' 'violin: 149' | diff - "$scratch/out"
    expect 0 "$bin/event_loop" 0
    expect 0 "$bin/event_loop" --idle 10000 --seconds 1
    grep -q '^10000 ports' "$scratch/out"
    expect 2 "$bin/event_loop" many
    expect 2 "$bin/event_loop" --no-such-option
    expect 0 "$bin/event_loop" --help
fi

if [ -e "$bin/burst" ]; then
    expect 0 "$bin/burst" 33554432
    cat "$scratch/out"
    grep -qE '^[0-9]+ messages posted and received, 0 left$' "$scratch/out"
    # Where the system tells: what a burst takes is there at its peak, and then goes back.
    awk '$3 == "kB" { kilobytes[$1] = $2 }
        END { exit ("before" in kilobytes) && !(kilobytes["peak"] > 32768 &&
            kilobytes["after"] < kilobytes["before"] + 4096) }' "$scratch/out"
    expect 2 "$bin/burst" much
    expect 2 "$bin/burst" --no-such-option
    expect 0 "$bin/burst" --help
fi

if [ -e "$bin/soak" ]; then
    limit=900 expect 0 "$bin/soak" --messages 20000000 --every 2 --seed 20
    tail -n 5 "$scratch/out"
    # Of what was posted nothing is missing, and there was something of each.
    awk '$1 == "posted" { posted = $2 == $5 + $11 + $17 && $5 > 0 && $11 > 0 && $17 > 0 }
        $1 == "bytes" { bytes = $2 == $5 + $11 + $17 }
        $2 == "s" && $4 == "messages" { lines++ }
        END { exit !(posted && bytes && lines) }' "$scratch/out"
    for kind in Numbers Structs LongStructs FixedAndParcels NumbersAndParcels Parcels growable \
        Halves Whole WholeToTheEnd Handlers Tasks WholeTask HandlersTask Loop; do
        if ! grep -qw "$kind" "$scratch/out"; then
            echo "a soak without $kind"
            exit 1
        fi
    done
    # The same round twice is the same program.
    for run in 1 2; do
        expect 0 "$bin/soak" --messages 1 --seed 7 --first 3 --print
        grep '^round' "$scratch/out" >"$scratch/program.$run"
    done
    cmp "$scratch/program.1" "$scratch/program.2"
    expect 2 "$bin/soak" --minutes -1
    expect 2 "$bin/soak" --messages many
    expect 2 "$bin/soak" --every 0
    expect 2 "$bin/soak" --no-such-option
    expect 0 "$bin/soak" --help
fi

if [ -e "$bin/rpc" ]; then
    expect 0 "$bin/rpc"
    diff - "$scratch/out" <<'END'
tea + 4 = Value(7)
tea + four: the handler failed: invalid digit found in string
tea + 9223372036854775807: the handler failed: overflow
Keys(["tea"])
Value(7)
the handler failed: no key milk
Value(7)
END
fi

if [ -e "$bin/tokio_app" ]; then
    expect 0 "$bin/tokio_app" 4
    printf '%s\n' 'no primes below 0' '25 primes below 100' '46 primes below 200' \
        '62 primes below 300' '4 posted, 4 done' | diff - "$scratch/out"
    # More than the time allows: what was posted until then is still done.
    expect 0 "$bin/tokio_app" 1000000 50
    lines="$(wc -l <"$scratch/out")"
    tail -n 1 "$scratch/out" | grep -qx "$((lines - 1)) posted, $((lines - 1)) done"
    [ "$lines" -lt 1000000 ]
fi

if [ -e "$bin/mio_loop" ]; then
    # More clients than its queues take at once: each gets the sum of what it has sent.
    texts=('two words' größe '')
    for number in $(seq 100); do
        texts+=("text $number")
    done
    expect 0 "$bin/mio_loop" "${texts[@]}"
    for text in "${texts[@]}"; do
        echo "$(printf '%s' "$text" | sha256sum | cut -c 1-64)  $text"
    done | diff - "$scratch/out"
fi

if [ -e "$bin/logger" ]; then
    expect 0 "$bin/logger" 3
    diff - "$scratch/out" <<'END'
Started
Filled { order: 1, price: 962 }
Refused { order: 2, reason: NoCredit }
Filled { order: 3, price: 1323 }
END
    # Nobody reads the log, so the pipe and the ring are full soon. The hot thread gets on, and has
    # counted what it dropped, before the first line is read.
    mkfifo "$scratch/log" "$scratch/end"
    timeout 60 "$bin/logger" 200000 >"$scratch/log" 2>"$scratch/end" &
    exec 3<"$scratch/log" 4<"$scratch/end"
    read -r total _ dropped _ <&4
    lines="$(wc -l <&3)"
    wait "$!"
    exec 3<&- 4<&-
    echo "ok (0): logger, $dropped of $total events dropped"
    [ "$dropped" -gt 0 ]
    [ "$((lines + dropped))" -eq "$total" ]
fi

if [ -e "$bin/audio" ]; then
    expect 0 "$bin/audio" 1000
    echo "loudest 0.99" | diff - "$scratch/out"
fi

if [ -e "$bin/fan_out" ]; then
    expect 0 "$bin/fan_out" 100000
    echo "100000 changes, last prices [1014, 1021, 1028, 1035, 1042, 1049, 1056, 1063]" | diff - "$scratch/out"
fi

for source in examples/*.rs examples/*/main.rs; do
    name="${source#examples/}"
    name="${name%/main.rs}"
    name="${name%.rs}"
    case "$name" in checksum | burst | soak) continue ;; esac
    expect 0 "$bin/$name"
    if [ ! -s "$scratch/out" ]; then
        echo "$name printed nothing"
        exit 1
    fi
done
