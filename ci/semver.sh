#!/usr/bin/env bash
# The public items of the library against those of the last release: what breaks a program that
# compiled with it needs a version that says so.
#
#   bash ci/semver.sh             compares with the newest tag `v1.2.3` in the history, or with the registry
#   bash ci/semver.sh --install   installs cargo-semver-checks first, which takes some minutes
#
# What is new or different at all is in the list of `ci/api.sh`.

set -eu
cd "$(dirname "$0")/.."
. ci/lib/features.sh

package=message-port

[ "${1:-}" != --install ] || cargo install cargo-semver-checks --locked
if ! cargo semver-checks --version >/dev/null 2>&1; then
    echo "skipped: cargo-semver-checks is not installed (bash ci/semver.sh --install)"
    exit 77
fi

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# The manifest of the last release, of which only the features matter.
released="$(git tag --list --merged HEAD --sort=-version:refname 2>/dev/null |
    grep -m 1 -xE 'v[0-9]+\.[0-9]+\.[0-9]+' || true)"
if [ -n "$released" ]; then
    baseline=(--baseline-rev "$released")
    git show "$released:Cargo.toml" >"$scratch/Cargo.toml"
elif cargo info --registry crates-io "$package" >"$scratch/info" 2>/dev/null; then
    released="$(sed -n 's/^version: \([^ ]*\).*/\1/p' "$scratch/info")"
    baseline=(--baseline-version "$released")
    {
        echo "[features]"
        sed -n '/^features:/,$s/^[ +]*\([a-z0-9_-]*\) *= .*/\1 = []/p' "$scratch/info"
        echo "[dependencies]"
    } >"$scratch/Cargo.toml"
else
    echo "skipped: there is no release to compare with: no tag v1.2.3 here, and none that the registry tells of"
    exit 77
fi

arguments=(--package "$package" "${baseline[@]}" --only-explicit-features)
for feature in $(features); do
    arguments+=(--current-features "$feature")
done
for feature in $(cd "$scratch" && features); do
    arguments+=(--baseline-features "$feature")
done
echo "compared with $released"
cargo semver-checks "${arguments[@]}"
