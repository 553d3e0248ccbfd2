#!/usr/bin/env bash
# A binary with CUDA on a machine without driver: it starts, computes on the CPU, and says what it lacks.
#
#   tests/cuda/without_gpu.sh BINARY
#
# Exit code: 0 it does; 1 it does not; 2 SKIPPED, since this machine has a driver.
set -euo pipefail
binary=$(realpath "$1")
measure=$(realpath "$(dirname "$0")/../../reports/gpu/measure.sh")
if [[ -e /proc/driver/nvidia/version ]]; then
    printf 'SKIPPED: this machine has an NVIDIA driver\n' >&2
    exit 2
fi
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

# refused WORDS ARGUMENTS...: exit code 2, and one line on stderr that holds WORDS.
refused() {
    local words=$1 code=0
    shift
    "$binary" "$@" >out 2>err || code=$?
    printf 'exit code %d: zoobench %s\n  %s\n' "$code" "$*" "$(cat err)"
    [[ $code == 2 && $(wc -l <err) == 1 ]] && grep -qF -- "$words" err && ! grep -q panicked err || {
        printf 'expected exit code 2 and one line with: %s\n' "$words" >&2
        exit 1
    }
}

for dtype in f32 tf32 f16 bf16; do
    refused 'there is no NVIDIA driver' run --device cuda --dtype "$dtype"
done
refused 'there is no NVIDIA driver' latency --device cuda:1 --quick
for engine in candle fast device graph; do
    refused 'there is no NVIDIA driver' run --device cuda --engine "$engine" --dtype bf16
done
refused 'engine graph is not there on device cpu' run --engine graph
refused 'engine fast-exact is not there on device cuda:0' run --device cuda --engine fast --exact
refused 'dtype tf32 is not there by engine fast on device cpu' run --dtype tf32
[[ ! -e runs ]] || { printf 'a refused run left files\n' >&2; exit 1; }

code=0
"$measure" record 2>err || code=$?
printf 'exit code %d: reports/gpu/measure.sh\n  %s\n' "$code" "$(cat err)"
[[ $code == 2 && $(wc -l <err) == 1 && ! -e record ]] || { printf 'expected exit code 2 and one line\n' >&2; exit 1; }

code=0
"$binary" doctor gpu --json >doctor.json || code=$?
printf 'exit code %d: zoobench doctor gpu --json\n' "$code"
[[ $code == 2 ]] && grep -q '"cudnn": true' doctor.json && grep -q 'there is no NVIDIA driver' doctor.json || {
    cat doctor.json >&2
    exit 1
}
"$binary" doctor gpu || true
"$binary" run --limit 1 >out
printf 'exit code 0: zoobench run --limit 1\n'
