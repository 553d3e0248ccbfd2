#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: holds zoobench on the GPU to the CPU, measures it beside PyTorch on the same card in
# the same run, and writes a record. The record is written anew after each step, so that a run that is cut off leaves what
# it finished; the same command goes on from there.
#
#   reports/gpu/measure.sh [FOLDER]         default: reports/gpu-<date>
#
# Environment:
#   ZOOBENCH  a binary with CUDA and cuDNN; without it, tests/cuda/build.sh makes one
#   PYTHON    a python3 with torch; without torch its rows are missing, and the record says so
#   DTYPES    arithmetics, default "f32 tf32 f16 bf16"
#   ENGINES   engines, default "fast graph device candle"
#   RANDOM_WEIGHTS  published architectures with random weights that are timed, default "v1-L"
#   LENGTH    of each latency: --quick (default), --standard or --record
#   LIMIT     seconds that a step may take, default 1800
#   WAY_LIMIT seconds that each way of PyTorch may take, compiling included, default 900
#   DEVICE    default cuda; cpu tries the script itself on a machine without a GPU: the numbers are then the CPU's, no
#             record of a GPU, and ZOOBENCH must be named
#
# Exit code: 0 measured, and the GPU agrees with the CPU; 1 it does not, or something failed or took too long; 2 no GPU.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
device=${DEVICE:-cuda}
if [[ $device != cpu ]] && ! { command -v nvidia-smi && nvidia-smi -L; } >/dev/null 2>&1; then
    printf 'no GPU: nvidia-smi lists none on this machine, so that nothing can be measured here\n' >&2
    exit 2
fi
cd "$here/../.."
folder=${1:-reports/gpu-$(date +%F)}
python=${PYTHON:-python3}
if [[ -z ${ZOOBENCH:-} ]]; then
    [[ $device != cpu ]] || { printf 'DEVICE=cpu needs ZOOBENCH\n' >&2; exit 1; }
    tests/cuda/build.sh
    ZOOBENCH=${CARGO_TARGET_DIR:-target}/x86_64-unknown-linux-gnu/release/zoobench
fi
mkdir -p "$folder"
if [[ $device == cpu ]]; then
    printf 'Tried on a CPU: no record of a GPU\n' >"$folder/machine.txt"
else
    nvidia-smi -q | grep -v -i -e uuid -e serial >"$folder/machine.txt"
    "$ZOOBENCH" doctor gpu | tee -a "$folder/machine.txt"
fi

failed=0
# step CODES RESULT COMMAND...: runs it unless RESULT is there already; an exit code that is none of CODES is a failure, after
# which the next step is tried all the same.
step() {
    local codes=$1 result=$2 code=0
    shift 2
    whole=
    if [[ -e $result ]]; then return; fi
    printf '+ %s\n' "$*"
    timeout "${LIMIT:-1800}" "$@" || code=$?
    if [[ " $codes " == *" $code "* ]]; then
        whole=yes
    else
        printf 'exit code %d: %s\n' "$code" "$*" | tee -a "$folder/failures.txt" >&2
        failed=1
    fi
    record
}

# What there is so far, judged at the end alone.
record() { "$python" "$here/record.py" "$folder" >/dev/null || true; }

# run FOLDER COMMAND...: an accuracy run, which has its name only once it is whole. It may miss its published row (1).
run() {
    local result=$1
    shift
    rm -rf "$result.part"
    step "0 1" "$result" "$@" --out "$result.part"
    if [[ -n $whole && ! -e $result ]]; then
        mv "$result.part" "$result"
        record
    fi
}

rm -f "$folder/failures.txt"
run "$folder/cpu" "$ZOOBENCH" run
for engine in ${ENGINES:-fast graph device candle}; do
    for dtype in ${DTYPES:-f32 tf32 f16 bf16}; do
        place=(--device "$device" --engine "$engine" --dtype "$dtype") name=$engine-$dtype
        # cuDNN takes TF32 for float32 unless it is forbidden to, and must not be where it is asked for.
        override=(env -u NVIDIA_TF32_OVERRIDE)
        [[ $dtype == f32 ]] && override=(env NVIDIA_TF32_OVERRIDE=0)
        # What departs (1) is in the file, and in the record.
        step "0 1" "$folder/outputs-$name-shapes.json" "${override[@]}" "$ZOOBENCH" doctor outputs "${place[@]}" \
            --json "$folder/outputs-$name-shapes.json"
        run "$folder/${device%%:*}-$name" "${override[@]}" "$ZOOBENCH" run "${place[@]}"
        # A measurement may be INVALID (3): the record shows it.
        step "0 3" "$folder/latency-$name-shapes.json" "${override[@]}" "$ZOOBENCH" latency "${place[@]}" "${LENGTH:---quick}" \
            --accuracy "$folder/${device%%:*}-$name" --json "$folder/latency-$name-shapes.json"
        for random in ${RANDOM_WEIGHTS:-v1-L}; do
            step "0 1" "$folder/outputs-$name-$random.json" "${override[@]}" "$ZOOBENCH" doctor outputs "${place[@]}" \
                --random-weights "$random" --json "$folder/outputs-$name-$random.json"
            step "0 3" "$folder/latency-$name-$random.json" "${override[@]}" "$ZOOBENCH" latency "${place[@]}" \
                "${LENGTH:---quick}" --random-weights "$random" --json "$folder/latency-$name-$random.json"
        done
    done
done
# Each way of PyTorch has a process and a limit of its own, and a row also where it fails.
"$python" "$here/torch_forward.py" --limit "${WAY_LIMIT:-900}" --device "$device" --out "$folder/torch.jsonl" 1 8 ||
    { printf 'no torch for %s: its rows are missing\n' "$python" | tee -a "$folder/machine.txt" >&2; }
rm -f "$folder"/*/*/results.json "$folder"/*/results.json
"$python" "$here/record.py" "$folder" || failed=1
exit "$failed"
