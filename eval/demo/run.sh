#!/usr/bin/env bash
# The whole job on the embedded demo: from a bare Debian 12 to a front and the merged model worth shipping.
#
#   bash eval/demo/run.sh [FOLDER]      FOLDER (default out/demo) takes the run, the exports and the merged model
#
# Installs missing Debian packages when run as root, else says which are missing. Run again, it resumes: nothing is scored twice.
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/packages.sh

out=${1:-out/demo}
mkdir -p "$out"

# quietly NAME COMMAND..: shows the output only if the command fails.
quietly() {
    local name=$1 log=$out/$1.log
    shift
    echo "$name .."
    if ! "$@" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        echo "$name failed; the whole output is in $log" >&2
        exit 1
    fi
}

# shellcheck disable=SC2086 # the names are words
quietly packages need_packages $program_packages
quietly configure cmake --preset release -DHMA_TESTS=OFF -B build/demo
quietly build cmake --build build/demo -j "$(nproc)"
hma=build/demo/hma
demo=eval/demo

echo "sweep: 11 uniform ratios and 3 blocks x 3 levels .."
begin=$SECONDS
$hma sweep $demo/pre $demo/post --suite $demo/suite.json --run "$out/run" --grid 0:1:0.1 --blocks 3 --levels 0.4,0.7,1
echo "scored in $((SECONDS - begin)) s"
echo

$hma export "$out/run" --to "$out/front.ipynb" --to "$out/front.svg" --to "$out/front.html" --to "$out/front.csv" \
    --to "$out/front.json"
$hma merge --from "$out/run" --point recommended --out "$out/merged" --force
echo
echo "In $out:"
echo "  run/         the journal: hma front $out/run"
echo "  front.svg    the front as a picture; front.html as a page"
echo "  front.h5     all points, items and differences; front.ipynb reads it; front.csv, front.json"
echo "  merged/      the recommended merge, a complete model folder"
