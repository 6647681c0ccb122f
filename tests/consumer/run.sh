#!/usr/bin/env bash
# Installs a build into a scratch folder and uses it from there: by CMake, by pkg-config, and as a program.
#
#   run.sh BUILD_FOLDER
set -eux
here=$(realpath "$(dirname "$0")")
build=$(realpath "$1")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cmake --install "$build" --prefix "$place/installed"
cd "$place"
libraries=$(dirname "$(find installed -name libhma.so)")

cmake -S "$here" -B by-cmake -G Ninja -DCMAKE_PREFIX_PATH="$place/installed"
cmake --build by-cmake
by-cmake/consumer

export PKG_CONFIG_PATH=$place/$libraries/pkgconfig
# shellcheck disable=SC2046 # flags are words
gcc -std=c17 "$here/main.c" $(pkg-config --cflags --libs hma) -o by-pkg-config
LD_LIBRARY_PATH=$place/$libraries ./by-pkg-config

installed/bin/hma version
bash -n installed/share/bash-completion/completions/hma

# What libhma.so shows to the world carries the library's name.
foreign=$(nm -D --defined-only "$libraries/libhma.so" | awk '$3 !~ /^hma_/ { print $3 }')
test -z "$foreign"
