#!/usr/bin/env bash
# Evaluates ZOO and holds it against BASELINE; ends with the gate's exit code.
set -euo pipefail

root=$(cd "$(dirname "$0")/../../.." && pwd)
program=${PROGRAM:-${CARGO_TARGET_DIR:-$root/target}/release/zoobench}
mapfile -t more < <(printf '%s' "${ARGS:-}" | grep -v '^$' || true)

mkdir -p "$OUT"
# 1 says that a row differs from its published value, which is not this gate's question. 3 says that latencies were asked for
# and are INVALID: accuracy is judged all the same, but there is no PASS.
run=0
"$program" run --zoo "$ZOO" --out "$OUT/run" "${more[@]}" || run=$?
case $run in
  0 | 1 | 3) ;;
  *) exit "$run" ;;
esac

code=0
"$program" gate "$OUT/run" --baseline "$BASELINE" --json "$OUT/gate.json" --junit "$OUT/gate.xml" || code=$?
case $code in
  0) verdict=PASS ;;
  1) verdict=FAIL ;;
  3) verdict=INVALID ;;
  *) verdict= ;;
esac
if [ "$run" = 3 ] && [ "$verdict" = PASS ]; then
  echo "accuracy passes, but the latencies of the run are INVALID: $OUT/run/latency.md says why" >&2
  verdict=INVALID code=3
fi
echo "verdict=$verdict" >> "${GITHUB_OUTPUT:-/dev/null}"
exit "$code"
