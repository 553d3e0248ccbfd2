#!/usr/bin/env bash
# Measures the shapes zoo, quick length, once an engine: accuracy run, then latency tied to it by the same program.
# Usage, on a quiet machine and from the repository's root: reports/latency-2026-11-24/measure.sh
# Leaves reports/latency-2026-11-24/<engine>/ with latency.json, every sample, and what was printed.
set -euo pipefail
here=$(dirname "$0")
cargo build --locked --release
program=target/release/zoobench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A build without a choice of engines has candle alone.
engines=(candle)
if "$program" latency --help | grep -q -- --engine; then
    engines=(candle fast)
fi

for engine in "${engines[@]}"; do
    flag=()
    [[ ${#engines[@]} -gt 1 ]] && flag=(--engine "$engine")
    mkdir -p "$here/$engine"
    "$program" run "${flag[@]}" --out "$work/$engine"
    # 3 is INVALID with its reasons, which are part of the record; anything else but 0 is a failure.
    code=0
    "$program" latency --quick "${flag[@]}" --accuracy "$work/$engine" --out "$here/$engine" \
        >"$here/$engine/latency.txt" || code=$?
    cat "$here/$engine/latency.txt"
    [[ $code -eq 0 || $code -eq 3 ]] || exit "$code"
done
