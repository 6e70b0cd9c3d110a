# A Slurm of three nodes and two ssh hosts, all on loopback. Sourced by run.
# Everything lives below $WORK; nothing in /etc, /run or /var of the machine is touched.

NODES=3
SLOTS=2
PORT=17000
# Short, so that the death of a machine is noticed while one watches. On a real network file system
# a minute is right.
LEASE=3

say() { printf -- '-- %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  tail -n 5 "$WORK"/*.log "$WORK"/store.*/log/* 2>/dev/null >&2 || true
  exit 1
}

# until_true SECONDS COMMAND...: looks again and again; a state is waited for, never a time.
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    read -rt 0.1 <> <(:) || true
  done
}

lab_up() {
  WORK=$(mktemp -d)
  chmod 755 "$WORK"
  export WORK XDG_CACHE_HOME=$WORK/cache
  ip link set lo up
  # getaddrinfo() ignores 127.0.0.1 when it looks which families there are: without another address
  # Slurm finds no host at all.
  ip addr add 127.0.0.2/8 dev lo
  hostname gradelab
  printf '127.0.0.1 localhost gradelab\n' >"$WORK/hosts"
  mount --bind "$WORK/hosts" /etc/hosts
  mkdir -p "$WORK/run" && mount --bind "$WORK/run" /run
  slurm_up
  ssh_up
}

lab_down() {
  scancel --quiet --me 2>/dev/null || true
  # The rest ends with the process namespace.
  cd /
  if [ "$GROUPED" = yes ]; then
    pkill -9 -x 'slurmd|slurmstepd' || true
    until_true 10 groups_gone || true
  fi
  umount /etc/hosts 2>/dev/null || true
  rm -rf "$WORK"
}

# Where groups of memory may be made here, as sites make them. Slurm of version 22.05 needs systemd for those
# of version 2.
MEMORY=/sys/fs/cgroup/memory
GROUPED=no
if [ -e "$MEMORY/memory.limit_in_bytes" ] && mkdir "$MEMORY/gradelab.$$" 2>/dev/null; then
  rmdir "$MEMORY/gradelab.$$"
  GROUPED=yes
fi

# Whoever was in them has been killed, and may take a moment to end.
groups_gone() { find "$MEMORY" -depth -mindepth 1 -path '*/slurm_n[1-3]*' -type d -exec rmdir {} + 2>/dev/null; }

slurm_up() {
  S=$WORK/slurm
  export SLURM_CONF=$S/slurm.conf
  mkdir -p "$S"/{state,spool,log,munge}
  (umask 077 && head -c 128 /dev/urandom >"$S/munge/key")
  cat >"$SLURM_CONF" <<CONF
ClusterName=gradelab
SlurmctldHost=gradelab(127.0.0.1)
SlurmctldPort=$PORT
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$S/munge/socket,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$S/state
SlurmdSpoolDir=$S/spool/%n
SlurmctldPidFile=$S/slurmctld.pid
SlurmdPidFile=$S/slurmd-%n.pid
SlurmctldLogFile=$S/log/slurmctld.log
SlurmdLogFile=$S/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/$([ "$GROUPED" = yes ] && echo cgroup || echo none)
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=10
InactiveLimit=0
KillWait=3
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=1000,batch_sched_delay=0,bf_interval=1,sched_interval=1
JobRequeue=1
CONF
  cat >"$S/cgroup.conf" <<CONF
CgroupPlugin=cgroup/v1
CgroupMountpoint=/sys/fs/cgroup
ConstrainRAMSpace=yes
CONF
  for n in $(seq "$NODES"); do
    echo "NodeName=n$n NodeHostname=gradelab NodeAddr=127.0.0.1 Port=$((PORT + n)) CPUs=$SLOTS Sockets=1 CoresPerSocket=$SLOTS ThreadsPerCore=1 RealMemory=4000 State=UNKNOWN"
  done >>"$SLURM_CONF"
  echo "PartitionName=grade Nodes=n[1-$NODES] Default=YES MaxTime=INFINITE State=UP" >>"$SLURM_CONF"
  munged --force --key-file="$S/munge/key" --socket="$S/munge/socket" --pid-file="$S/munge/pid" \
    --log-file="$S/munge/log" --seed-file="$S/munge/seed" 2>/dev/null
  slurmctld -f "$SLURM_CONF"
  for n in $(seq "$NODES"); do node_start "$n"; done
  until_true 60 nodes_idle || fail "the nodes did not come up: $(sinfo -N 2>&1)"
  reached
}

