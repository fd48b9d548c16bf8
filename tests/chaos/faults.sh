#!/usr/bin/env bash
# Is every planted fault found by the chaos tests?
#
# Changes one place of the sources at a time, runs `cargo test --test chaos short`, which has to fail, and
# puts the source back. Wants a clean work tree, perl, and minutes. Arguments: the faults to plant;
# all without.
set -uo pipefail
cd "$(dirname "$0")/../.."
cargo="${CARGO:-cargo}"
found=0 missed=() stale=()

git diff --quiet || { echo "the work tree has changes"; exit 2; }

# plant NAME FILE PERL WHAT...
plant() {
  local name=$1 file=$2 perl=$3; shift 3
  [[ ${#wanted[@]} -eq 0 || " ${wanted[*]} " == *" $name "* ]] || return 0
  perl -0777 -pi -e "$perl" "$file"
  if git diff --quiet -- "$file"; then stale+=("$name"); echo "STALE   $name"; return; fi
  local output rc
  output=$($cargo test --quiet --test chaos short 2>&1); rc=$?
  git checkout --quiet -- "$file"
  if grep -q "could not compile" <<<"$output"; then
    stale+=("$name"); echo "STALE   $name does not compile"
  elif [[ $rc -eq 0 ]]; then
    missed+=("$name"); echo "MISSED  $name: $*"
  else
    found=$((found + 1)); echo "found   $name: $*"
    grep -m1 -oE "seed [0-9]+, event [0-9]+: .{0,110}|seed [0-9]+: .{0,110}" <<<"$output" | sed 's/^/          /'
  fi
}
wanted=("$@")

bury=runtime/src/process/bury.rs links=runtime/src/process/links.rs
plant link-untold $bury 's/if link\.active \{/if link.active && other.slot() % 7 != 3 {/' \
  "some linked processes are not told of a death"
plant parent-untold $bury 's/if let Some\(parent\) = parent \{/if let Some(parent) = parent.filter(|_| me.slot() % 7 != 3) {/' \
  "some supervisors are not told of a death"
plant watcher-untold $bury 's/for \(\(watcher, id\), _\) in extra\.watchers\.drain\(\.\.\) \{/for ((watcher, id), _) in extra.watchers.drain(..).skip(1) {/' \
  "the first watcher is not told"
plant name-kept $bury 's/held::release_all\(running, before\);/if me.slot() % 7 != 3 { held::release_all(running, before); }/' \
  "some names outlive their processes"
plant letter-lost $bury 's/Kind::Message \| Kind::Encoded => \{/Kind::Message if pid.slot() % 7 == 3 => drop(envelope),\n        Kind::Message | Kind::Encoded => {/' \
  "some unread messages of the dead vanish"
plant call-lost $bury 's/Kind::Call => envelope/Kind::Call if pid.slot() % 7 == 3 => std::mem::forget(envelope),\n        Kind::Call => envelope/' \
  "some unread calls of the dead are not answered"
plant open-call-lost $bury 's/for \(_, caller\) in extra\.open_calls\.drain\(\.\.\) \{/for (_, caller) in extra.open_calls.drain(..).skip(1) {/' \
  "a call that was kept is not answered by the death"
plant not-counted-out $bury 's/ table\.leave\(\);/ if slot % 61 != 3 { table.leave(); }/' \
  "some deaths are not counted"
plant unacked-links $links 's/if link\.unacked == 0 \{\n            link\.active = true;/if link.unacked < u32::MAX {\n            link.active = true;/' \
  "a link that crosses an unlink counts: only seen when signals cross"
plant demonitor-silent $links 's/core\(\)\.send_signal\(target, signal\);\n    \}\n    true/core().send_signal(target, signal);\n        running.extra(|extra| extra.watches.insert(monitor.id, watch));\n    }\n    true/' \
  "a monitor that was taken back is still there"
plant trap-ignored runtime/src/process/fetch.rs 's/if traps \{\n        return links/if traps && kind == ExitKind::Sent {\n        return links/' \
  "exits over links cannot be trapped"
plant resume-forgets runtime/src/process/suspend.rs 's/extra\.suspenders\.is_empty\(\)/extra.suspenders.is_empty() \&\& by.slot() % 2 == 0/' \
  "some resumes are forgotten"
plant cancel-lies runtime/src/process/me.rs 's/match core\.timers\(\)\.cancel\(key\) \{/match core.timers().deadline(key) {/' \
  "a timer that was cancelled fires"
plant pair-reordered runtime/src/world/flight.rs 's/push_back\(sent\)/push_front(sent)/' \
  "what one process sends another is out of order: a monitor and its end"
plant intensity-off actors/src/supervisor/intensity.rs 's/self\.restarts\.len\(\) <= self\.limit as usize \{\n            return Verdict::Restart/self.restarts.len() <= self.limit as usize + 1 {\n            return Verdict::Restart/' \
  "one restart too many"
plant rest-restarts-all actors/src/supervisor/machine/restarting.rs 's/Strategy::RestForOne => at,/Strategy::RestForOne => 0,/' \
  "rest_for_one restarts all"
plant transient-always actors/src/supervisor/machine/spec.rs 's/Self::Transient => !reason\.is_orderly\(\)/Self::Transient => true/' \
  "a transient child is restarted whatever it ended by"
plant dynamic-forgets actors/src/supervisor/machine/dynamic.rs 's/let start = self\.kin\.remove\(at\);\n                self\.kin\.insert\(pid, start\);/let start = Some(self.kin.start(at));\n                self.kin.insert(pid, start);/' \
  "a dynamic supervisor keeps the dead beside the restarted"

admit=runtime/src/mailbox/admit.rs gate=runtime/src/mailbox/gate.rs limit=runtime/src/mailbox/limit.rs
plant place-kept $admit 's/if let Some\(limit\) = running\.limit\(\) \{\n        limit\.release/if let Some(limit) = running.limit().filter(|_| running.slot() % 3 != 1) {\n        limit.release/' \
  "some messages that were taken keep their place in a bounded mailbox"
plant newest-dropped $gate 's/self\.held\.pop_front\(\)/self.held.pop_back()/' \
  "a mailbox drops its newest message, not the oldest"
plant one-more-place $gate 's/if self\.taken < self\.capacity \{\n            self\.taken \+= 1;\n            return Verdict/if self.taken <= self.capacity {\n            self.taken += 1;\n            return Verdict/' \
  "a bounded mailbox takes one message too many"
plant held-lost $bury 's/refuse_held\(running, &reason, &limit\);/drop(limit.close());/' \
  "what a bounded mailbox held vanishes with its process"
plant waiter-not-woken $limit 's/(pub\(crate\) fn release.*?)woken\.into_iter\(\)\.for_each\(Waker::wake\);/$1drop(woken);/s' \
  "who waits for a place is not told that there is one"
restarting=actors/src/supervisor/machine/restarting.rs
plant retry-uncounted $restarting 's/if self\.window\.admit\(now\)/if pid.is_some() \&\& self.window.admit(now)/' \
  "restarts that failed are tried again for ever"
plant retry-forgotten $restarting 's/effects\.push\(Effect::TryAgainLater \{ child \}\);/let _: Child<P> = child;/' \
  "a restart that failed is not tried again"

port=runtime/src/port/mod.rs
plant loss-untold $port 's/for pid in peers\.into_iter\(\)\.flatten\(\) \{/for pid in peers.into_iter().flatten().filter(|pid| pid.slot() % 7 != 3) {/' \
  "some processes do not learn that a node is lost"
plant loss-of-links $links 's/for pid in linked \{/for pid in linked.into_iter().skip(1) {/' \
  "a link outlives the connection"
plant loss-of-monitors $links 's/for id in watched \{/for id in watched.into_iter().skip(1) {/' \
  "a monitor outlives the connection"
plant loss-of-watchers $links 's/\.retain\(\|\(watcher, _\), _\| watcher\.node\(\) != node\)/.retain(|_, _| true)/' \
  "watchers on a lost node are still there"
plant loss-of-calls $links 's/for id in called \{/for id in called.into_iter().skip(1) {/' \
  "a call outlives the connection"
plant loss-forgotten $port 's/if self\.living\(pid\)\.is_some\(\) \{\n            self\.remember_peer\(node, pid\);\n        \}/let _ = node;/' \
  "who was asked from another node does not learn of its loss"

echo "$found found, ${#missed[@]} missed, ${#stale[@]} stale"
[[ ${#missed[@]} -eq 0 && ${#stale[@]} -eq 0 ]]
