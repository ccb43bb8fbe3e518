#!/usr/bin/env bash
# The tests about formats in each format that another crate of a program may have chosen for rkyv:
# its features hold for the whole program.

set -eu
cd "$(dirname "$0")/.."

for format in pointer_width_16 pointer_width_64 big_endian unaligned; do
    echo "with rkyv's $format"
    cargo test --quiet --package message-port --features "rkyv/$format" \
        --test formats --test number_width
done
