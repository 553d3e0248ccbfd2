#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: holds zoobench on the GPU to the CPU, measures it beside PyTorch on the same card in
# the same run, and writes a record.
#
#   reports/gpu/measure.sh [FOLDER]         default: reports/gpu-<date>
#
# Environment:
#   ZOOBENCH  a binary with CUDA and cuDNN; without it, tests/cuda/build.sh makes one
#   PYTHON    a python3 with torch; without torch its rows are missing, and the record says so
#   DTYPES    arithmetics, default "f32 tf32 f16 bf16"
#   ENGINES   engines, default "candle device graph fast"
#
# Exit code: 0 measured, and the GPU agrees with the CPU; 1 it does not, or something failed; 2 no GPU.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if ! { command -v nvidia-smi && nvidia-smi -L; } >/dev/null 2>&1; then
    printf 'no GPU: nvidia-smi lists none on this machine, so that nothing can be measured here\n' >&2
    exit 2
fi
cd "$here/../.."
folder=${1:-reports/gpu-$(date +%F)}
python=${PYTHON:-python3}
if [[ -z ${ZOOBENCH:-} ]]; then
    tests/cuda/build.sh
    ZOOBENCH=${CARGO_TARGET_DIR:-target}/x86_64-unknown-linux-gnu/release/zoobench
fi
mkdir -p "$folder"
nvidia-smi -q | grep -v -i -e uuid -e serial >"$folder/machine.txt"
"$ZOOBENCH" doctor gpu | tee -a "$folder/machine.txt"

# said CODES COMMAND...: runs it and passes where its exit code is one of CODES.
said() {
    local codes=$1 code=0
    shift
    printf '+ %s\n' "$*"
    "$@" || code=$?
    [[ " $codes " == *" $code "* ]] || { printf 'exit code %d: %s\n' "$code" "$*" >&2; exit 1; }
}

# An accuracy run may miss its published row (1), a measurement may be INVALID (3): the record shows either.
said "0 1" "$ZOOBENCH" run --out "$folder/cpu"
for engine in ${ENGINES:-candle device graph fast}; do
    for dtype in ${DTYPES:-f32 tf32 f16 bf16}; do
        place=(--device cuda --engine "$engine" --dtype "$dtype")
        # cuDNN takes TF32 for float32 unless it is forbidden to, and must not be where it is asked for.
        override=(env -u NVIDIA_TF32_OVERRIDE)
        [[ $dtype == f32 ]] && override=(env NVIDIA_TF32_OVERRIDE=0)
        said "0 1" "${override[@]}" "$ZOOBENCH" run "${place[@]}" --out "$folder/cuda-$engine-$dtype"
        said "0 3" "${override[@]}" "$ZOOBENCH" latency "${place[@]}" --quick \
            --accuracy "$folder/cuda-$engine-$dtype" --json "$folder/latency-$engine-$dtype-shapes.json"
        said "0 3" "${override[@]}" "$ZOOBENCH" latency "${place[@]}" --quick --random-weights v1-L \
            --json "$folder/latency-$engine-$dtype-v1-L.json"
    done
done
if "$python" -c 'import torch' 2>/dev/null; then
    "$python" "$here/torch_forward.py" 1 8 | tee "$folder/torch.jsonl"
else
    printf 'no torch for %s: its rows are missing\n' "$python" | tee -a "$folder/machine.txt" >&2
fi
rm -f "$folder"/*/*/results.json "$folder"/*/results.json
"$python" "$here/record.py" "$folder"
