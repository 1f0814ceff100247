#!/usr/bin/env bash
# measure.sh [--quick] [--only NAME[,NAME]]
#
# Measures the whole table of docs/performance.md: ours beside twins, in turns, on servers of its own; under 45 minutes. Then it
# writes the page anew, with its pictures; what a hand has written there outside of the two marks stays. Nothing else should run
# on the machine meanwhile.
#
#   --quick       under 10 minutes: shows that everything works; its figures go to .run/measure/report only
#   --only NAMES  only these rows, separated by commas; the other rows of the page stay as they are. A wrong name lists all.
#
# Ctrl-C ends everything that was started and prints what was measured so far.
#
# Exit code: 0 measured, 1 a row could not be measured, 2 could not run (a server is missing, wrong usage), 130 interrupted.
#
# Environment: KAFKA_HOME (Apache Kafka 4; else ../shared/kafka beside the repository, else a Docker engine);
# FLASHSALE_MEASURE_DIR (data and logs; default .run/measure).
#
# Examples:
#   scripts/measure.sh
#   scripts/measure.sh --quick
#   scripts/measure.sh --only door,sold-out

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

SETUP_SECONDS=900

arguments=()
while (($#)); do
  case $1 in
    --quick) arguments+=(--quick); shift ;;
    --only) need_value "$1" "$@"; arguments+=(--only "$2"); shift 2 ;;
    -h | --help) show_help; exit 0 ;;
    *) usage_error "unknown argument '$1'" ;;
  esac
done

export FLASHSALE_RUN_DIR=${FLASHSALE_MEASURE_DIR:-$ROOT/.run/measure}
[[ $FLASHSALE_RUN_DIR == /* ]] || FLASHSALE_RUN_DIR=$PWD/$FLASHSALE_RUN_DIR
report=$FLASHSALE_RUN_DIR/report
make_dir "$report"

status=0
kafka=$(kafka_home) || status=$?
((status != 2)) || exit 2
if ((status == 1)) && ! docker_engine; then
  warn "there is no Kafka: set KAFKA_HOME to the folder of Apache Kafka 4"
  exit 2
fi
status=0

stack() { bash "$ROOT/scripts/stack.sh" "$@"; }

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
  for file in "$report"/logs/*.pid; do
    [[ -f $file ]] || continue
    process_kill "$file" KILL
    process_gone "$file" 5 || warn "still running: $(cat "$file")"
    rm -f -- "$file"
  done
  stack wipe >/dev/null || warn "the servers could not be stopped: FLASHSALE_RUN_DIR=$FLASHSALE_RUN_DIR scripts/stack.sh wipe"
  exit "$status"
}

# One at a time: two would measure each other.
exec 7>"$FLASHSALE_RUN_DIR/lock"
flock -n 7 || { warn "another measure.sh uses $FLASHSALE_RUN_DIR: end it, or set FLASHSALE_MEASURE_DIR to another folder"; exit 2; }
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bounded "$SETUP_SECONDS" bash "$ROOT/scripts/setup.sh" || exit 2
build bench/FlashSale.Measure || { warn "the build failed"; exit 2; }
measure() { exec dotnet "$ROOT/bench/FlashSale.Measure/bin/Release/net10.0/FlashSale.Measure.dll" "${arguments[@]}" "$@"; }
# Before the servers are started: a wrong name is known at once.
(measure --announce)
rm -rf -- "$report/logs"
# A broker with both compilers, as anybody would run it; stack.sh alone saves the second one, which takes a minute of a core.
export KAFKA_HEAP_OPTS='-Xms512m -Xmx1g'
# Data of a run that was killed would be measured along.
stack wipe >/dev/null
bounded 900 bash "$ROOT/scripts/stack.sh" up || exit 2
load_stack_env "$FLASHSALE_RUN_DIR"
jar=(${kafka:+"$kafka"/libs/kafka-clients-*.jar})
[[ -z ${jar[*]:-} ]] || { version=${jar[0]##*-clients-}; export FLASHSALE_KAFKA_VERSION=${version%.jar}; }
export FLASHSALE_KAFKA=$KAFKA_BOOTSTRAP FLASHSALE_REDIS=$REDIS FLASHSALE_MYSQL=$MYSQL
FLASHSALE_COMMIT=$(git -C "$ROOT" describe --always --dirty 2>/dev/null || echo "of no known commit")
export FLASHSALE_COMMIT

measure --folder "$report" --page "$ROOT/docs/performance.md" --spent "$SECONDS" &
program=$!
wait "$program" || status=$?
program=
exit "$status"
