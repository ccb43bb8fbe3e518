#!/bin/sh
# How much of the sources each fuzz target reaches: that of the library, of the values and the
# engine's side, of the bridge's frames.
#
#   fuzz/coverage.sh                       all targets, with their corpora
#   fuzz/coverage.sh ops value             only these
#   FUZZ_KEEP=DIRECTORY fuzz/coverage.sh   with what FUZZ_KEEP=DIRECTORY ci/fuzz.sh has found, too
#
# Needs a nightly toolchain and cargo-fuzz; its component llvm-tools is installed if it is not there.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- ops archive layout value engine wire
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
tools=$(rustc +nightly --print sysroot)/lib/rustlib/$host/bin
[ -x "$tools/llvm-cov" ] || rustup component add llvm-tools --toolchain nightly

# cover TARGET DIRECTORY SOURCES [OPTION]...
cover() {
    target=$1 directory=$2 sources=$3
    shift 3
    set -- "$@" "$target"
    for corpus in "$directory/corpus/$target" "$directory/corpus/value" "${FUZZ_KEEP:-/nowhere}/$target"; do
        # The engine takes the corpus of the values; nobody else does.
        case "$target $corpus" in engine*) ;; *corpus/value) [ "$target" = value ] || continue ;; esac
        if [ -d "$corpus" ]; then set -- "$@" "$corpus"; fi
    done
    cargo +nightly fuzz coverage --fuzz-dir "$directory" "$@" >&2
    binary=$(find "$directory/target" target -path "*/coverage/*/release/$target" -type f 2>/dev/null | head -n 1)
    for source in $sources; do
        # Modules that a target compiles by itself have a path through its own folder; so the name of the
        # source decides, and what is in a folder of another name is left out. Of each file: lines, and
        # those that were not reached.
        "$tools/llvm-cov" report "$binary" --instr-profile "$directory/coverage/$target/coverage.profdata" \
            --ignore-filename-regex '/(rustc|registry|rustlib)/' |
            awk -v target="$target" -v source="$source" '
                index("/" $1, "/" source) { lines += $8; missed += $9 }
                END { if (lines == 0) exit 1
                    printf "%-8s %-18s %d of %d lines, %.1f %%\n", target, source, lines - missed, lines,
                        100 * (lines - missed) / lines }'
    done
}
for target; do
    case "$target" in
    ops | archive) cover "$target" fuzz src ;;
    layout) cover layout fuzz "src/ring/frame.rs src/ring/block.rs" ;;
    value) cover value structured/fuzz structured/src ;;
    engine) cover engine structured/fuzz "structured/src js/src" --features engine ;;
    wire) cover wire bridge/fuzz src/wire ;;
    *)
        echo "there is no target $target" >&2
        exit 1
        ;;
    esac
done
