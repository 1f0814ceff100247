#!/usr/bin/env bash
# simulate.sh --seeds N [--from S] | --seed S [--trace] | --defences [--only TEXT]
#
# Runs FlashSale against simulated servers and seeded faults, and checks after each run that it was exact (docs/exactness.md).
# Builds what it needs; needs no server.
#
#   --seeds N [--from S]  runs N seeds from S (1) on all cores; stops at the first that violates an invariant
#   --seed S [--trace]    runs one seed; with --trace prints every step
#   --defences            takes each defence of the code away in turn and prints which seed finds it out; --only TEXT: those whose name has TEXT in it
#
# Exit code: 0 all is well, 1 an invariant was violated (or a defence is not needed), 2 wrong usage, 130 interrupted.
#
# Examples:
#   scripts/simulate.sh --seeds 10000
#   scripts/simulate.sh --seed 42 --trace

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

if [[ ${1:-} == -h || ${1:-} == --help ]]; then show_help; exit 0; fi
project=$ROOT/tests/FlashSale.Simulation
dotnet build "$project" -c Release --nologo -v quiet >&2 || die "the simulation does not build"
exec dotnet "$project/bin/Release/net10.0/FlashSale.Simulation.dll" "$@"
