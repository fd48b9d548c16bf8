#!/usr/bin/env bash
# What does an observer cost the node that it watches?
#
# Usage     benches/observe.sh [PAIRS] [PASSES]     (defaults: 15 pairs, 2000 passes of the sample)
# Measures  the main job without and with `foundation observe` on a terminal at once a second, in
#           turn: lines a second, and the processor time that the job itself took.
# Prints    what the observer changes: the median over all pairs, and where it lies with 95 %. On a
#           machine that does other work the processor time is the figure to read.
set -euo pipefail
cd "$(dirname "$0")/.."
pairs=${1:-15} passes=${2:-2000}
program=${CARGO_TARGET_DIR:-target}/release/foundation
cargo build --quiet --release -p foundation-node
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
# A keyboard that nobody touches.
mkfifo "$folder/keys"
exec 3<>"$folder/keys"
TIMEFORMAT='%U %S'

# job NAME: one run; its lines a second and seconds of processor time go to a file of that name.
job() {
  local times rate
  times=$({ time timeout 300 "$program" run --json --repeat "$passes" --observe "$folder/s" \
    </dev/null >"$folder/out" 2>/dev/null; } 2>&1)
  rate=$(grep -o '"lines_per_second": *[0-9.]*' "$folder/out" | grep -o '[0-9.]*$')
  awk -v rate="$rate" '{ print rate, $1 + $2 }' <<<"$times" >>"$folder/$1"
}

watch() {
  until [ -S "$folder/s" ]; do sleep 0.01; done
  TERM=xterm exec script -qec "stty rows 40 cols 120; exec $program observe $folder/s" /dev/null \
    <&3 >/dev/null 2>&1
}

# Pairs of figures, alone and watched: by how much each pair differs, the median of that, and the range in
# which the median lies with 95 % (the order statistics of the sign test).
compare() {
  paste <(cut -d' ' -f"$1" "$folder/alone") <(cut -d' ' -f"$1" "$folder/watched") |
    awk '{ print ($2 / $1 - 1) * 100 }' | sort -g |
    awk -v what="$2" '{ all[NR] = $1 }
      END {
        low = int((NR + 1) / 2 - 0.98 * sqrt(NR)); if (low < 1) low = 1
        printf "%-18s %+.2f %% (%+.2f to %+.2f) in %d pairs\n", what, \
          all[int((NR + 1) / 2)], all[low], all[NR + 1 - low], NR
      }'
}

job warm
for pair in $(seq "$pairs"); do
  # Who comes first takes turns, too.
  for side in $([ $((pair % 2)) = 0 ] && echo alone watched || echo watched alone); do
    if [ "$side" = alone ]; then
      job alone
    else
      watch & watcher=$!
      job watched
      kill "$watcher" 2>/dev/null || true
      wait "$watcher" 2>/dev/null || true
    fi
  done
done
compare 1 "lines a second"
compare 2 "processor seconds"
