#!/usr/bin/env bash
# chaos.sh [--minutes N] [--seed S] [--faults LIST] [--rate N] [--folder DIR] [--port N]
#
# Three Kafka brokers, Redis with a replica, the database, two api and two machines processes of FlashSale, all private and on
# loopback; 1,000 claims/s; every 5 s a fault drawn by the seed. In the end everything must recover by itself, and the audit
# of log, state, ledger and of what every caller was told must find nothing. docs/chaos.md says what the faults do.
#
#   --minutes N    how long faults are made (5)
#   --seed S       draws the same faults again (their timing is the machine's); default: a fresh one, which is printed
#   --faults LIST  only these: names, or the word before their dash (kill,flush-redis); a wrong name lists all
#   --rate N       claims a second (1000)
#   --folder DIR   where reports go, each into a folder of its own (.run/chaos)
#   --port N       where to look for free ports first
#
# Exit code: 0 exact, 1 violations, 2 could not run (a server is missing, no port is free), 130 interrupted.
#
# Environment: KAFKA_HOME (Apache Kafka 4; else ../shared/kafka beside the repository).
#
# Examples:
#   scripts/chaos.sh --minutes 1
#   scripts/chaos.sh --seed 4711 --faults kill,freeze

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

SETUP_SECONDS=900

folder=$ROOT/.run/chaos
arguments=()
while (($#)); do
  case $1 in
    --folder) need_value "$1" "$@"; folder=$2; shift 2 ;;
    --minutes | --seed | --faults | --rate | --port) need_value "$1" "$@"; arguments+=("$1" "$2"); shift 2 ;;
    -h | --help) show_help; exit 0 ;;
    *) usage_error "unknown argument '$1'" ;;
  esac
done
[[ $folder == /* ]] || folder=$PWD/$folder
make_dir "$folder"

status=0
KAFKA_HOME=$(kafka_home) || status=$?
((status == 0)) || { warn "there is no Kafka: set KAFKA_HOME to the folder of Apache Kafka 4"; exit 2; }
export KAFKA_HOME

program=
# The program ends its children by itself. This is for the case that it was killed: what its pid files name, and still runs, is ended.
# shellcheck disable=SC2317 # Called by the trap.
finish() {
  local status=$? file
  trap - EXIT
  trap '' INT TERM
  stop_bounded
  if [[ -n $program ]]; then
    kill -TERM "$program" 2>/dev/null || true
    while kill -0 "$program" 2>/dev/null; do wait "$program" || status=$?; done
  fi
  for file in "$folder"/*/logs/*.pid; do
    [[ -f $file ]] || continue
    process_kill "$file" KILL
    process_gone "$file" 5 || warn "still running: $(cat "$file")"
    rm -f -- "$file"
  done
  for file in "$folder"/*/data/redis-*; do
    if mountpoint -q -- "$file"; then umount -- "$file" || true; fi
  done
  for file in "$folder"/*/data; do [[ ! -d $file ]] || rm -rf -- "$file"; done
  exit "$status"
}

# One at a time for each folder: the end of one looks after what another has left.
exec 7>"$folder/lock"
flock -n 7 || { warn "another chaos.sh uses $folder: end it, or use --folder"; exit 2; }
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bounded "$SETUP_SECONDS" bash "$ROOT/scripts/setup.sh" || exit 2
build tests/FlashSale.Chaos || { warn "the build failed"; exit 2; }

dotnet "$ROOT/tests/FlashSale.Chaos/bin/Release/net10.0/FlashSale.Chaos.dll" --folder "$folder" "${arguments[@]}" &
program=$!
wait "$program" || status=$?
program=
exit "$status"
