#!/usr/bin/env bash
# The documentation builds without a warning, the private part of it too, and every relative link
# of a Markdown file leads to a file.

set -eu
cd "$(dirname "$0")/.."

export RUSTDOCFLAGS="-D warnings"
# shellcheck source=ci/lib/features.sh
. ci/lib/features.sh
cargo doc --workspace --no-deps
cargo doc --workspace --no-deps --features "$(all_features)"
cargo doc --workspace --no-deps --features "$(all_features)" --document-private-items

broken=0
while IFS=: read -r file link; do
    target="${link#*](}"
    target="${target%%)*}"
    target="${target%%#*}"
    case "$target" in "" | *://* | mailto:*) continue ;; esac
    if [ ! -e "$(dirname "$file")/$target" ]; then
        echo "$file: no file at $target"
        broken=1
    fi
done < <(git ls-files '*.md' | xargs grep -HoE '\]\([^) ]+\)')
exit "$broken"
