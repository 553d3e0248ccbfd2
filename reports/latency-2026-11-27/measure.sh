#!/usr/bin/env bash
# Measures the shapes zoo, quick length, once an engine: accuracy run, then latency tied to it by the same program.
# Usage, on a machine that does nothing else: reports/latency-2026-11-27/measure.sh [ENGINE...]
# Leaves <engine>/ beside this script: latency.json, every sample, latency.md, plots, what was printed, and how long it
# took. Exit code 0 if every measurement is VALID, 3 if one is INVALID; 1 if one took longer than its five minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
cargo build --locked --release
program=target/release/zoobench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
engines=("$@")
[[ $# -gt 0 ]] || engines=(fast candle)

worst=0
for engine in "${engines[@]}"; do
    out=$here/$engine
    rm -rf "$out"
    mkdir -p "$out"
    "$program" run --engine "$engine" --out "$work/$engine" >"$work/$engine.txt"
    began=$SECONDS
    # 3 is INVALID with its reasons, which are part of the record; anything else but 0 is a failure.
    code=0
    "$program" latency --quick --engine "$engine" --accuracy "$work/$engine" --out "$out" >"$out/latency.txt" || code=$?
    took=$((SECONDS - began))
    {
        echo "engine $engine: exit code $code, $took s"
        uname -srm
        grep -m1 'model name' /proc/cpuinfo
        echo "$(nproc) CPUs, load average $(cut -d' ' -f1-3 /proc/loadavg) at the end"
    } >"$out/conditions.txt"
    cat "$out/latency.txt" "$out/conditions.txt"
    [[ $code -eq 0 || $code -eq 3 ]] || exit "$code"
    [[ $code -eq 0 ]] || worst=3
    if [[ $took -gt 300 ]]; then
        echo "longer than five minutes" >&2
        exit 1
    fi
done
exit "$worst"
