#!/usr/bin/env bash
# Instructions per message, counted by Valgrind's callgrind, against those in
# benches/instructions.tsv. They do not depend on how busy the machine is, only on the compiler, so
# they are compared on the toolchain of the file alone.
#
#   bash ci/instructions.sh            fails where a row got more than 3 % worse
#   bash ci/instructions.sh ROW ...    the same, of these rows only
#   bash ci/instructions.sh --update   writes the file anew
#   bash ci/instructions.sh --add      writes down only those rows that the file does not have yet
#
# A row that got better is no failure, but should be written down so that it stays better. A row that
# is not written down, or that is no longer there, fails: nothing would guard it.

set -eu
cd "$(dirname "$0")/.."

baseline=benches/instructions.tsv
tolerance=3 # percent
rounds=1000 # messages per row, as in benches/common/rows.rs
mode=compare
case "${1:-}" in
--update | --add) mode="${1#--}" && shift ;;
esac

if ! valgrind --version >/dev/null 2>&1; then
    echo "skipped: valgrind is not installed"
    exit 77
fi
toolchain="$(rustc -vV | awk '/^(release|host|LLVM version):/ { sub(/^[^:]*: /, ""); printf "%s ", $0 }')"
toolchain="${toolchain% }"
recorded="$(sed -n 's/^# toolchain: //p' "$baseline" 2>/dev/null || true)"
if [ "$mode" != update ] && [ "$toolchain" != "$recorded" ]; then
    echo "skipped: the counts are of the toolchain '$recorded', and this is '$toolchain'"
    exit 77
fi

# Without flags of the caller's, which change the code; with the profile of the examples and the
# other benchmarks, which share what is built.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
executables="$(cargo bench --profile release --bench 'instructions*' --no-run 2>&1 |
    tee /dev/stderr | sed -n 's/.*Executable benches\/instructions[a-z_]*\.rs (\(.*\))/\1/p')"

all_rows() {
    for executable in $executables; do
        "$executable"
    done
}

# Each program runs the rows that it has: one of them has this one.
count() {
    local executable
    for executable in $executables; do
        "$executable" | grep -qxF "$1" && break
    done
    valgrind --tool=callgrind --toggle-collect='*instructions*counted*' --callgrind-out-file=/dev/null \
        "$executable" "$1" 2>&1 | sed -n 's/.*Collected : //p'
}

rows="$(all_rows)"
if [ "$#" -gt 0 ]; then
    wanted="$(printf '%s\n' "$@")"
    if unknown="$(grep -vxF "$rows" <<<"$wanted")"; then
        echo "there is no row called $unknown"
        exit 2
    fi
    rows="$wanted"
elif [ "$mode" = add ]; then
    rows="$(grep -vxF "$(sed -n 's/\t.*//p' "$baseline")" <<<"$rows" || true)"
fi
counted="$(for row in $rows; do
    printf '%s\t%s\n' "$row" "$(($(count "$row") / rounds))"
done)"

# The file with the new counts, in the order of the rows in the program.
written() {
    echo "# Instructions per message: posted and received. Written by ci/instructions.sh --update."
    echo "# toolchain: $toolchain"
    for row in $(all_rows); do
        { grep "^$row"$'\t' <<<"$counted" || grep "^$row"$'\t' "$baseline" || true; } | head -n 1
    done
}

case "$mode" in
update | add)
    new="$(written)"
    echo "$new" >"$baseline"
    ;;
esac

awk -F '\t' -v tolerance="$tolerance" -v chosen="$#" -v mode="$mode" '
    FNR == NR { if ($0 !~ /^#/) before[$1] = $2; next }
    $0 == "" { next }
    {
        verdict = "NOT WRITTEN DOWN: --add"
        if ($1 in before) {
            change = 100 * ($2 - before[$1]) / before[$1]
            verdict = sprintf("%+.1f %%", change)
            if (change > tolerance) { verdict = verdict " TOO MANY"; failed = 1 }
        } else {
            failed = 1
        }
        printf "%-16s %6d  (%6s)  %s\n", $1, $2, before[$1], verdict
        seen[$1] = 1
    }
    END {
        for (row in before) {
            if (!(row in seen) && chosen == 0 && mode == "compare") {
                printf "%-16s is written down, but there is no such row: --update\n", row
                failed = 1
            }
        }
        exit failed
    }
' "$baseline" - <<<"$counted"
