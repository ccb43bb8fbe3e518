#!/usr/bin/env bash
# The public items of the library, with all features, against ci/lib/public-api.txt: a name or a signature
# that changes is seen in a diff.
#
#   bash ci/api.sh             fails where they differ
#   bash ci/api.sh --update    writes the file anew
#   bash ci/api.sh --install   installs cargo-public-api first, which takes some minutes
#
# `ci/semver.sh` compares with the last release.

set -eu
cd "$(dirname "$0")/.."
. ci/lib/features.sh

[ "${1:-}" != --install ] || cargo install cargo-public-api --locked
if ! cargo public-api --version >/dev/null 2>&1; then
    echo "skipped: cargo-public-api is not installed (bash ci/api.sh --install)"
    exit 77
fi
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "skipped: there is no nightly toolchain, which lists the items"
    exit 77
fi
items="$(mktemp)"
trap 'rm -f "$items"' EXIT
# Without what the compiler derives and implements for every type.
cargo +nightly public-api -sss --package message-port --features "$(features | paste -sd,)" >"$items"
# An empty list would be no list.
grep -q '::post_message(' "$items"
if [ "${1:-}" = --update ]; then
    cp "$items" ci/lib/public-api.txt
    exit
fi
diff ci/lib/public-api.txt "$items"
echo "$(wc -l <"$items") public items, as they are written down"
