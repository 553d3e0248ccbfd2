#!/bin/sh
# One build with every damage in it, chosen by ZOOBENCH_DAMAGE; the first run is undamaged. DAMAGED is that build,
# GATE the program that judges (by default the same). `table.py` makes README's table of what this leaves.
DAMAGED=${DAMAGED:-target/debug/zoobench}
GATE=${GATE:-$DAMAGED}
mkdir -p runs
for d in none nms_without_shift unpad bf16_last_layer bn_epsilon synonym float_resize grey_0 bgr; do
  [ -e "runs/$d/run.json" ] || ZOOBENCH_DAMAGE=$d "$DAMAGED" run --limit 40 --out "runs/$d" >/dev/null 2>>log
  [ $d = none ] && "$GATE" baseline runs/none > baseline.toml && : > verdicts.txt
  "$GATE" gate "runs/$d" --baseline baseline.toml > $d.txt; echo "$d $? $(tail -1 $d.txt)" >> verdicts.txt
  "$GATE" gate "runs/$d" --baseline baseline.toml --json $d.json > /dev/null
done
