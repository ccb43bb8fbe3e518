#!/usr/bin/env bash
# The minimum Rust version is the same wherever it is stated, no dependency of the library needs a
# later one, and the library builds with it where that toolchain is installed.

set -eu
shopt -s nullglob
cd "$(dirname "$0")/.."

stated="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"
if [ -z "$stated" ]; then
    echo "Cargo.toml states no rust-version"
    exit 1
fi
echo "minimum Rust version: $stated"
for file in README.md CONTRIBUTING.md; do
    if ! grep -qF "Rust $stated" "$file"; then
        echo "$file does not say \"Rust $stated\""
        exit 1
    fi
done

cargo fetch --quiet --locked
late=0
while read -r name version _; do
    for manifest in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$name-${version#v}"/Cargo.toml; do
        needed="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$manifest" | head -n 1)"
        highest="$(printf '%s\n' "${needed:-0}" "$stated" | sort -V | tail -n 1)"
        if [ "$highest" != "$stated" ] && [ "$needed" != "$stated.0" ]; then
            echo "$name $version needs Rust $needed"
            late=1
        fi
    done
done < <(cargo tree --locked --edges normal,build --prefix none --format '{p}' | sort -u)
[ "$late" -eq 0 ] || exit 1

if ! rustup toolchain list 2>/dev/null | grep -q "^$stated[.-]"; then
    echo "skipped: the build with Rust $stated, whose toolchain is not installed (the rest agrees)"
    exit 77
fi
toolchain="$(rustup toolchain list | grep -m 1 "^$stated[.-]" | cut -d ' ' -f 1)"
CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/msrv" cargo "+$toolchain" check --lib --locked
