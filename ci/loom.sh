#!/usr/bin/env bash
# Every model in every interleaving up to its bound. Beside the flags of `cargo loom`, the build has the
# mutants of ci/teeth.sh, asleep: one build serves both, and what fails there passes here.
#
#   bash ci/loom.sh                            two to five minutes
#   MESSAGE_PORT_LOOM_SLOW=1 bash ci/loom.sh   one more preemption and larger models: far longer
#   LOOM_MAX_PREEMPTIONS=4 bash ci/loom.sh     at least so many preemptions
#   bash ci/loom.sh --test close               some of them

set -eu
cd "$(dirname "$0")/.."

# They would replace the flags that select the engine; the models refuse to compile then.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS MESSAGE_PORT_MUTANT
# The threads of a model have too little stack for a backtrace.
export RUST_BACKTRACE=0
cargo test --config "build.rustflags = ['--cfg', 'message_port_loom', '--cfg', 'message_port_teeth']" \
    --config "env.MESSAGE_PORT_ENGINE = 'loom'" \
    --target-dir target/teeth --profile loom --package loom-tests "$@"
