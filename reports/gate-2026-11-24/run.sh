#!/bin/sh
# One build with every damage in it, chosen by ZOOBENCH_DAMAGE; the first run is undamaged.
Z=target/debug/zoobench
for d in none nms_without_shift unpad bf16_last_layer bn_epsilon synonym float_resize grey_0 bgr; do
  ZOOBENCH_DAMAGE=$d $Z run --limit 40 --out runs/$d >/dev/null 2>>log
  [ $d = none ] && $Z baseline runs/none > baseline.toml
  $Z gate runs/$d --baseline baseline.toml --json $d.json > $d.txt; echo "$d $? $(tail -1 $d.txt)" >> verdicts
done
