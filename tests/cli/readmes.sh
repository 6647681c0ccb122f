#!/usr/bin/env bash
# Holds the maps: fails when a source file is not named, by itself or by a pattern, in the README of its folder (or of the folder
# above, where the folder has none), and when a README names a source file that is not there.
#
#   readmes.sh ROOT
set -eu
cd "$1"

failed=0
complain() {
    echo "$1"
    failed=1
}

for folder in $(find src eval notebooks-export -name '*.c' -exec dirname {} + | sort -u); do
    readme=$folder/README.md prefix=
    if [ ! -f "$readme" ]; then
        readme=$(dirname "$folder")/README.md prefix=$(basename "$folder")/
    fi
    if [ ! -f "$readme" ]; then
        complain "$folder: has no README.md"
        continue
    fi
    mapfile -t words < <(grep -oE '`[A-Za-z0-9_*/.-]+' "$readme" | tr -d '`' | sort -u)
    for file in "$folder"/*.c; do
        name=$prefix$(basename "$file") found=
        for word in "${words[@]}"; do
            # shellcheck disable=SC2053 # the right side is a pattern
            if [[ $name == $word || $name == $word.c ]]; then
                found=1
                break
            fi
        done
        [ -n "$found" ] || complain "$readme: does not name $name"
    done
    for word in "${words[@]}"; do
        case $word in
        */* | *'*'* | *NAME*) ;;
        *.c) [ -n "$(find "$(dirname "$readme")" -name "$word" -print -quit)" ] || complain "$readme: names $word, which is not there" ;;
        esac
    done
done
exit $failed
