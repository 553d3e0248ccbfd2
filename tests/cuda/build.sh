#!/usr/bin/env bash
# Compiles zoobench with CUDA and cuDNN on a machine without GPU, driver or toolkit.
#
#   tests/cuda/build.sh [further arguments of cargo build]
#
# nvcc and headers come from wheels of PyPI, everything else from crates.io. The binary starts on every machine:
# it loads NVIDIA's libraries when a GPU is asked for.
#
# Environment:
#   ZOOBENCH_CUDA_TOOLKIT  folder that keeps the toolkit between runs (default: ~/.cache/zoobench-cuda-13.0, 280 MB)
#   CARGO_TARGET_DIR       as for cargo; a folder of its own keeps default builds from being built again
#   CUDA_COMPUTE_CAP       least compute capability that the kernels run on (default: 80; 90 is for Hopper alone)
#   PYTHON                 a python3 with pip
#
# Exit code: 0 built; 1 the build failed; 2 SKIPPED, since something that it starts from is not here.
set -euo pipefail
cd "$(dirname "$0")/../.."

# The driver translates PTX of its own version or older: 13.0 is read by every driver from 580 on.
wheels=(nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88
        nvidia-cuda-cccl==13.0.85 nvidia-cuda-runtime==13.0.96)
target=x86_64-unknown-linux-gnu
toolkit=${ZOOBENCH_CUDA_TOOLKIT:-$HOME/.cache/zoobench-cuda-13.0}
python=${PYTHON:-python3}

skip() { printf 'SKIPPED: the CUDA build was not tried: %s\n' "$*" >&2; exit 2; }

[[ $(uname -sm) == "Linux x86_64" ]] || skip "the toolkit's wheels are for Linux on x86_64"
command -v cargo >/dev/null || skip "no cargo"
for tool in gcc g++; do command -v "$tool" >/dev/null || skip "no $tool, which nvcc needs"; done
if [[ ! -e $toolkit/whole ]]; then
    "$python" -m pip --version >/dev/null 2>&1 || skip "no python3 with pip to fetch nvcc with (PYTHON names another)"
    printf '== toolkit: %s\n' "$toolkit"
    rm -rf "$toolkit/wheels" "$toolkit/home"
    mkdir -p "$toolkit"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$toolkit/wheels" "${wheels[@]}" ||
        skip "PyPI did not give ${wheels[*]}"

    # A home as build scripts expect it. candle-kernels links cudart: the static one under the shared one's name.
    home=$toolkit/home wheel=$toolkit/wheels/nvidia/cu13
    mkdir -p "$home/bin" "$home/lib"
    ln -s lib "$home/lib64"
    ln -s ../wheels/nvidia/cu13/include ../wheels/nvidia/cu13/nvvm "$home/"
    cp "$wheel/lib/libcudadevrt.a" "$home/lib/"
    cp "$wheel/lib/libcudart_static.a" "$home/lib/libcudart.a"
    # cudarc's build script names libraries that nothing refers to (see below): empty ones end the search for them.
    for library in cuda cublas cublasLt curand nvrtc cudnn; do
        gcc -shared -x c /dev/null -o "$home/lib/lib$library.so"
    done
    # The quantised and mixture-of-experts kernels take most of the time, and no network of ours has such layers.
    : >"$home/empty.cu"
    cat >"$home/bin/nvcc" <<'NVCC'
#!/usr/bin/env bash
home=$(dirname "$(dirname "$(readlink -f "$0")")")
arguments=()
for argument in "$@"; do
    case $argument in
        *src/moe/*.cu | *src/mmq_gguf/*.cu | *src/mmvq_gguf.cu) arguments+=("$home/empty.cu") ;;
        *) arguments+=("$argument") ;;
    esac
done
exec "$home/../wheels/nvidia/cu13/bin/nvcc" "${arguments[@]}"
NVCC
    chmod +x "$home/bin/nvcc"
    touch "$toolkit/whole"
fi
home=$(readlink -f "$toolkit/home")

# candle asks cudarc for its feature `dynamic-linking`; a binary linked so starts on no machine without a driver.
# cudarc takes the branches of `dynamic-loading` where that cfg is set, but its build script refuses both features
# at once: rustflags under an explicit --target reach the library and spare build scripts.
export CUDA_HOME=$home CUDA_PATH=$home NVCC=$home/bin/nvcc PATH=$home/bin:$PATH
export CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-80} CUDARC_CUDA_VERSION=13000
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS='--cfg feature="dynamic-loading"'
printf '== cargo build --features cuda,cudnn, compute capability %s\n' "$CUDA_COMPUTE_CAP"
cargo build --locked --release --target "$target" --features cuda,cudnn "$@" || exit 1

binary=${CARGO_TARGET_DIR:-target}/$target/release/zoobench
needed=$(LC_ALL=C readelf -d "$binary" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
if grep -E '^lib(cuda|cublas|curand|nvrtc|cudnn)' <<<"$needed"; then
    printf '%s is linked with a library of NVIDIA, and starts only where that is\n' "$binary" >&2
    exit 1
fi
"$binary" --version
printf 'built: %s\n' "$binary"
