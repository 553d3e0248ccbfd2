"""Milliseconds that PyTorch takes for `forward` of v1-L at 1,203 texts on this machine's GPU, as JSON lines.

python3 torch_forward.py [--limit SECONDS] [--out FILE] [--device cuda|cpu] [BATCH...]

Each way at each batch size runs in a process of its own, which is ended after --limit seconds (default 900), whatever it is at:
a way that fails or takes too long has a row that says so. Rows that FILE has already are not measured again. --device cpu
measures the ways that need no GPU, in few calls: to try this program. Exit code: 0; 2 without torch.

Environment: TORCH_BACKENDS, what torch.compile chooses convolutions and products from (default: ATEN,TRITON; to try all of
Triton's for each layer takes many minutes).
"""
import argparse
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

BACKENDS = os.environ.get("TORCH_BACKENDS", "ATEN,TRITON")
# name: type, whether TF32 is allowed, how the call is made, whether a CPU has it
WAYS = {
    "eager f32": ("float32", False, "eager", True),
    "eager f32 with TF32": ("float32", True, "eager", False),
    "channels_last f16, CUDA graph": ("float16", True, "graph", False),
    "channels_last bf16, CUDA graph": ("bfloat16", True, "graph", False),
    f"torch.compile max-autotune of {BACKENDS}, f16": ("float16", True, "compile", False),
}
WARM_UP, CALLS = 20, 200


def timed(call):
    """Milliseconds of each call, by the GPU's events."""
    import torch
    for _ in range(WARM_UP):
        call()
    samples = []
    for _ in range(CALLS):
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        before.record()
        call()
        after.record()
        after.synchronize()
        samples.append(before.elapsed_time(after))
    return samples


def timed_on_cpu(call):
    """Milliseconds of two calls."""
    samples = []
    for _ in range(2):
        start = time.perf_counter()
        call()
        samples.append(1e3 * (time.perf_counter() - start))
    return samples


def captured(call):
    """The same call as a CUDA graph."""
    import torch
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def measure(name, batch, device):
    """Milliseconds of a way's calls."""
    import torch
    from network import TEXTS, TEXT_WIDTH, Network
    if device != "cpu" and not torch.cuda.is_available():
        raise RuntimeError("torch sees no GPU")
    dtype, tf32, way, _ = WAYS[name]
    dtype = getattr(torch, dtype)
    torch.set_grad_enabled(False)
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    network = Network().eval().to(device).to(dtype)
    image = torch.rand(batch, 3, 640, 640, device=device).to(dtype)
    texts = torch.rand(batch, TEXTS, TEXT_WIDTH, device=device).to(dtype)
    if dtype != torch.float32:
        network = network.to(memory_format=torch.channels_last)
        image = image.contiguous(memory_format=torch.channels_last)
    if way == "compile":
        import torch._inductor.config as inductor
        inductor.max_autotune_conv_backends = inductor.max_autotune_gemm_backends = BACKENDS
        network = torch.compile(network, mode="max-autotune")
    call = lambda: network(image, texts)
    if way == "graph":
        call = captured(call)
    return timed_on_cpu(call) if device == "cpu" else timed(call)


def one(name, batch, device):
    """A row, of this process."""
    import torch
    row = {"way": f"torch {torch.__version__}: {name}", "name": name, "batch": batch, "device": device}
    try:
        samples = measure(name, batch, device)
        row |= {"p50_ms": statistics.median(samples), "samples_ms": samples}
    except Exception as error:  # a way that fails is a row that says so
        row["failed"] = f"{type(error).__name__}: {error}".splitlines()[0]
    print("ROW " + json.dumps(row), flush=True)


def limited(name, batch, device, limit):
    """A row, of a process that is ended with all that it started when its time is up."""
    command = [sys.executable, __file__, "--device", device, "--one", name, str(batch)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    row = {"way": f"torch: {name}", "name": name, "batch": batch, "device": device}
    try:
        output, _ = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return row | {"failed": f"not done after {limit} s"}
    rows = [line[4:] for line in output.splitlines() if line.startswith("ROW ")]
    return json.loads(rows[-1]) if rows else row | {"failed": f"exit code {child.returncode}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=900)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("batches", nargs="*", type=int, default=[1])
    args = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        print("there is no torch here", file=sys.stderr)
        sys.exit(2)
    if args.one:
        return one(args.one, args.batches[0], args.device)
    stored = args.out.read_text().splitlines() if args.out and args.out.exists() else []
    done = {(row["name"], row["batch"]) for row in map(json.loads, stored)}
    for batch in args.batches:
        for name in [name for name, way in WAYS.items() if args.device != "cpu" or way[3]]:
            if (name, batch) in done:
                continue
            line = json.dumps(limited(name, batch, args.device, args.limit))
            print(line, flush=True)
            if args.out:
                with args.out.open("a") as out:
                    out.write(line + "\n")


if __name__ == "__main__":
    main()
