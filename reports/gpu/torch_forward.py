"""Milliseconds that PyTorch takes for `forward` of v1-L at 1,203 texts on this machine's GPU, as JSON lines.

python3 torch_forward.py [BATCH...]

Environment: TORCH_BACKENDS, what torch.compile chooses convolutions and products from (default: ATEN,TRITON; to try all of
Triton's for each layer takes many minutes).
"""
import json
import os
import statistics
import sys

import torch
from network import TEXTS, TEXT_WIDTH, Network

WARM_UP, CALLS = 20, 200


def timed(call):
    """Milliseconds of each call, by the GPU's events."""
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


def captured(call):
    """The same call as a CUDA graph."""
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


def main():
    if not torch.cuda.is_available():
        sys.exit("torch sees no GPU")
    torch.set_grad_enabled(False)
    torch.backends.cudnn.benchmark = True
    import torch._inductor.config as inductor
    backends = os.environ.get("TORCH_BACKENDS", "ATEN,TRITON")
    inductor.max_autotune_conv_backends = inductor.max_autotune_gemm_backends = backends
    for batch in [int(size) for size in sys.argv[1:]] or [1]:
        ways = {
            "eager f32": (torch.float32, False, lambda call: call),
            "eager f32 with TF32": (torch.float32, True, lambda call: call),
            "channels_last f16, CUDA graph": (torch.float16, True, captured),
            "channels_last bf16, CUDA graph": (torch.bfloat16, True, captured),
            f"torch.compile max-autotune of {backends}, f16": (torch.float16, True, None),
        }
        for name, (dtype, tf32, wrap) in ways.items():
            torch.manual_seed(0)
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
            network = Network().eval().cuda().to(dtype)
            image = torch.rand(batch, 3, 640, 640, device="cuda").to(dtype)
            texts = torch.rand(batch, TEXTS, TEXT_WIDTH, device="cuda").to(dtype)
            if dtype != torch.float32:
                network = network.to(memory_format=torch.channels_last)
                image = image.contiguous(memory_format=torch.channels_last)
            row = {"way": f"torch {torch.__version__}: {name}", "batch": batch}
            try:
                if wrap is None:
                    compiled = torch.compile(network, mode="max-autotune")
                    samples = timed(lambda: compiled(image, texts))
                else:
                    samples = timed(wrap(lambda: network(image, texts)))
                row |= {"p50_ms": statistics.median(samples), "samples_ms": samples}
            except Exception as error:  # a way that fails is a row that says so
                row["failed"] = f"{type(error).__name__}: {error}".splitlines()[0]
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
