#!/bin/sh
# Replays the corpora of the fuzz targets with the stable toolchain; then fuzzes each target for
# FUZZ_SECONDS (5), with AddressSanitizer, where a nightly toolchain and cargo-fuzz are there.
# Exits with 77 if nothing of this could run. Where it fuzzes for seconds, the programs are optimised
# little: that saves more than they lose.
#
#   ci/fuzz.sh                               the gate: all targets
#   ci/fuzz.sh value engine                  only these
#   FUZZ_SECONDS=3600 ci/fuzz.sh ops         a long run
#   FUZZ_RUNS=200000 ci/fuzz.sh ops          so many inputs instead of a time
#   FUZZ_KEEP=DIRECTORY ci/fuzz.sh           begins with what is there, and leaves what it finds
#   ci/fuzz.sh --teeth                       the mutants of src/sync/order.rs that the oracle of `ops` finds
#   ci/fuzz.sh --teeth NoFloor               only these, whichever they are
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-5}
# `ops`, `archive`, `layout`: the library. `value`, `engine`: values of scripts, and the engine that they
# go into. `wire`: the frames of the bridge.
[ $# -gt 0 ] || set -- ops archive layout value engine wire

if ! cargo --version >/dev/null 2>&1; then
    echo "fuzz: SKIPPED: there is no cargo"
    exit 77
fi

# Random programs of fixed seeds, with a mutant each. They have one thread, so no ordering matters to them.
if [ "$1" = --teeth ]; then
    shift
    [ $# -gt 0 ] || set -- CloseTwice EarlyErrorRelease EarlyGiveBack HastyStall KeepWaker LateBell LateCount \
        LateMessageError NoClaim NoClear NoFloor NoFreeBlock NoHandBack NoStall NoSwitchClaim SilentEnd
    program=$(RUSTFLAGS="--cfg message_port_teeth" cargo test --target-dir target/oracle-teeth --release \
        --test properties --no-run 2>&1 | tee /dev/stderr | sed -n 's/.*Executable tests.*(\(.*\))/\1/p')
    env -u MESSAGE_PORT_MUTANT "$program" random_programs >/dev/null 2>&1 || { echo "fuzz: it fails without a mutant" >&2; exit 1; }
    for mutant; do
        # What waits for ever is ended by the programs' own watchdog.
        if said=$(MESSAGE_PORT_MUTANT=$mutant timeout 300 "$program" random_programs 2>&1); then
            echo "fuzz: $mutant survives" >&2
            exit 1
        fi
        why=$(echo "$said" | grep -m 1 '^seed' || echo "a program does not end")
        echo "$mutant: $why" | cut -c 1-120
    done
    exit
fi

echo "fuzz: replaying the corpora"
cargo test --test corpus --test properties
cargo test --package message-port-structured --package message-port-js --test corpus

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "fuzz: SKIPPED fuzzing, only the corpora were replayed: there is no nightly toolchain"
    exit 0
fi
if ! cargo fuzz --version >/dev/null 2>&1 && ! cargo install cargo-fuzz --locked; then
    echo "fuzz: SKIPPED fuzzing, only the corpora were replayed: cargo-fuzz cannot be installed"
    exit 0
fi

# What is found goes to a scratch directory: the corpora in the source tree grow on purpose only.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
found=${FUZZ_KEEP:-$scratch}
# One for the three crates, which have most of their dependencies in common.
built=${CARGO_TARGET_DIR:-target}/fuzz

if [ "$seconds" -lt 60 ] && [ -z "${FUZZ_RUNS:-}" ]; then
    export CARGO_PROFILE_RELEASE_OPT_LEVEL="${CARGO_PROFILE_RELEASE_OPT_LEVEL:-1}"
fi

# fuzz TARGET DIRECTORY CORPUS [OPTION]...: the target of the crate in that directory.
fuzz() {
    target=$1 directory=$2 corpus=$3
    shift 3
    mkdir -p "$found/$target"
    if [ -d "$corpus" ]; then set -- "$@" "$target" "$found/$target" "$corpus"; else set -- "$@" "$target" "$found/$target"; fi
    if [ -n "${FUZZ_RUNS:-}" ]; then bound="-runs=$FUZZ_RUNS"; else bound="-max_total_time=$seconds"; fi
    echo "fuzz: $target, $bound"
    cargo +nightly fuzz run --target-dir "$built" --fuzz-dir "$directory" "$@" -- "$bound" -print_final_stats=1 -max_len=600
}
for target; do
    case "$target" in
    ops | archive | layout) fuzz "$target" fuzz "fuzz/corpus/$target" ;;
    # With the feature of the other one, so that both are built at once.
    value) fuzz value structured/fuzz structured/fuzz/corpus/value --features engine ;;
    engine) fuzz engine structured/fuzz structured/fuzz/corpus/value --features engine ;;
    wire) fuzz wire bridge/fuzz bridge/fuzz/corpus/wire ;;
    *)
        echo "fuzz: there is no target $target"
        exit 1
        ;;
    esac
done
echo "fuzz: passed"
