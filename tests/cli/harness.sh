#!/usr/bin/env bash
# Runs one case of the command line and compares what it says: tests/cli/README.md.
#
#   harness.sh --program HMA --scratch DIR [--rewrite] [--exec-prefix COMMAND] CASE.sh
set -u

die() {
    echo "harness: $*" >&2
    exit 2
}

program= scratch= rewrite= prefix= case_file=
while [ $# -gt 0 ]; do
    case $1 in
    --program) program=$2 && shift 2 ;;
    --scratch) scratch=$2 && shift 2 ;;
    --exec-prefix) prefix=$2 && shift 2 ;;
    --rewrite) rewrite=1 && shift ;;
    -*) die "$1: unknown option" ;;
    *) case_file=$(realpath "$1") && shift ;;
    esac
done
[ -x "$program" ] || die "--program: '$program' is not a program"
[ -n "$scratch" ] || die "--scratch: is missing"
[ -f "$case_file" ] || die "case file is missing"

here=$(dirname "$(realpath "$0")")
name=$(basename "$case_file" .sh)

# Lines of $1 against patterns in $2; a pattern "..." stands for any number of lines.
matches_glob() {
    local -a lines patterns
    mapfile -t lines <"$1"
    mapfile -t patterns <"$2"
    glob_from 0 0
}

glob_from() {
    local line=$1 pattern=$2
    while [ "$pattern" -lt "${#patterns[@]}" ]; do
        if [ "${patterns[pattern]}" = ... ]; then
            for ((; line <= ${#lines[@]}; line++)); do
                glob_from "$line" $((pattern + 1)) && return 0
            done
            return 1
        fi
        # shellcheck disable=SC2053 # the right side is a pattern
        [ "$line" -lt "${#lines[@]}" ] && [[ ${lines[line]} == ${patterns[pattern]} ]] || return 1
        line=$((line + 1)) pattern=$((pattern + 1))
    done
    [ "$line" -eq "${#lines[@]}" ]
}

# $1: stdout or stderr; $2: what came out
compare_stream() {
    local expected=$case_file.$1
    if [ -f "$expected.glob" ]; then
        matches_glob "$2" "$expected.glob" && return 0
        echo "$name: $1 does not match $(basename "$expected.glob"):"
        diff -u "$expected.glob" "$2"
        return 1
    fi
    if [ -n "$rewrite" ]; then
        if [ -s "$2" ]; then cp "$2" "$expected.exact"; else rm -f "$expected.exact"; fi
        return 0
    fi
    expected=$expected.exact
    [ -f "$expected" ] || expected=/dev/null
    cmp -s "$expected" "$2" && return 0
    echo "$name: $1 differs from what is expected:"
    diff -u "$expected" "$2"
    return 1
}

compare_exit() {
    local expected=0
    if [ -n "$rewrite" ]; then
        if [ "$1" -eq 0 ]; then rm -f "$case_file.exit"; else echo "$1" >"$case_file.exit"; fi
        return 0
    fi
    [ -f "$case_file.exit" ] && read -r expected <"$case_file.exit"
    [ "$1" -eq "$expected" ] && return 0
    echo "$name: exit code $1, expected $expected"
    return 1
}

# One run of the case with $1 threads.
run_case() {
    local place=$scratch/$name.$1 failed=0
    rm -rf "$place"
    mkdir -p "$place/bin" "$place/work" || die "$place: cannot make the scratch folder"
    printf '#!/bin/sh\nexec %s %q "$@"\n' "$prefix" "$(realpath "$program")" >"$place/bin/hma"
    chmod +x "$place/bin/hma"
    (
        cd "$place/work" || exit 2
        export PATH=$place/bin:$PATH TESTS=$here/.. DEMO=$here/../../eval/demo THREADS=$1 TMPDIR=$place LC_ALL=C
        unset NO_COLOR HMA_TEST_TERMINAL
        exec bash -eu -c '. "$0"; . "$1"' "$here/lib.sh" "$case_file" </dev/null >"$place/stdout" 2>"$place/stderr"
    )
    local code=$?
    if [ $code -eq 77 ]; then
        echo "$name: skipped: $(tail -n 1 "$place/stdout")"
        exit 77
    fi
    compare_exit $code || failed=1
    compare_stream stdout "$place/stdout" || failed=1
    compare_stream stderr "$place/stderr" || failed=1
    [ $failed -eq 0 ] && rm -rf "$place"
    return $failed
}

# A case that speaks of $THREADS must say the same with one thread and with three.
threads=1
grep -Eq '\$\{?THREADS' "$case_file" && threads="1 3"
status=0
for count in $threads; do
    run_case "$count" || status=1
done
exit $status
