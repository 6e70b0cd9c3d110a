# One function for each thing that may go wrong. Each checks that it went wrong: a fault that did not
# happen proves nothing.

slurm_begin() { # MODE
  STORE=$WORK/store.$1
  batch slurm --store "$STORE" --lease "$LEASE" --workers $((NODES * SLOTS)) --gradebook "$WORK/$1.db" \
    --slurm-memory 500M >"$WORK/$1.log" 2>&1 &
  BATCH=$!
}
slurm_end() { wait "$BATCH" || fail "$1: the batch ended with $?: $(tail -n 3 "$WORK/$1.log")"; }
# Let a quarter be done, so that the fault falls into the middle.
some_done() { until_true 120 enough "$STORE" $((STUDENTS / 4)) || fail "nothing is graded"; }
not_yet_done() { [ "$(finished "$STORE")" -lt "$STUDENTS" ] || fail "vacuous: all was done before the fault"; }
taken_over() { grep -qs 'taken over' "$STORE"/log/* || fail "vacuous: nothing was taken over"; }

mode_plain() {
  slurm_begin plain
  slurm_end plain
}

# A node loses its power: daemon, steps, workers, all at once.
mode_node() {
  slurm_begin node
  some_done
  until_true 60 works_on 2 || fail "vacuous: no worker ran on node 2"
  local pids
  pids=$(node_pids 2)
  # shellcheck disable=SC2086
  kill -9 $pids 2>/dev/null || true
  not_yet_done
  slurm_end node
  taken_over
  node_back 2
}

# A node hangs, and comes back when everything has been done by others.
mode_frozen() {
  slurm_begin frozen
  some_done
  until_true 60 works_on 2 || fail "vacuous: no worker ran on node 2"
  local pids
  pids=$(node_pids 2)
  # shellcheck disable=SC2086
  kill -STOP $pids 2>/dev/null || true
  not_yet_done
  slurm_end frozen
  taken_over
  # shellcheck disable=SC2086
  kill -CONT $pids 2>/dev/null || true
  node_back 2
}

# The controller dies and comes back; nobody needs it for what runs.
mode_controller() {
  slurm_begin controller
  some_done
  kill -9 "$(cat "$S/slurmctld.pid")"
  not_yet_done
  until_true 60 enough "$STORE" $((STUDENTS / 2)) || fail "the work stopped with the controller"
  slurmctld -f "$SLURM_CONF"
  slurm_end controller
  until_true 90 nodes_idle || fail "the nodes did not become idle"
}

nobody_left() { [ -z "$(squeue --noheader 2>&1)" ] && [ -z "$(ls "$STORE/lease")" ]; }

# Whoever submitted it ends it: jobs are cancelled, and what they have begun is given back at once,
# no lease has to end. The same command goes on.
mode_ended() {
  slurm_begin ended
  some_done
  # The grader, below the shell that waits for it.
  pkill -TERM -P "$BATCH"
  not_yet_done
  local status=0
  wait "$BATCH" || status=$?
  [ "$status" = 143 ] || fail "ended: the batch ended with $status: $(tail -n 3 "$WORK/ended.log")"
  grep -q '^stopped: ' "$WORK/ended.log" || fail "ended: it does not say how far it came"
  until_true 30 nobody_left || fail "ended: left behind: $(squeue; ls "$STORE/lease")"
  [ -z "$(ls "$STORE"/starts | grep -v '\.1$')" ] || fail "ended: being told to end was counted as a loss"
  slurm_begin ended
  slurm_end ended
  ! grep -qs 'taken over' "$STORE"/log/* || fail "ended: something was not given back"
}

# Kills one of the store's workers, whichever; not one whose loss would be the result.
kill_one() {
  local pid
  pid=$(pgrep -f -- "worker --store $STORE" | shuf -n 1) || true
  [ -n "$pid" ] && spared "$pid" && kill -9 "$pid" 2>/dev/null
}

# Workers are killed at random, and in the end the batch itself, which is begun again.
mode_workers() {
  slurm_begin workers
  some_done
  local kills=0
  while [ "$kills" -lt "${KILLS:-12}" ] && [ "$(finished "$STORE")" -lt $((STUDENTS * 3 / 4)) ]; do
    if kill_one; then kills=$((kills + 1)); fi
    read -rt 0.2 <> <(:) || true
  done
  [ "$kills" -gt 2 ] || fail "vacuous: $kills kills"
  # The grader, then the shell that waits for it.
  pkill -9 -P "$BATCH" || true
  wait "$BATCH" 2>/dev/null || true
  local before
  before=$(finished "$STORE")
  slurm_begin workers
  slurm_end workers
  say "$kills workers killed; the batch was begun again at $before of $STUDENTS"
}

# A submission whose workers were lost twice is left alone: the third loss would be its result, and
# rightly so.
spared() {
  local name lease
  name=".$1."
  for lease in "$STORE"/lease/*; do
    case $(readlink "$lease" 2>/dev/null) in
      *"$name"*) [ ! -e "$STORE/starts/$(basename "$lease").2" ] || return 1 ;;
    esac
  done
}

# Two hosts over ssh; one loses its connection and its worker in the middle.
mode_ssh() {
  STORE=$WORK/store.ssh
  batch ssh --store "$STORE" --lease "$LEASE" --host h1:2 --host h2:1 --ssh "ssh -F $H/config" \
    --gradebook "$WORK/ssh.db" >"$WORK/ssh.log" 2>&1 &
  BATCH=$!
  some_done
  local pid
  pid=$(pgrep -f -- "worker --store $STORE --slots 1" | head -n 1) || fail "vacuous: no worker on h2"
  kill -9 "$pid"
  not_yet_done
  slurm_end ssh
}

# The gradebook must be that of one machine, and nothing must have come out twice.
same() { # MODE
  local store=$WORK/store.$1
  [ "$(finished "$store")" = "$STUDENTS" ] || fail "$1: $(finished "$store") results for $STUDENTS students"
  [ -z "$(ls "$store/disputes")" ] || fail "$1: results that disagree: $(ls "$store/disputes")"
  scores "$WORK/$1.db" | diff "$WORK/local.csv" - >"$WORK/$1.diff" || fail "$1: the gradebook differs:
$(head -n 20 "$WORK/$1.diff")"
}

# A submission wants more memory than a task of Slurm has, and the kernel kills somebody in it. That is the
# machines' fault: an error and no mark; the same command with more memory comes to what one machine came to.
mode_memory() {
  STORE=$WORK/store.memory
  if [ "$GROUPED" != yes ]; then
    say "skipped: no groups of memory can be made here"
    return
  fi
  local name class=$WORK/hungry status=0
  for name in anna boris hungry; do
    mkdir -p "$class/$name/us-upper"
    cp "$root"/fixtures/us-upper/good-poll/*.c "$class/$name/us-upper"
  done
  cat >"$class/hungry/us-upper/hungry.h" <<'C'
#include <stdlib.h>
__attribute__((constructor)) static void eat(void) {
  volatile char *all = malloc(150 << 20);
  for (long at = 0; all && at < 150 << 20; at += 4096) all[at] = 1;
}
C
  sed -i '1i #include "hungry.h"' "$class/hungry/us-upper/us-server.c"
  hungry() { "$GRADER" batch us-upper "$class" --layout '{student}/{lab}' --seed 7 --quiet "$@"; }
  hungry --gradebook "$WORK/memory-local.db" >"$WORK/memory.log" 2>&1 || fail "memory: one machine: $(cat "$WORK/memory.log")"
  hungry --engine slurm --store "$STORE" --lease "$LEASE" --workers 2 --gradebook "$WORK/memory.db" \
    --slurm-memory 120M >"$WORK/memory.log" 2>&1 || status=$?
  [ "$status" = 3 ] || fail "memory: the batch ended with $status"
  scores "$WORK/memory.db" | grep -q '^,hungry,.*,error,,' || fail "vacuous: nobody ran short of memory: $(scores "$WORK/memory.db")"
  [ "$(scores "$WORK/memory.db" | grep -c ',graded,100,')" = 2 ] || fail "memory: the others: $(scores "$WORK/memory.db")"
  hungry --engine slurm --store "$STORE" --lease "$LEASE" --workers 2 --gradebook "$WORK/memory.db" \
    --slurm-memory 1G >"$WORK/memory.log" 2>&1 || fail "memory: with more of it the batch ended with $?"
}
same_memory() {
  [ "$GROUPED" = yes ] || return 0
  scores "$WORK/memory-local.db" | diff - <(scores "$WORK/memory.db") || fail "memory: the gradebook differs"
}

# Tasks are killed at random until KILLS (100) of them have been, in as many classes as that takes;
# every class is compared. Not among the modes that are run unless asked for.
mode_kills() {
  local wanted=${KILLS:-100} killed=0 classes=0 before
  while [ "$killed" -lt "$wanted" ]; do
    classes=$((classes + 1))
    before=$killed
    rm -rf "$WORK"/store.kills "$WORK"/kills.db "$WORK"/kills.journal
    slurm_begin kills
    until_true 120 enough "$STORE" 1 || fail "nothing is graded"
    while [ "$killed" -lt "$wanted" ] && [ "$(finished "$STORE")" -lt $((STUDENTS - NODES * SLOTS)) ]; do
      if kill_one; then killed=$((killed + 1)); fi
      # Between nothing and a second.
      read -rt "0.$(printf %03d $((RANDOM % 1000)))" <> <(:) || true
    done
    slurm_end kills
    same kills
    say "class $classes: $((killed - before)) tasks killed, $killed of $wanted"
    [ "$killed" -gt "$before" ] || [ "$killed" -ge "$wanted" ] || fail "vacuous: the class was done before a kill"
  done
  say "$killed tasks of Slurm killed in $classes classes of $STUDENTS: nothing lost, nothing twice"
}

# How long a class takes on Slurm beside the ideal: the time of grading, summed up, over the slots.
# With FAULT=node one node loses its power in the middle. Prints figures; not run unless asked for.
mode_makespan() {
  local began ended
  rm -rf "$WORK"/store.makespan "$WORK"/makespan.db "$WORK"/makespan.journal
  began=$(date +%s.%N)
  slurm_begin makespan
  if [ "${FAULT:-}" = node ]; then
    some_done
    # shellcheck disable=SC2046
    kill -9 $(node_pids 2) 2>/dev/null || true
    not_yet_done
  fi
  slurm_end makespan
  ended=$(date +%s.%N)
  python3 - "$WORK/makespan.db" "$began" "$ended" $((NODES * SLOTS)) "$LEASE" <<'PYTHON'
import sqlite3, sys
book, began, ended, slots, lease = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
rows = sqlite3.connect(book).execute("SELECT started / 1000.0, seconds FROM run WHERE state = 'current'").fetchall()
work = sum(seconds for _, seconds in rows)
first, last = min(at for at, _ in rows), max(at + seconds for at, seconds in rows)
print(f"{len(rows)} submissions, {work:.1f} s of grading in {slots} slots: ideal {work / slots:.1f} s; "
      f"from the first start to the last end {last - first:.1f} s, {(last - first) / (work / slots):.2f} times; "
      f"the whole batch {ended - began:.1f} s, {first - began:.1f} s of it before the first start and {ended - last:.1f} s after the last end; lease {lease} s")
PYTHON
  [ "${FAULT:-}" != node ] || node_back 2
}
