#!/usr/bin/env bash
# Everything that must hold before a merge.
#
#   bash tests/run.sh           all of it, under 20 minutes
#   bash tests/run.sh --quick   one build and the tests that are fast, under 2 minutes
#
# Installs missing Debian packages when run as root, else says which are missing.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib/packages.sh

quick=
case "${1-}" in
"") ;;
--quick) quick=1 ;;
*)
    echo "tests/run.sh: $1: unknown option (expected --quick or nothing)" >&2
    exit 2
    ;;
esac

logs=out/tests
jobs=$(nproc)
results=()
failed=0
mkdir -p "$logs"

# step NAME COMMAND..: runs it with its output in a log; exit code 77 counts as skipped and the log's last line says why.
step() {
    local name=$1 log=$logs/${1//[^a-z0-9]/-}.log begin=$SECONDS code=0 verdict
    shift
    printf '%-34s' "$name"
    "$@" >"$log" 2>&1 || code=$?
    case $code in
    0) verdict="ok" ;;
    77) verdict="SKIPPED: $(tail -n 1 "$log")" ;;
    *) verdict="FAILED ($log)" failed=1 ;;
    esac
    printf '%s  %d s\n' "$verdict" $((SECONDS - begin))
    results+=("$(printf '%-34s%s' "$name" "$verdict")")
    case $code in 0 | 77) return 0 ;; esac
    tail -n 60 "$log" | sed 's/^/    /'
    return 1
}

# Benchmarks are run by hand; that they still compile is seen in one of the builds.
build() {
    local targets=all
    [ "$1" != dev ] || targets='all benches'
    # shellcheck disable=SC2086 # the targets are words
    cmake --preset "$1" && cmake --build --preset "$1" -j "$jobs" --target $targets
}
run_tests() { ctest --test-dir "build/$1" --output-on-failure -j "$jobs" "${@:2}"; }
build_and_test() { build "$1" && run_tests "$1"; }

packages=$build_packages
[ -n "$quick" ] || packages="$packages $full_test_packages"
# shellcheck disable=SC2086 # the names are words
step "packages" need_packages $packages || exit 1

if [ -n "$quick" ]; then
    step "build dev (warnings are errors)" build dev && step "fast tests of dev" run_tests dev -LE slow
else
    step "build release" build release
    step "build dev (warnings are errors)" build dev
    step "tests of release" run_tests release
    step "kill -9 at ten random moments" bash tests/fault/kill_sweep.sh --program build/release/hma --demo eval/demo --limit 10
    step "build clang" build clang
    step "asan and ubsan: build, tests" build_and_test asan
    # what is slow waits for signals, disks and processes: nothing that threads could do wrong is left out
    step "tsan: build, tests" build tsan && step "tsan: tests" run_tests tsan -LE slow
    step "consumer of the installed library" bash tests/consumer/run.sh build/release
fi

echo
printf '%s\n' "${results[@]}"
if [ $failed -ne 0 ]; then
    echo "FAILED after $SECONDS s"
    exit 1
fi
echo "all passed in $SECONDS s"
