#!/usr/bin/env bash
# compile.sh HEADER COMPILER [FLAG].. : the header alone must compile without a warning; 77 (skipped) without a compiler.
set -eu
header=$1 compiler=$2
shift 2
case $compiler in
"" | *-NOTFOUND)
    echo "no C++ compiler: skipped (apt-get install g++)"
    exit 77
    ;;
esac
printf '#include "%s"\n#include "%s"\nextern int not_empty;\n' "$header" "$header" |
    "$compiler" "$@" -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror -fsyntax-only -