# `idle` does not prove that the controller reaches a node: runs something on each.
reached() { srun -Q -N"$NODES" -n"$NODES" --mem=10 --immediate=20 true || fail "nothing can be run on the nodes"; }

nodes_idle() { [ "$(sinfo -h -N -t idle -o %N 2>/dev/null | sort -u | wc -l)" = "$NODES" ]; }
node_start() { slurmd -N "n$1" -f "$SLURM_CONF"; }

tree() {
  echo "$1"
  local child
  for child in $(pgrep -P "$1" || true); do tree "$child"; done
}

# Whether a worker runs on a node: then there is more than its daemon and a step.
works_on() { [ "$(node_pids "$1" | wc -w)" -gt 2 ]; }

# All processes of a node: its daemon, its steps and what they started.
node_pids() {
  cat "$S/slurmd-n$1.pid"
  local step child
  for step in $(pgrep -x slurmstepd || true); do
    for child in $(pgrep -P "$step" || true); do
      if tr '\0' '\n' 2>/dev/null <"/proc/$child/environ" | grep -qx "SLURMD_NODENAME=n$1"; then
        tree "$step"
        break
      fi
    done
  done
}

node_back() {
  [ -s "$S/slurmd-n$1.pid" ] && kill -0 "$(cat "$S/slurmd-n$1.pid")" 2>/dev/null || node_start "$1"
  until_true 90 nodes_idle || fail "node $1 did not come back: $(sinfo -N 2>&1)"
  reached
}

ssh_up() {
  H=$WORK/ssh
  mkdir -p "$H" /run/sshd
  chmod 700 "$H"
  ssh-keygen -q -t ed25519 -N '' -f "$H/hostkey"
  ssh-keygen -q -t ed25519 -N '' -f "$H/id"
  cp "$H/id.pub" "$H/authorized_keys"
  for n in 1 2; do
    cat >"$H/sshd$n.conf" <<CONF
Port $((PORT + 20 + n))
ListenAddress 127.0.0.1
HostKey $H/hostkey
AuthorizedKeysFile $H/authorized_keys
PidFile $H/sshd$n.pid
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
StrictModes no
SetEnv XDG_CACHE_HOME=$XDG_CACHE_HOME
CONF
    "$(command -v sshd || echo /usr/sbin/sshd)" -f "$H/sshd$n.conf" -E "$WORK/sshd$n.log"
    printf 'Host h%s\n  Port %s\n' "$n" $((PORT + 20 + n))
  done >"$H/config"
  cat >>"$H/config" <<CONF
Host h1 h2
  HostName 127.0.0.1
  User root
  IdentityFile $H/id
  IdentitiesOnly yes
  UserKnownHostsFile $H/known_hosts
  StrictHostKeyChecking accept-new
CONF
}

# class DIR N: N students in three groups with good, wrong and hanging servers; no two the same files.
class() {
  local dir=$1 n=$2 i source
  local sources=("$root"/fixtures/us-upper/good-* "$root"/fixtures/us-upper/mutants/* "$root"/fixtures/hang)
  for i in $(seq "$n"); do
    source=${sources[$((i % ${#sources[@]}))]}
    local at=$dir/2121$((i % 3))/s$i/us-upper
    mkdir -p "$at"
    cp -r "$source"/. "$at"
    rm -f "$at/fixture.toml"
    # Every third one has files of its own and is compiled anew, the others share what was built.
    [ $((i % 3)) != 0 ] || echo "student $i" >"$at/notes.txt"
  done
}

# batch ENGINE OPTION...
batch() {
  local engine=$1
  shift
  "$GRADER" batch us-upper "$WORK/class" --layout '{group}/{student}/{lab}' --seed 7 --quiet --engine "$engine" "$@"
}

scores() { "$GRADER" results export csv us-upper --gradebook "$1"; }
finished() { find "$1/results" -name '*.json' 2>/dev/null | wc -l; }
enough() { [ "$(finished "$1")" -ge "$2" ]; }
