#!/usr/bin/env bash
# Ports over Zenoh: the bridge builds without a warning, its tests pass on real sessions, its example's
# sums are right, and its benchmark runs once. Everything stays on 127.0.0.1.
#
#   bash ci/bridge.sh                                 the checks
#   BRIDGE=0 bash ci/bridge.sh                        skipped, where minutes for the transport are too many
#   cargo bench --manifest-path bridge/Cargo.toml     the measurement: some minutes
#
# The transport is built once, without optimisation and without debug information: minutes the first
# time, seconds afterwards.

set -eu
cd "$(dirname "$0")/.."

if [ "${BRIDGE:-1}" = 0 ]; then
    echo "skipped: BRIDGE=0"
    exit 77
fi
if [ ! -f bridge/Cargo.toml ]; then
    echo "skipped: there is no bridge/"
    exit 77
fi
# The transport is no dependency of the library: it may be missing where the library's own are not.
for manifest in bridge/Cargo.toml bridge/fuzz/Cargo.toml; do
    why="$(cargo fetch --quiet --locked --manifest-path "$manifest" 2>&1)" && continue
    echo "$why"
    # That is a fault of the tree, not of the network.
    [[ "$why" != *"lock file"* ]] || exit 1
    echo "skipped: the transport cannot be fetched"
    exit 77
done
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0
cargo=(cargo --locked)
bridge=(--manifest-path bridge/Cargo.toml)

# Whatever waits for a peer that does not come would wait for ever.
"${cargo[@]}" test "${bridge[@]}" --all-targets --no-run
"${cargo[@]}" build "${bridge[@]}" --example remote_checksum
timeout 300 "${cargo[@]}" test "${bridge[@]}"
timeout 120 "${cargo[@]}" test "${bridge[@]}" --bench distance -- --check

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
example="${CARGO_TARGET_DIR:-bridge/target}/debug/examples/remote_checksum"
sums() {
    timeout 60 "$example" "$@" >"$scratch/sums"
    sha256sum --check --quiet "$scratch/sums"
    echo "ok: $(wc -l <"$scratch/sums") sums from another process"
}
sums src
[ "$(wc -l <"$scratch/sums")" -eq "$(find src -type f | wc -l)" ]
head -c 3000001 /dev/urandom >"$scratch/large"
# Rings and a window that are full all the time, and pieces that do not fit into them.
sums --capacity 4096 --piece 100003 "$scratch/large"
code=0
"$example" --worker 2>/dev/null || code="$?"
[ "$code" -eq 2 ]

if cargo clippy --version >/dev/null 2>&1; then
    cargo clippy --locked "${bridge[@]}" --all-targets --no-deps -- -D warnings
fi
RUSTDOCFLAGS="-D warnings" cargo doc --locked "${bridge[@]}" --no-deps
