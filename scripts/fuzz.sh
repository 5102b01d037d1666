#!/bin/bash
# Runs fuzz targets: fuzz.sh SECONDS [TARGET…], all of them without names.
#
# libFuzzer and the compiler's coverage instrumentation are all that is needed, and stable Rust has both; no cargo-fuzz, no
# nightly. What these add is the address sanitizer, and this code has no `unsafe` for it to watch. The flags are given with
# --target, so that build scripts, which bring no libFuzzer, go without them.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

seconds=${1:?usage: fuzz.sh SECONDS [TARGET…]}
shift
if [ $# -eq 0 ]; then
    for file in fuzz_targets/*.rs; do set -- "$@" "$(basename "$file" .rs)"; done
fi

host=$(rustc -vV | sed -n 's/^host: //p')
folder=${CARGO_TARGET_DIR:-target}
export CARGO_TARGET_DIR=$folder/fuzz
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
cargo build --release --target "$host" --bins

for target in "$@"; do
    echo "==> $target, $seconds s"
    mkdir -p "corpus/$target" "artifacts/$target"
    seeds=()
    if [ -d "seeds/$target" ]; then seeds=("seeds/$target"); fi
    "$CARGO_TARGET_DIR/$host/release/$target" "corpus/$target" "${seeds[@]}" \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="artifacts/$target/" \
        -print_final_stats=1 -verbosity=0 ${FUZZ_ARGS:-}
done
