#!/bin/sh
# One build with every damage in it, chosen by ZOOBENCH_DAMAGE, judged by the baseline in the tree; the first five runs are
# undamaged, on other instructions. `table.py` makes README's table of what this leaves. To be started in an empty folder.
DAMAGED=${DAMAGED:-target/debug/zoobench}
BASELINE=${BASELINE:-datasets/shapes-baseline.toml}
mkdir -p runs
: > verdicts.txt
for d in none portable avx2 exact exact_avx2 nms_without_shift nms_of_all_classes unpad bf16_last_layer bn_epsilon synonym float_resize grey_0 bgr; do
  exact=; damage=$d
  case $d in exact*) exact=--exact; damage=${d#exact}; damage=${damage#_};; esac
  [ -e "runs/$d/run.json" ] || ZOOBENCH_DAMAGE=$damage "$DAMAGED" run $exact --out "runs/$d" >/dev/null 2>>log
  "$DAMAGED" gate "runs/$d" --baseline "$BASELINE" > $d.txt; echo "$d $? $(tail -1 $d.txt)" >> verdicts.txt
  "$DAMAGED" gate "runs/$d" --baseline "$BASELINE" --json $d.json > /dev/null
done
