#!/usr/bin/env bash
# Nanoseconds per message (per round trip), medians of five: this crate and, where it is on the
# PATH, Node. Both engines run the same code, one after the other.
#
#   bash js/speed/run.sh            some minutes
#   SCALE=0.01 bash js/speed/run.sh  a try

set -eu
cd "$(dirname "$0")/../.."
scale="${SCALE:-1}"
cargo build --quiet --release --package message-port-js --bin mp-js
ours="$(mktemp)" theirs="$(mktemp)"
trap 'rm -f "$ours" "$theirs"' EXIT
"${CARGO_TARGET_DIR:-target}/release/mp-js" --threads js/speed/mp-js.mjs "$scale" >"$ours"
if command -v node >/dev/null; then
    node js/speed/node.mjs "$scale" >"$theirs"
    echo "Node $(node --version)"
fi
awk -F '\t' '
    NR == FNR { ours[$1] = $2; order[++n] = $1; next }
    { theirs[$1] = $2 }
    END {
        printf "%-44s %10s %10s %8s\n", "row", "ours", "Node", "ratio"
        for (i = 1; i <= n; i++) {
            name = order[i]
            if (theirs[name] == "") printf "%-44s %10d %10s\n", name, ours[name], "-"
            else printf "%-44s %10d %10d %8.1f\n", name, ours[name], theirs[name], theirs[name] / ours[name]
        }
    }' "$ours" "$theirs"
