# Debian packages that building and testing need; sourced by scripts.

# A compiler, the build tools and the libraries: what the program needs.
program_packages="gcc libc6-dev cmake ninja-build pkg-config libcjson-dev libopenblas-dev libhdf5-dev libsqlite3-dev libutf8proc-dev
    libpcre2-dev libssl-dev libnlopt-dev"
# And its tests.
build_packages="$program_packages libcmocka-dev"
# What the long tests use beyond that.
full_test_packages="clang-14 g++ binutils python3-venv"

# Makes sure that packages are there: installs them as root, else prints the line to do it and returns 1.
need_packages() {
    local name missing=""
    if ! command -v dpkg-query >/dev/null; then
        echo "not a Debian system: these packages are needed under whatever names they have here: $*" >&2
        return 0
    fi
    for name in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || missing="$missing $name"
    done
    [ -n "$missing" ] || return 0
    local install="apt-get install -y --no-install-recommends$missing"
    if [ "$(id -u)" -ne 0 ]; then
        echo "packages are missing; as root: apt-get update && $install" >&2
        return 1
    fi
    echo "installing:$missing"
    apt-get update -q && DEBIAN_FRONTEND=noninteractive $install
}
