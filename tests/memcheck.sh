#!/usr/bin/env bash
# Runs the tests that exercise the runtime on real threads under valgrind's memcheck.
#
# Usage     tests/memcheck.sh [NAME..]     NAME: only tests with it in their names.
# Needs     valgrind; a few minutes.
# Fails     on an invalid read or write, a jump on bytes nobody wrote, memory definitely lost, or a
#           failing test. What takes seconds as it is, is left out: see SKIP.
#
# One thread at a time, so that a complaint names its test; the tests' own schedulers have theirs.
set -euo pipefail
cd "$(dirname "$0")/.."

# The simulated runs, on one thread; floods, and cases whose subject is a bound in milliseconds,
# which is missed at a thirtieth of the speed.
readonly SKIP=(--skip simulated --skip flood --skip stuck --skip watchdog --skip b127
  --skip a_tree_that_does_not_stop_is_killed)
# A value whose drop panics loses what it held: that is the language. Nothing else may be wrong.
readonly LOSES=server_faults::

command -v valgrind >/dev/null || { echo "memcheck: there is no valgrind here" >&2; exit 2; }
programs=$({
  cargo test --no-run -p foundation-runtime --lib 2>&1
  cargo test --no-run --test programs --test conformance --test behaviours 2>&1
} | sed -n 's/.*Executable.*(\(.*\))$/\1/p')

memcheck() {
  valgrind --quiet --error-exitcode=9 --num-callers=30 "$@"
}
readonly LEAKS=(--leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite)

for program in $programs; do
  echo "== $program"
  memcheck "${LEAKS[@]}" "$program" --test-threads=1 "${SKIP[@]}" --skip "$LOSES" "$@"
  if [ $# = 0 ]; then
    memcheck --leak-check=no "$program" --test-threads=1 "${SKIP[@]}" "$LOSES"
  fi
done
echo "memcheck: nothing to complain about"
