#!/bin/sh
# Prints a Markdown table of instructions per operation, counted by callgrind on the worker's thread.
#
# Usage: counts.sh [OPERATION..]      CARGO_TARGET_DIR and FEW/MANY are honoured.
set -eu
cd "$(dirname "$0")/.."

# Fewer than 5000 and the main thread's start would be busier than the worker.
FEW=${FEW:-5000}
MANY=${MANY:-15000}
unset RUST_BACKTRACE RUST_LIB_BACKTRACE

cargo build --quiet --release -p foundation-benches --bin counts
program=${CARGO_TARGET_DIR:-target}/release/counts
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Instructions of the busiest thread, which is the worker: the others wait or tick with the clock.
instructions() {
    rm -f "$scratch"/out*
    valgrind --tool=callgrind --separate-threads=yes --callgrind-out-file="$scratch/out" \
        "$program" "$1" "$2" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }
    sed -n 's/^totals: //p' "$scratch"/out* | sort -n | tail -1
}

echo "| operation | instructions | what one is |"
echo "|---|---:|---|"
"$program" --list >"$scratch/list"
while IFS="$(printf '\t')" read -r name what; do
    case " ${*:-$name} " in *" $name "*) ;; *) continue ;; esac
    few=$(instructions "$name" "$FEW")
    many=$(instructions "$name" "$MANY")
    each=$(((many - few) / (MANY - FEW)))
    eval "each_$name=$each"
    echo "| $name | $each | $what |"
done <"$scratch/list"

# Parts that only a difference shows: less LABEL WHOLE PART..
less() {
    label=$1 whole=$2 rest="" each=""
    shift 2
    eval "each=\${each_$whole:-}"
    for part in "$@"; do
        eval "part_of=\${each_$part:-}"
        [ -n "$each" ] && [ -n "$part_of" ] || return 0
        each=$((each - part_of))
        rest="$rest less \`$part\`"
    done
    echo "| $label | $each | \`$whole\`$rest |"
}
less "exit" ending spawn hop
less "receive a cast" cast send
less "wake and turn" hop cast
less "skip one" selective receive
less "link and trapped exit" linked_life life
