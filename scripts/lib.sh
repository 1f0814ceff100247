# shellcheck shell=bash disable=SC2034
# Shared by the scripts beside it; sourced, never run.

if [[ -z ${BASH_VERSINFO:-} || ${BASH_VERSINFO[0]} -lt 5 ]]; then
  echo "bash 5 or newer is needed" >&2
  exit 1
fi

ROOT=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=$ROOT/.cache
ME=$(basename -- "$0" .sh)

# Apt and the .NET client are read by these scripts: their messages have to be in one language.
export LC_ALL=C.UTF-8 DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

say() { printf '%s\n' "$*"; }
warn() { printf '%s: %s\n' "$ME" "$*" >&2; }
die() { warn "$*"; exit 1; }

# The comment block at the top of a script is its --help.
show_help() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"; }

# Wrong usage is told apart from failed work by its exit code.
usage_error() { warn "$*; see $(basename -- "$0") --help"; exit 2; }

# need_value OPTION "$@": an option that takes a value must be given one.
need_value() { [[ $# -ge 3 && -n $3 ]] || usage_error "$1 needs a value"; }

# need_number OPTION VALUE: a whole number above zero, small enough for arithmetic.
need_number() { [[ $2 =~ ^[1-9][0-9]{0,8}$ ]] || usage_error "$1 needs a whole number above 0, not '$2'"; }

have() { command -v "$1" >/dev/null 2>&1; }

now_us() { local t=$EPOCHREALTIME; printf '%s' "${t/[.,]/}"; }

# elapsed SINCE_US: seconds with one decimal.
elapsed() { local us=$(($(now_us) - $1)); printf '%d.%d' $((us / 1000000)) $((us / 100000 % 10)); }

make_dir() { { mkdir -p -- "$1" 2>/dev/null && [[ -w $1 ]]; } || die "cannot write to $1"; }

# docker_engine: the client alone is not enough: an engine has to answer, and the client to know compose.
docker_engine() { have docker && timeout 10 docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }

# kafka_home: prints the folder of Apache Kafka; nothing and status 1 where there is none.
# A KAFKA_HOME that was named but is wrong is an error, not a reason to go on without Kafka.
kafka_home() {
  if [[ -n ${KAFKA_HOME:-} ]]; then
    [[ -f $KAFKA_HOME/bin/kafka-server-start.sh ]] || { warn "KAFKA_HOME has no bin/kafka-server-start.sh: $KAFKA_HOME"; return 2; }
    (CDPATH='' cd -- "$KAFKA_HOME" && pwd -P)
  elif [[ -f $ROOT/../shared/kafka/bin/kafka-server-start.sh ]]; then
    (CDPATH='' cd -- "$ROOT/../shared/kafka" && pwd -P)
  else
    return 1
  fi
}

java_command() { printf '%s' "${JAVA_HOME:+$JAVA_HOME/bin/}java"; }

# java_major: 17 for 17.0.15; nothing where there is no Java.
java_major() {
  local text
  text=$("$(java_command)" -version 2>&1) || return 1
  [[ $text =~ version\ \"([0-9]+) ]] && printf '%s' "${BASH_REMATCH[1]}"
}

# redis_command, mysql_command, mysql_client: what the machine calls them.
first_command() {
  local name
  for name in "$@"; do PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$name" 2>/dev/null && return 0; done
  return 1
}
redis_command() { first_command redis-server valkey-server; }
mysql_command() { first_command mariadbd mysqld; }
mysql_client() { first_command mariadb mysql; }

# port_taken PORT: somebody listens on it on loopback.
port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# http_status PORT PATH: the status code of a GET on loopback; nothing where nobody answers.
http_status() {
  local line
  { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
  read -r -t 2 -u 3 line || line=
  exec 3>&-
  [[ $line =~ ^HTTP/[0-9.]+\ ([0-9]+) ]] && printf '%s' "${BASH_REMATCH[1]}"
}

# --- What the scripts start and wait for ------------------------------------------------------

# bounded SECONDS COMMAND...: runs in the background and is waited for, because only then does a trap run at once on Ctrl-C;
# the caller's trap ends it with stop_bounded. It reads nothing, and it leaves no process of its group behind.
BOUNDED=
bounded() {
  local status=0
  timeout --kill-after=10 "$1" "${@:2}" </dev/null &
  BOUNDED=$!
  wait "$BOUNDED" || status=$?
  BOUNDED=
  ((status != 124)) || warn "not done within $1 s: ${*:2}"
  return "$status"
}

stop_bounded() {
  [[ -n $BOUNDED ]] || return 0
  kill -TERM "$BOUNDED" 2>/dev/null || true
  wait "$BOUNDED" 2>/dev/null || true
}

# build WHAT: a solution or a project, in Release; no build server stays behind.
build() {
  bounded 900 env -C "$ROOT" MSBUILDDISABLENODEREUSE=1 dotnet build "$1" -c Release --nologo -v quiet \
    -clp:NoSummary -p:UseSharedCompilation=false
}

build_release() { build FlashSale.sln; }

# load_stack_env RUN_DIR: KAFKA_REAL, KAFKA_BOOTSTRAP, REDIS and MYSQL, as stack.sh wrote them.
load_stack_env() {
  [[ -f $1/stack.env ]] || die "there is no stack in $1: scripts/stack.sh up"
  # shellcheck source=/dev/null
  source "$1/stack.env"
}

# --- Processes -------------------------------------------------------------------------------
# A pid file holds "pid starttime boot": the kernel hands pids out again, but never with the same
# start time within one boot, so a process that we did not start is never taken for ours.

process_mark() { # PID
  local stat
  local -a fields task
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # The command name, in parentheses, may hold spaces: what counts begins after the last ')'.
  read -r -a fields <<<"${stat##*) }"
  # A zombie is gone, but not while other threads of it are still ending: those hold its files and ports.
  if [[ ${fields[0]} == Z ]]; then
    task=("/proc/$1/task"/*)
    ((${#task[@]} > 1)) || return 1
  fi
  printf '%s %s' "${fields[19]}" "$(cat /proc/sys/kernel/random/boot_id)"
}

# process_pid PIDFILE: prints the pid if that very process still runs.
process_pid() {
  local pid mark
  [[ -f $1 ]] && read -r pid mark <"$1" || return 1
  [[ -n $mark && $(process_mark "$pid") == "$mark" ]] && printf '%s' "$pid"
}

# process_start PIDFILE LOG COMMAND...: detached, so that neither the end of the calling
# shell nor its Ctrl-C reaches it, and with no inherited descriptor, so that no caller waits for it.
process_start() {
  local pid_file=$1 log=$2 pid mark
  shift 2
  (
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      if ((fd > 2 && fd != 255)); then eval "exec $fd>&-"; fi
    done
    exec setsid "$@"
  ) </dev/null >>"$log" 2>&1 &
  pid=$!
  mark=$(process_mark "$pid") || mark=gone
  printf '%s %s\n' "$pid" "$mark" >"$pid_file"
}

# process_kill PIDFILE SIGNAL: only ever the process that the file was written for.
process_kill() {
  local pid
  pid=$(process_pid "$1") || return 0
  kill "-$2" "$pid" 2>/dev/null || true
}

# process_gone PIDFILE SECONDS: waits for its end.
process_gone() {
  local end=$(($(now_us) + $2 * 1000000))
  while process_pid "$1" >/dev/null; do
    (($(now_us) < end)) || return 1
    sleep 0.05
  done
}

# process_stop PIDFILE: asks, then, after 10 s, no longer asks.
process_stop() {
  process_kill "$1" TERM
  if ! process_gone "$1" 10; then
    process_kill "$1" KILL
    process_gone "$1" 5 || return 1
  fi
  rm -f -- "$1"
}
