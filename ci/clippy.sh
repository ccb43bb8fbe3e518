#!/usr/bin/env bash
# No warning in any crate of the tree, and no atomic of the library that a model cannot see.

set -eu
cd "$(dirname "$0")/.."

if ! cargo clippy --version >/dev/null 2>&1; then
    echo "skipped: clippy is not installed"
    exit 77
fi
# shellcheck source=ci/lib/features.sh
. ci/lib/features.sh
cargo clippy --package message-port -- -D warnings
cargo clippy --workspace --all-targets --features "$(all_features)" -- -D warnings

# Clippy looks through re-exports. Under the models' cfg those of src/sync lead to loom, so that
# what ci/lib/clippy.toml still finds went around them. (There the heavy barrier cannot fail, and
# its Result looks unnecessary.)
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/models"
RUSTFLAGS="--cfg message_port_loom" CLIPPY_CONF_DIR=ci/lib \
    cargo clippy --lib --features loom -- -D warnings -A clippy::unnecessary_wraps

if [ -f loom-tests/Cargo.toml ]; then
    for flags in "--cfg message_port_loom" "--cfg message_port_loom --cfg message_port_shuttle"; do
        RUSTFLAGS="$flags" cargo clippy --manifest-path loom-tests/Cargo.toml \
            --all-targets --no-deps -- -D warnings
    done
fi
for manifest in {fuzz,peers,platforms,structured/fuzz}/Cargo.toml; do
    [ -f "$manifest" ] || continue
    cargo clippy --locked --manifest-path "$manifest" --all-targets --no-deps -- -D warnings
done
