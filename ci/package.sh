#!/usr/bin/env bash
# The package has what a dependent needs and nothing else, and what is in it builds by itself.

set -eu
cd "$(dirname "$0")/.."

list="$(cargo package --package message-port --list --allow-dirty)"
code=0
for file in Cargo.toml README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE src/lib.rs \
    docs/protocol.md docs/images/rings.svg; do
    if ! grep -qxF "$file" <<<"$list"; then
        echo "missing from the package: $file"
        code=1
    fi
done
allowed='^(Cargo\.(toml|toml\.orig|lock)|\.cargo_vcs_info\.json|README\.md|CHANGELOG\.md|LICENSE-(MIT|APACHE)|(src|examples|benches)/.*\.(rs|md)|docs/.*\.(md|svg|csv))$'
if grep -vE "$allowed" <<<"$list"; then
    echo "these files do not belong into the package"
    code=1
fi
[ "$code" -eq 0 ] || exit "$code"

cargo package --package message-port --allow-dirty
