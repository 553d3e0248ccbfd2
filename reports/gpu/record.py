"""Judges what `measure.sh` left in a folder and writes its README.md; exit code 1 where the GPU departs from the CPU.

python3 record.py FOLDER
"""
import json
import sys
from pathlib import Path

# Largest difference of AP (0..1) to the CPU by arithmetic: f32 differs by rounding alone.
TOLERANCE = {"f32": 0.0005, "tf32": 0.003, "f16": 0.003, "bf16": 0.01}


def average_precisions(run):
    """AP of boxes and masks of each variant of a run."""
    found = {}
    for path in sorted(run.glob("*/metrics.json")):
        metrics = json.loads(path.read_text())
        for kind in ("bbox", "segm"):
            found[path.parent.name, kind] = metrics["results"][kind]["AP"]
    return found


def parity(folder):
    """Rows of the parity table, and whether all are within tolerance."""
    rows, whole = [], True
    base = average_precisions(folder / "cpu")
    for run in sorted([*folder.glob("cuda-*"), *folder.glob("cpu-*")]):
        if not run.is_dir() or run.suffix == ".part":
            continue
        _, engine, dtype = run.name.split("-")
        found = average_precisions(run)
        if not base or found.keys() != base.keys():
            rows.append(f"| {engine} | {dtype} | - | not all variants were run |")
            whole = False
            continue
        worst = max(abs(found[key] - base[key]) for key in base)
        good = worst <= TOLERANCE[dtype]
        whole &= good
        rows.append(f"| {engine} | {dtype} | {100 * worst:.3f} | {'yes' if good else 'NO'} |")
    return rows, whole and bool(rows)


def outputs(folder):
    """Rows of the raw outputs' table, and whether all are within the bounds that they were held to."""
    rows, whole = [], True
    for path in sorted(folder.glob("outputs-*.json")):
        check = json.loads(path.read_text())
        whole &= check["within"]
        for variant in sorted({row["variant"] for row in check["rows"]}):
            mine = [row for row in check["rows"] if row["variant"] == variant]
            distances = " | ".join("no number" if row["distance"] is None else f"{row['distance']:.1e}" for row in mine)
            good = "yes" if all(row["within"] for row in mine) else "NO"
            rows.append(f"| {check['engine']} | {check['dtype']} | {variant} | {distances} | {check['bound']:g} | {good} |")
    return rows, whole and bool(rows)


def failures(folder):
    """What did not end as it should."""
    path = folder / "failures.txt"
    return ["Not done:", "", *(f"- {line}" for line in path.read_text().splitlines()), ""] if path.exists() else []


def speeds(folder):
    """Rows of the speed table."""
    rows = []
    for path in sorted(folder.glob("latency-*.json")):
        for row in json.loads(path.read_text())["measurements"]:
            rows.append([f"zoobench, {row['engine']}, {row['dtype']}: {row['variant']} {row['latency']}", row["batch"],
                         f"{row['p50_ms']:.3f}"])
    torch = folder / "torch.jsonl"
    for line in torch.read_text().splitlines() if torch.exists() else []:
        row = json.loads(line)
        time = f"{row['p50_ms']:.3f}" if "p50_ms" in row else f"failed: {row['failed']}"
        rows.append([f"{row['way']}: v1-L forward", row["batch"], time])
    return [f"| {name} | {batch} | {time} |" for name, batch, time in rows]


def main():
    folder = Path(sys.argv[1])
    (rows, good), (raw, close) = parity(folder), outputs(folder)
    text = ["# A GPU beside its CPU and beside PyTorch", "", "`reports/gpu/measure.sh`; `machine.txt` says where.", "",
            "Largest difference of any AP of the `shapes` zoo to the CPU's, in points:", "",
            "| engine | dtype | difference | within tolerance |", "|---|---|---|---|", *rows, "",
            "Raw outputs beside candle's on the CPU, two images: length of the difference by length of the values, the greatest "
            "of all levels (`zoobench doctor outputs`):", "",
            "| engine | dtype | network | logits | distances | coefficients | prototypes | bound | within |",
            "|---|---|---|---|---|---|---|---|---|", *raw, "",
            "| what | batch | p50, ms |", "|---|---|---|", *speeds(folder), "", *failures(folder)]
    (folder / "README.md").write_text("\n".join(text))
    print("\n".join(text))
    sys.exit(0 if good and close else 1)


if __name__ == "__main__":
    main()
