#!/bin/sh
# What CI waits for after the build: the run of `shapes` and the gate, timed. PROGRAM is a release build.
PROGRAM=${PROGRAM:-target/release/zoobench}
out=$(mktemp -d)
time "$PROGRAM" run --zoo shapes --out "$out/run" > /dev/null 2>&1
time "$PROGRAM" gate "$out/run" --baseline datasets/shapes-baseline.toml --json "$out/gate.json" --junit "$out/gate.xml" | tail -1
rm -r "$out"
