#!/usr/bin/env bash
# Dependencies: where they come from, under which licences, and which are there twice. With
# cargo-deny if it is installed; else the same rules, read from deny.toml, by cargo's own means.
#
#   DENY_INSTALL=1 bash ci/deny.sh     installs cargo-deny first (some minutes)
#   DENY_ADVISORIES=1 bash ci/deny.sh  also checks advisories, which are fetched from GitHub

set -eu
cd "$(dirname "$0")/.."

export PATH="$PATH:$PWD/target/tools/bin"
if [ "${DENY_INSTALL:-0}" = 1 ] && ! cargo deny --version >/dev/null 2>&1; then
    cargo install cargo-deny --version '^0.20' --locked --root target/tools
fi

if [ "${DENY_ADVISORIES:-0}" = 1 ]; then
    cargo deny check
    exit
fi

if cargo deny --version >/dev/null 2>&1; then
    cargo deny check bans licenses sources
    echo "partly skipped: advisories, whose database is fetched from GitHub (DENY_ADVISORIES=1)"
    exit
fi

code=0

registry="$(sed -n 's/^allow-registry = \["\(.*\)"\]/\1/p' deny.toml)"
if grep '^source = ' Cargo.lock | grep -vF "\"registry+$registry\""; then
    echo "these sources are not $registry"
    code=1
fi

allowed="$(sed -n '/^allow = \[/,/^\]/s/^ *"\(.*\)",$/\1/p' deny.toml)"
[ -n "$allowed" ]
# An expression is accepted if each of its AND parts offers at least one accepted licence.
accepted() {
    local part licence found
    while read -r part; do
        found=no
        while read -r licence; do
            if grep -qxF "$licence" <<<"$allowed"; then found=yes; fi
        done < <(sed 's: OR :\n:g; s:/:\n:g' <<<"$part")
        [ "$found" = yes ] || return 1
    done < <(sed 's/[()]//g; s/ AND /\n/g' <<<"$1")
}
while IFS='|' read -r licences package; do
    [ -n "$package" ] || continue
    if ! accepted "$licences"; then
        echo "$package: licence ${licences:-not stated}"
        code=1
    fi
done < <(cargo tree --locked --workspace --all-features --target all --edges normal,build,dev \
    --prefix none --no-dedupe --format '{l}|{p}' | sort -u)

if grep -nE '^[A-Za-z0-9_-]+ = ("\*"|\{.*version = "\*")' Cargo.toml; then
    echo "these dependencies accept any version"
    code=1
fi

echo "packages of the library in more than one version:"
cargo tree --locked --duplicates --edges normal --package message-port --depth 0 | sed "s/^/    /"
echo "partly skipped: advisories, and whatever else only cargo-deny knows, which is not installed"
exit "$code"
