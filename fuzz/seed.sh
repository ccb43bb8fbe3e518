#!/bin/sh
# Makes the seed corpora anew: fuzzes each target for SEED_SECONDS (120) beginning with what is
# there, looks for a small set of inputs that reaches all that was reached, and keeps SEED_FILES
# (45) of these, of all sizes.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkdir -p fuzz/corpus/ops fuzz/corpus/archive fuzz/corpus/layout structured/fuzz/corpus/value
cargo test --test corpus --test properties -- --ignored write_the_first_inputs
cargo test --package message-port-structured --test corpus -- --ignored write_the_first_inputs
for target in ops archive layout value; do
    directory=fuzz
    if [ "$target" = value ]; then directory=structured/fuzz; fi
    corpus=$directory/corpus/$target
    mkdir "$scratch/$target" "$scratch/$target.merged"
    cargo +nightly fuzz run --fuzz-dir "$directory" "$target" "$scratch/$target" "$corpus" -- \
        -max_total_time="${SEED_SECONDS:-120}" -max_len=600 -len_control=0 -verbosity=0
    cargo +nightly fuzz run --fuzz-dir "$directory" "$target" "$scratch/$target.merged" \
        "$scratch/$target" "$corpus" -- -merge=1 -verbosity=0
    # Named inputs are there for a reason; the fuzzer names its own by their hash.
    find "$corpus" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
    find "$scratch/$target.merged" -type f -printf '%s %p\n' | sort -n >"$scratch/by-size"
    awk -v all="$(wc -l <"$scratch/by-size")" -v keep="${SEED_FILES:-45}" \
        'int(NR * keep / all) != int((NR - 1) * keep / all) { print $2 }' "$scratch/by-size" |
        xargs -I{} cp {} "$corpus/"
done
