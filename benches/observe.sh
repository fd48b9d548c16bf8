#!/usr/bin/env bash
# What does an observer cost the node that it watches?
#
# Usage     benches/observe.sh [PAIRS] [PASSES]     (defaults: 15 pairs, 2000 passes of the sample)
# Measures  the main job without and with `foundation observe` on a terminal at once a second, in
#           turn: lines a second, and the processor time that the job itself took.
# Prints    the medians, and what the observer changes. On a machine that does other work the
#           processor time is the figure to read.
set -euo pipefail
cd "$(dirname "$0")/.."
pairs=${1:-15} passes=${2:-2000}
program=${CARGO_TARGET_DIR:-target}/release/foundation
[ -x "$program" ] || cargo build --release -p foundation-node
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# A keyboard that nobody touches.
mkfifo "$folder/keys"
exec 3<>"$folder/keys"
TIMEFORMAT='%U %S'

# job NAME: one run; its lines a second and seconds of processor time go to a file of that name.
job() {
  local times rate
  times=$({ time "$program" run --json --repeat "$passes" --observe "$folder/s" \
    </dev/null >"$folder/out" 2>/dev/null; } 2>&1)
  rate=$(grep -o '"lines_per_second": *[0-9.]*' "$folder/out" | grep -o '[0-9.]*$')
  awk -v rate="$rate" '{ print rate, $1 + $2 }' <<<"$times" >>"$folder/$1"
}

watch() {
  until [ -S "$folder/s" ]; do sleep 0.01; done
  TERM=xterm exec script -qec "stty rows 40 cols 120; exec $program observe $folder/s" /dev/null \
    <&3 >/dev/null 2>&1
}

median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

job warm
for _ in $(seq "$pairs"); do
  job alone
  watch & watcher=$!
  job watched
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
done
for column in 1 2; do
  alone=$(cut -d' ' -f"$column" "$folder/alone" | median)
  watched=$(cut -d' ' -f"$column" "$folder/watched" | median)
  what=$([ "$column" = 1 ] && echo "lines a second" || echo "processor seconds")
  awk -v what="$what" -v a="$alone" -v w="$watched" \
    'BEGIN { printf "%-18s alone %.4g, watched %.4g: %+.2f %%\n", what, a, w, (w / a - 1) * 100 }'
done
