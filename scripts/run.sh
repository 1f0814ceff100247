#!/usr/bin/env bash
# run.sh [--exit] [--embedded] [--no-sale] [--users N] [--rate N] [--quantity N] [--port N]
#
# From a clone to a flash sale: set-up, servers, build, FlashSale itself, a demo sale with its report. Then it keeps serving
# on 127.0.0.1 until Ctrl-C, which ends everything that it started. The data stay in .run (scripts/stack.sh wipe).
#
#   --exit        end after the report: exit code 0 only if the sale was exact
#   --embedded    no servers at all: broker and state in memory, SQLite as the ledger
#   --no-sale     only serve
#   --users N     claims come from so many users (50000)
#   --rate N      claims per second (10000)
#   --quantity N  coupons (1000)
#   --port N      where FlashSale listens (8080)
#
# With no Kafka to be had, an embedded broker is used together with the real Redis and database: not a real broker.
#
# Examples:
#   scripts/run.sh
#   scripts/run.sh --exit --users 200000 --rate 20000
#   scripts/run.sh --embedded

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# A partition may have to be rebuilt before the server is ready.
READY_SECONDS=120
SETUP_SECONDS=900
STORM_SECONDS=1800

exit_after=false embedded=false sale=true users=50000 rate=10000 quantity=1000 port=8080
while (($#)); do
  case $1 in
    --exit) exit_after=true; shift ;;
    --embedded) embedded=true; shift ;;
    --no-sale) sale=false; shift ;;
    --users | --rate | --quantity | --port)
      need_value "$1" "$@"
      need_number "$1" "$2"
      printf -v "${1#--}" '%s' "$2"
      shift 2
      ;;
    -h | --help) show_help; exit 0 ;;
    *) usage_error "unknown argument '$1'" ;;
  esac
done
((port < 65536)) || usage_error "--port needs a port, not '$port'"
$sale || ! $exit_after || usage_error "--exit and --no-sale together leave nothing to do"

export FLASHSALE_RUN_DIR=${FLASHSALE_RUN_DIR:-$ROOT/.run}
[[ $FLASHSALE_RUN_DIR == /* ]] || FLASHSALE_RUN_DIR=$PWD/$FLASHSALE_RUN_DIR
folder=$FLASHSALE_RUN_DIR/server
make_dir "$folder"
url=http://127.0.0.1:$port
cli=()
own_stack=false
keep_stack=false
broker_note=''

stack() { bash "$ROOT/scripts/stack.sh" "$@"; }

# shellcheck disable=SC2317 # Called by the trap.
finish() {
  local status=$?
  trap - EXIT
  trap '' INT TERM
  stop_bounded
  process_stop "$folder/pid" || warn "the server could not be stopped"
  rm -f -- "$folder/url"
  if $own_stack && ! $keep_stack; then stack down || status=1; fi
  exit "$status"
}

exec 7>"$folder/lock"
flock -n 7 || die "another run.sh uses $FLASHSALE_RUN_DIR: end it, or set FLASHSALE_RUN_DIR to another folder"
if pid=$(process_pid "$folder/pid"); then die "the server of an earlier run.sh still runs: kill $pid ends it"; fi
port_free() { ! port_taken "$port" || die "port $port is taken: use --port"; }
port_free

trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if $embedded; then
  bounded "$SETUP_SECONDS" bash "$ROOT/scripts/setup.sh" --no-servers
  settings=(Profile=embedded)
  # A stack that happens to run is none of its business.
  cli=(FLASHSALE_KAFKA= FLASHSALE_REDIS= FLASHSALE_MYSQL=)
  broker_note=' (embedded: not a real broker)'
else
  bounded "$SETUP_SECONDS" bash "$ROOT/scripts/setup.sh"
  if ! kafka_home >/dev/null && ! docker_engine; then
    # The embedded broker's log ends with its process: state and ledger of an earlier run would belong to another log.
    export FLASHSALE_RUN_DIR=$FLASHSALE_RUN_DIR/without-kafka
    stack wipe
  fi
  # A stack that was there before belongs to whoever started it.
  stack status >/dev/null 2>&1 || own_stack=true
  bounded 900 bash "$ROOT/scripts/stack.sh" up
  load_stack_env "$FLASHSALE_RUN_DIR"
  settings=("Redis__Endpoints=$REDIS" "MySql__ConnectionString=$MYSQL")
  if [[ $KAFKA_REAL == true ]]; then
    settings+=(Profile=servers "Kafka__BootstrapServers=$KAFKA_BOOTSTRAP")
  else
    settings+=(Profile=embedded-broker)
    broker_note=' (embedded broker: not a real broker)'
    say "run: no Kafka: an embedded broker is used, which keeps nothing beyond this run"
  fi
fi

began=$(now_us)
build_release || die "the build failed"
say "run: built ($(elapsed "$began") s)"

port_free
began=$(now_us)
: >"$folder/log"
# Its own folder, so that relative paths in settings mean the same as in development.
process_start "$folder/pid" "$folder/log" env -C "$ROOT/src/FlashSale.Server" \
  "ASPNETCORE_URLS=$url" ASPNETCORE_ENVIRONMENT=Development Roles=api,machines,ledger "${settings[@]}" \
  dotnet "$ROOT/src/FlashSale.Server/bin/Release/net10.0/FlashSale.Server.dll"
end=$(($(now_us) + READY_SECONDS * 1000000))
until [[ $(http_status "$port" /health/ready) == 200 ]]; do
  problem=''
  if ! process_pid "$folder/pid" >/dev/null; then
    problem="the server ended at once"
  elif (($(now_us) > end)); then
    problem="the server was not ready within $READY_SECONDS s"
  fi
  if [[ -n $problem ]]; then
    tail -n 20 "$folder/log" >&2
    die "$problem; the end of $folder/log is above"
  fi
  sleep 0.2
done
printf '%s\n' "$url" >"$folder/url"
say "run: serving on $url ($(elapsed "$began") s)"

cli+=("FLASHSALE_URL=$url")

outcome=0
if $sale; then
  campaign=demo-$(date +%Y%m%d-%H%M%S)
  bounded "$STORM_SECONDS" env "${cli[@]}" bash "$ROOT/scripts/flashsale" storm --url "$url" --campaign "$campaign" \
    --open-quantity "$quantity" --users "$users" --rate "$rate" --repeat-share 0.05 || outcome=$?
  case $outcome in
    0) say "run: the sale $campaign was exact$broker_note" ;;
    1) warn "the sale $campaign was NOT exact$broker_note" ;;
    *) warn "the sale $campaign could not run (exit code $outcome); the server's log: $folder/log" ;;
  esac
  if $exit_after; then exit "$outcome"; fi
fi

trap 'exit 0' INT TERM
say "run: serving on $url until Ctrl-C; log: $folder/log"
while process_pid "$folder/pid" >/dev/null; do
  sleep 0.5 &
  wait $! || true
done
tail -n 5 "$folder/log" >&2
if ! $embedded; then
  keep_stack=true
  warn "the server has died; Kafka, Redis and the database still run"
  warn "serve again: scripts/run.sh --no-sale --port $port; take them down: scripts/stack.sh down"
fi
die "the server has died (log: $folder/log)"
