# What the gates of the sanitizers share; they source it from the root of the tree.

skip() {
    echo "skipped: $1"
    exit 77
}

# Sets the environment and `host` for builds with a sanitizer: the name that rustc has for it, the
# name of its runtime library and of its target directory, further flags.
#
# The target is named although it is the host's: so the flags do not reach build scripts and
# procedural macros. Backtraces need line tables, and nothing reads the rest of the debug info.
sanitize() {
    local sanitizer="$1" runtime="$2"
    shift 2
    cargo +nightly --version >/dev/null 2>&1 || skip "there is no nightly toolchain"
    host="$(rustc +nightly -vV | sed -n 's/^host: //p')"
    local libraries
    libraries="$(rustc +nightly --print sysroot)/lib/rustlib/$host/lib"
    compgen -G "$libraries/librustc*rt.$runtime.*" >/dev/null ||
        skip "the nightly toolchain has no $sanitizer sanitizer for $host"

    export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/$runtime"
    unset CARGO_ENCODED_RUSTFLAGS
    export RUSTFLAGS="-Zsanitizer=$sanitizer $*"
    export CARGO_PROFILE_DEV_DEBUG=line-tables-only CARGO_PROFILE_TEST_DEBUG=line-tables-only
}

# The arguments `--test NAME` for these files, into the array `tests`.
select_tests() {
    local file name
    tests=()
    while read -r name; do
        tests+=(--test "$name")
    done < <(for file in "$@"; do basename "$file" .rs; done | sort -u)
}

# Runs tests of the models' scenarios with a mutant of src/sync/order.rs, and fails unless the output
# says `finding`: a sanitizer that finds nothing at all is none. Only the library gets the cfg, so
# that the dependencies are not built once more.
must_find() {
    local mutant="$1" tests="$2" finding="$3" output
    if output="$(MESSAGE_PORT_MUTANT="$mutant" cargo +nightly test --target "$host" \
        --package loom-tests --test "$tests" -Zprofile-rustflags \
        --config 'profile.dev.package.message-port.rustflags = ["--cfg", "message_port_teeth"]' \
        2>&1)" || ! grep -q "$finding" <<<"$output"; then
        printf '%s\n' "$output"
        echo "$mutant was not found: $finding"
        exit 1
    fi
    echo "$mutant is found: $finding"
}
