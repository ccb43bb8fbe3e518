#!/usr/bin/env bash
# The tests about formats in each format that another crate of a program may have chosen for rkyv:
# its features hold for the whole program.

set -eu
cd "$(dirname "$0")/.."

# The wide one by the library's own feature.
for format in rkyv/pointer_width_16 pointer_width_64 rkyv/big_endian rkyv/unaligned; do
    echo "with $format"
    cargo test --quiet --package message-port --features "$format" \
        --test formats --test number_width
done
