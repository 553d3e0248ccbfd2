#!/usr/bin/env bash
# Every kernel on random shapes under AddressSanitizer, with all instruction sets that the machine has; the fast engine
# built of them, on the small recorded networks, too; and the portable path, threads included, under Miri.
#
#   tests/kernels/sanitize.sh [asan] [miri]      default: both
#
# Needs rustup with a nightly toolchain, for Miri with its components `miri` and `rust-src`.
#
# Environment:
#   CARGO_TARGET_DIR  folder to build in (default: target/sanitize; the flags are not those of other builds)
#
# Exit code: 0 nothing found; 1 something found, or the build failed; 2 SKIPPED, since a tool is not here.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target/sanitize}

skip() { printf 'SKIPPED: %s\n' "$*" >&2; exit 2; }

asan() {
    local target
    target=$(rustc -vV | sed -n 's/^host: //p')
    # A target named keeps the flags from build scripts and macros.
    export RUSTFLAGS='-Zsanitizer=address -Cdebuginfo=line-tables-only'
    cargo +nightly test --locked --no-default-features --target "$target" \
        --test kernels --test mask --test evaluation
    cargo +nightly test --locked --no-default-features --features model --target "$target" --lib --test detection
    cargo +nightly test --locked --no-default-features --features model --target "$target" --test network -- \
        --skip v1_m --skip v1_l --skip v2_m --skip v2_l
}

# Miri runs no vector instructions: kernels take the portable path there, on few and small shapes. rayon breaks the stricter
# of Miri's two models of aliasing and never ends its threads; neither is what is looked for here. Nor is the random error that
# Miri adds to `exp`: tests expect the same bits of the same values.
miri() {
    cargo +nightly miri --version >/dev/null 2>&1 || skip 'no Miri: rustup component add --toolchain nightly miri rust-src'
    MIRIFLAGS='-Zmiri-disable-isolation -Zmiri-num-cpus=2 -Zmiri-tree-borrows -Zmiri-ignore-leaks -Zmiri-permissive-provenance -Zmiri-deterministic-floats' \
        cargo +nightly miri test --locked --no-default-features --test kernels
}

command -v rustup >/dev/null && rustc +nightly --version >/dev/null 2>&1 ||
    skip 'no nightly toolchain: rustup toolchain install nightly'
[[ $# -gt 0 ]] || set -- asan miri
for part in "$@"; do
    [[ $part == asan || $part == miri ]] || { printf 'no such part: %s (asan, miri)\n' "$part" >&2; exit 1; }
done
for part in "$@"; do ("$part"); done
