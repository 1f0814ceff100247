#!/usr/bin/env bash
# test.sh [--filter EXPRESSION] [--no-format]
#
# Set-up, Release build, check of the formatting, regression check of the benchmarks (unless a filter is given), a private
# stack of servers (.run/test, wiped before), all tests.
# The last line is "N passed, N failed", with ", N skipped" where there are any. A build, a check or a test project that
# breaks off counts as one failure. Exit code 0 only if something passed and nothing failed. Leaves nothing running.
#
#   --filter EXPRESSION  as for dotnet test
#   --no-format          leave out the check of the formatting
#
# What the tests are given: FLASHSALE_TEST_KAFKA (not set where there is no Kafka), FLASHSALE_TEST_REDIS,
# FLASHSALE_TEST_MYSQL (addresses), FLASHSALE_TEST_ENGINE (the integration tests run once with each engine of the build, those of the
# trait Engine=any with the first only; given from outside, only with that one) and FLASHSALE_TEST_STACK (the folder of their stack: with FLASHSALE_RUN_DIR set to it,
# scripts/stack.sh kills and starts their servers).
#
# Examples:
#   scripts/test.sh
#   scripts/test.sh --filter 'FullyQualifiedName~Claim'

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# A hanging build or test must not hang the machine that runs it.
SETUP_SECONDS=900
FORMAT_SECONDS=180
BENCH_SECONDS=300
PROJECT_SECONDS=1800

filter=()
format=true
while (($#)); do
  case $1 in
    --filter) need_value "$1" "$@"; filter=(--filter "$2"); shift 2 ;;
    --no-format) format=false; shift ;;
    -h | --help) show_help; exit 0 ;;
    *) usage_error "unknown argument '$1'" ;;
  esac
done

cd "$ROOT"
export FLASHSALE_RUN_DIR=$ROOT/.run/test
results=$ROOT/TestResults
make_dir "$FLASHSALE_RUN_DIR"
make_dir "$results"
exec 7>"$ROOT/.run/test.lock"
flock -n 7 || die "another test.sh of this checkout is running"

passed=0 failed=0 skipped=0
summary=()

# broke WHAT: a failure that is no test's.
broke() {
  failed=$((failed + 1))
  summary+=("$1")
  warn "$1"
}

# shellcheck disable=SC2317 # Called by the trap.
finish() {
  local status=$? line
  trap - EXIT
  trap '' INT TERM
  stop_bounded
  bash "$ROOT/scripts/stack.sh" down >/dev/null || broke "the test stack could not be stopped"
  say ''
  for line in "${summary[@]}"; do say "test: $line"; done
  if ((status == 0 && failed > 0)); then status=1; fi
  if ((status == 0 && passed == 0)); then
    warn "no test has passed"
    status=1
  fi
  line="$passed passed, $failed failed"
  if ((skipped)); then line+=", $skipped skipped"; fi
  say "$line"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# count FILE ATTRIBUTE: a number of a .trx file's summary.
count() { sed -n "s/.*<Counters [^>]*\b$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1; }

# run_project PROJECT [ENGINE [FILTER]]: the filter is for where none was given from outside.
run_project() {
  local name trx status=0 began total p f s which=("${filter[@]}")
  if [[ -n ${3:-} && ${#filter[@]} == 0 ]]; then which=(--filter "$3"); fi
  name=$(basename -- "$1" .csproj)${2:+.$2}
  if [[ -n ${2:-} ]]; then export FLASHSALE_TEST_ENGINE=$2; fi
  trx=$results/$name.trx
  began=$(now_us)
  rm -f -- "$trx"
  say "test: $name"
  bounded "$PROJECT_SECONDS" dotnet test "$1" -c Release --no-build --nologo --results-directory "$results" \
    --logger 'console;verbosity=minimal' --logger "trx;LogFileName=$name.trx" \
    --blame-hang-timeout 10m --blame-hang-dump-type none "${which[@]}" || status=$?
  total=0 p=0 f=0
  if [[ -f $trx ]]; then total=$(count "$trx" total) p=$(count "$trx" passed) f=$(count "$trx" failed); fi
  # Tests that were left out are in "total" and nowhere else.
  s=$((total - p - f))
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  summary+=("$name: $p passed, $f failed, $s skipped ($(elapsed "$began") s)")
  if ((status != 0 && f == 0)); then broke "$name broke off (exit code $status)"; fi
}

bounded "$SETUP_SECONDS" bash scripts/setup.sh || { broke "set-up failed"; exit 1; }

began=$(now_us)
build_release || { broke "the build failed"; exit 1; }
summary+=("build: done ($(elapsed "$began") s)")

if $format; then
  began=$(now_us)
  # What it finds beyond these are warnings of analyzers, which have failed the build already; to look again takes twice as long.
  if bounded "$FORMAT_SECONDS" dotnet format FlashSale.sln --verify-no-changes --no-restore \
    --diagnostics WHITESPACE IMPORTS FINALNEWLINE ENDOFLINE CHARSET >"$results/format.log" 2>&1; then
    summary+=("format: nothing to change ($(elapsed "$began") s)")
  else
    head -n 20 "$results/format.log" >&2
    broke "format: dotnet format would change files"
  fi
fi

if ((${#filter[@]} == 0)); then
  began=$(now_us) status=0
  bounded "$BENCH_SECONDS" bash scripts/bench.sh --check >"$results/bench.log" 2>&1 || status=$?
  case $status in
    0) passed=$((passed + 1)); summary+=("bench: no ratio is over the baseline's tolerance ($(elapsed "$began") s)") ;;
    3) skipped=$((skipped + 1)); summary+=("bench: $(grep -m 1 '^not compared' "$results/bench.log")") ;;
    *)
      tail -n 20 "$results/bench.log" >&2
      broke "bench: slower than the baseline (exit code $status)"
      ;;
  esac
fi

bounded 60 bash scripts/stack.sh wipe
bounded 180 bash scripts/stack.sh up || { broke "the test stack did not start"; exit 1; }
load_stack_env "$FLASHSALE_RUN_DIR"
export FLASHSALE_TEST_REDIS=$REDIS FLASHSALE_TEST_MYSQL=$MYSQL FLASHSALE_TEST_STACK=$FLASHSALE_RUN_DIR
if [[ $KAFKA_REAL == true ]]; then export FLASHSALE_TEST_KAFKA=$KAFKA_BOOTSTRAP; fi

# A solution file writes paths with backslashes (octal 134).
mapfile -t projects < <(sed -n 's/.*"\(tests\\[^"]*\.Tests\.csproj\)".*/\1/p' FlashSale.sln | tr '\134' /)
engines=(direct)
has_streamiz=$(dotnet msbuild src/FlashSale.Streams -getProperty:HasStreamiz)
if [[ $has_streamiz == true ]]; then engines+=(streamiz); fi
if [[ -n ${FLASHSALE_TEST_ENGINE:-} ]]; then engines=("$FLASHSALE_TEST_ENGINE"); fi
for project in "${projects[@]}"; do
  if [[ $project == *Streams* && $has_streamiz != true ]]; then
    summary+=("$(basename -- "$project" .csproj): left out, as this feed lacks Streamiz.Kafka.Net")
    continue
  fi
  if [[ $project != *Integration* ]]; then
    run_project "$project"
    continue
  fi
  # What is the same with any engine (the minute of chaos, which runs the build's default, among it) runs once.
  only=
  for engine in "${engines[@]}"; do
    run_project "$project" "$engine" "$only"
    only='Engine!=any'
  done
done
