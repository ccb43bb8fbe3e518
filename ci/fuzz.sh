#!/bin/sh
# Replays the corpora of the fuzz targets with the stable toolchain; then fuzzes each target for
# FUZZ_SECONDS (30), with AddressSanitizer, where a nightly toolchain and cargo-fuzz are there.
# Exits with 77 if nothing of this could run.
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-30}

if ! cargo --version >/dev/null 2>&1; then
    echo "fuzz: SKIPPED: there is no cargo"
    exit 77
fi

echo "fuzz: replaying the corpora"
cargo test --test corpus

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
cargo +nightly fuzz build
for target in ops archive layout; do
    echo "fuzz: $target for $seconds s"
    mkdir "$scratch/$target"
    cargo +nightly fuzz run "$target" "$scratch/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -print_final_stats=1
done
echo "fuzz: passed"
