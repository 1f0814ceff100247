#!/usr/bin/env bash
# bench.sh [FILTER] | --check | --write-baseline | --audit COMMANDS
#
# Benchmarks, each beside a twin that does the least that anybody could do, in one table: median of one operation, ratio to
# the twin's, bytes allocated. Starts Redis and the database of stack.sh in a folder of its own, and ends them.
#
#   FILTER            only benchmarks whose name (Class.Method(parameters)) contains this
#   --check           measure the stable ones, which need no server, and compare their ratios with bench/baseline.json: exit
#                     code 1 where one is over the tolerance written there, 3 where it is of other processors. A class that is
#                     over it is measured up to four times
#   --audit COMMANDS  audit a log of so many commands that is made while it is read: commands a second, and the most memory
#   --write-baseline  measure the stable ones four times and write the middle ratios to bench/baseline.json, as those of this processor
#
# Examples:
#   scripts/bench.sh
#   scripts/bench.sh Codec
#   scripts/bench.sh --check

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

servers=true
arguments=1
case ${1:-} in
  -h | --help) show_help; exit 0 ;;
  --check | --write-baseline) servers=false ;;
  --audit) need_value --audit "$@"; need_number --audit "$2"; servers=false; arguments=2 ;;
  -*) usage_error "unknown argument '$1'" ;;
  *) ;;
esac
(($# <= arguments)) || usage_error "unknown argument '${*: -1}'"

options=()
if ! $servers; then options=(--no-servers); fi
bash "$ROOT/scripts/setup.sh" "${options[@]}"
say "bench: building"
dotnet build "$ROOT/bench/FlashSale.Benchmarks" -c Release --nologo -v quiet -clp:NoSummary

export FLASHSALE_RUN_DIR=${FLASHSALE_BENCH_DIR:-$ROOT/.run/bench}
[[ $FLASHSALE_RUN_DIR == /* ]] || FLASHSALE_RUN_DIR=$PWD/$FLASHSALE_RUN_DIR
make_dir "$FLASHSALE_RUN_DIR"
if $servers; then
  trap 'bash "$ROOT/scripts/stack.sh" wipe >/dev/null' EXIT
  bash "$ROOT/scripts/stack.sh" up
  load_stack_env "$FLASHSALE_RUN_DIR"
  export FLASHSALE_REDIS=$REDIS FLASHSALE_MYSQL=$MYSQL
fi

dotnet "$ROOT/bench/FlashSale.Benchmarks/bin/Release/net10.0/FlashSale.Benchmarks.dll" \
  --baseline "$ROOT/bench/baseline.json" --log "$FLASHSALE_RUN_DIR/bench.log" "$@"
