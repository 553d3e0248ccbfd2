#!/bin/sh
# Every kernel on random shapes under AddressSanitizer, with all instruction sets that the machine has, and the portable
# path under Miri where that component is installed: sanitize.sh, anywhere in a checkout; needs a nightly toolchain.
set -eu
cd "$(git rev-parse --show-toplevel)"
target=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS='-Zsanitizer=address -Cdebuginfo=line-tables-only' CARGO_TARGET_DIR=${SANITIZER_TARGET:-target/sanitizer} \
    cargo +nightly test --no-default-features --target "$target" --test kernels
if cargo +nightly miri --version >/dev/null 2>&1; then
    # Miri emulates no vector units; a few cases of each property take minutes there.
    MIRIFLAGS='-Zmiri-disable-isolation' PROPTEST_CASES=4 CARGO_TARGET_DIR=${SANITIZER_TARGET:-target/sanitizer} \
        cargo +nightly miri test --no-default-features --test kernels
else
    echo 'Miri is not installed: skipped'
fi
