#!/usr/bin/env bash
# Asks herd7 about every test and every weakened variant of it, and compares the number of executions
# with what is found here: those that end as the test asks, those that do not, and races, by
# models/rc11.cat; and those that end as it asks of the compiled test, by herd7's own aarch64.cat.
#
#   bash litmus/herd.sh                      herd7 from the PATH
#   HERD7="herd7 -set-libdir DIR" bash …     another one
#
# The language takes a second, the hardware minutes; `hook-message` is left out there, since it is
# too long for herd7 once it is compiled.

set -eu
cd "$(dirname "$0")"
read -ra herd <<<"${HERD7:-herd7}"
if ! command -v "${herd[0]}" >/dev/null; then
    echo "there is no ${herd[0]}" >&2
    exit 77
fi

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cargo run --quiet --locked --manifest-path Cargo.toml -- --export "$scratch"

# NAME POSITIVE NEGATIVE [race], one test a line.
summary() {
    awk '/^Test / { name = $2; race = "" }
         /^Positive: / { counts = $2 " " $4 }
         /^Flag / { race = " race" }
         /^Time / { print name, counts race }' | LC_ALL=C sort
}

compare() {
    if ! diff "$scratch/$1.here" "$scratch/$1.herd7"; then
        echo "$1: herd7 counts differently (>)" >&2
        exit 1
    fi
    echo "$1: herd7 counts the same in $(wc -l <"$scratch/$1.here") tests and variants"
}

"${herd[@]}" -model models/rc11.cat "$scratch"/c/*.litmus | summary >"$scratch/c.herd7"
LC_ALL=C sort "$scratch/c/found" >"$scratch/c.here"
compare c

grep -v '^hook-message' "$scratch/aarch64/found" >"$scratch/aarch64/short"
rm "$scratch"/aarch64/hook-message*.litmus
# Tries of an exclusive store that fail are executions too, with another end.
"${herd[@]}" -model aarch64.cat "$scratch"/aarch64/*.litmus | summary |
    cut -d ' ' -f 1,2 >"$scratch/aarch64.herd7"
cut -d ' ' -f 1,2 "$scratch/aarch64/short" | LC_ALL=C sort >"$scratch/aarch64.here"
compare aarch64
