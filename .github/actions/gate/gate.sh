#!/usr/bin/env bash
# Evaluates ZOO and holds it against BASELINE; ends with the gate's exit code.
set -euo pipefail

root=$(cd "$(dirname "$0")/../../.." && pwd)
program=${PROGRAM:-${CARGO_TARGET_DIR:-$root/target}/release/zoobench}
mapfile -t more < <(printf '%s' "${ARGS:-}" | grep -v '^$' || true)

mkdir -p "$OUT"
# 1 says that a row differs from its published value, which is not this gate's question.
code=0
"$program" run --zoo "$ZOO" --out "$OUT/run" "${more[@]}" || code=$?
if [ "$code" -gt 1 ]; then exit "$code"; fi

code=0
"$program" gate "$OUT/run" --baseline "$BASELINE" --json "$OUT/gate.json" --junit "$OUT/gate.xml" || code=$?
case $code in
  0) verdict=PASS ;;
  1) verdict=FAIL ;;
  3) verdict=INVALID ;;
  *) verdict= ;;
esac
echo "verdict=$verdict" >> "${GITHUB_OUTPUT:-/dev/null}"
exit "$code"
