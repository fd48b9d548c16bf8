#!/usr/bin/env bash
# fuzz/run.sh [SECONDS] [TARGET...]: each decoder of foreign bytes, or those named, under libFuzzer, for so long.
#
# Needs     a stable Rust toolchain and a C++ compiler; the engine is the crate libfuzzer-sys.
# Keeps     what it found out in target/fuzz/corpus/TARGET, for the next run.
# Fails     with the file of the input that broke a promise: put it into fuzz/corpus/TARGET, where the
#           test `replay` of this crate tries it from then on.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly SECONDS_EACH=${1:-60}
shift || true
work=$(realpath -m "${CARGO_TARGET_DIR:-target}/fuzz")
host=$(rustc -vV | sed -n 's/^host: //p')
# What cargo-fuzz sets, without what needs a nightly compiler: counters of branches, and what is compared.
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions"

mkdir -p "$work/corpus"
RUSTFLAGS=$(tr -s '\n ' ' ' <<<"$coverage") CARGO_PROFILE_RELEASE_LTO=off cargo build --release --locked -p foundation-fuzz \
  --features libfuzzer --bin fuzz --target "$host" --target-dir "$work"
bin="$work/$host/release"
all=$(FOUNDATION_SEEDS_TO="$work/corpus" FOUNDATION_FUZZ=frame "$bin/fuzz" -runs=0 2>"$work/seeds.log")

for target in ${@:-$all}; do
  [ -d "fuzz/corpus/$target" ] && cp "fuzz/corpus/$target/"* "$work/corpus/$target/"
  echo "== $target"
  FOUNDATION_FUZZ=$target "$bin/fuzz" "$work/corpus/$target" -max_total_time="$SECONDS_EACH" \
    -artifact_prefix="$work/found-$target-" -max_len=8192 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
    2>"$work/$target.log" || { tail -n 40 "$work/$target.log"; exit 1; }
  grep -E 'stat::number_of_executed|cov:' "$work/$target.log" | tail -n 2
done
