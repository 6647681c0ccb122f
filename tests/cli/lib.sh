# What the cases may use. $TESTS is the tests folder, $DEMO eval/demo, $THREADS a number of threads; the working folder is empty.

# Runs a command and prints its exit code, so that a case can try several.
try() {
    local code=0
    "$@" || code=$?
    echo "exit $code"
}

# Content and kind of everything in the working folder.
snapshot() {
    find . -printf '%y %m %p %l\n' | sort
    find . -type f -exec sha256sum {} + | sort
}

# Runs a command that must not change anything in the working folder; says so if it did.
unchanged() {
    local code=0 before
    before=$(snapshot)
    "$@" || code=$?
    if [ "$before" != "$(snapshot)" ]; then
        echo "something in the working folder has changed:"
        diff <(echo "$before") <(snapshot) || true
    fi
    return $code
}

# A copy of a folder that can be changed: copy SOURCE NAME
copy() {
    cp -r "$1" "$2"
    chmod -R u+w "$2"
}

# Puts a number in the place of some bytes of a file: patch FILE OFFSET '\x00\x01'
patch_bytes() {
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# A pair of small models as "pre" and "post" in the working folder.
small_pair() {
    copy "$TESTS/golden/merge/llama-gqa-tied/pre" pre
    copy "$TESTS/golden/merge/llama-gqa-tied/post" post
}

# Runs a command that must be refused: prints exit code and message. Complains when that is not one line on stderr, when something
# is on stdout, and when something in the working folder has changed.
refused() {
    local code=0
    unchanged "$@" >../refused.out 2>../refused.err || code=$?
    if [ -s ../refused.out ]; then
        echo "on stdout:"
        cat ../refused.out
    fi
    [ "$(wc -l <../refused.err)" -eq 1 ] || echo "stderr is not one line:"
    echo "exit $code: $(<../refused.err)"
}

# Eight bytes, little-endian.
number8() {
    local i
    for i in 0 8 16 24 32 40 48 56; do
        printf "\\x$(printf %02x $(($1 >> i & 255)))"
    done
}

# A safetensors file with the header from standard input and so many zero bytes behind it: weights FILE BYTES
weights() {
    cat >"$1.header"
    {
        number8 "$(stat -c %s "$1.header")"
        cat "$1.header"
        head -c "$2" /dev/zero
    } >"$1"
    rm "$1.header"
}

# A file system of so many bytes on a folder, until the case ends: small_disk FOLDER BYTES
small_disk() {
    mkdir -p "$1"
    if ! mount -t tmpfs -o size="$2" tmpfs "$1" 2>/dev/null; then
        echo "no permission to mount a small disk"
        exit 77
    fi
    trap 'umount -l "'"$PWD/$1"'"' EXIT
}

# A pair and a suite that are scored in no time as "pre", "post" and "suite.json": three tasks and reward prompts of the demo.
demo_run() {
    ln -s "$DEMO/pre" pre
    ln -s "$DEMO/post" post
    ln -s "$DEMO" demo
    ln -s "$DEMO/suite.json" suite.json
}

# Numbers with a fraction, whose last digits depend on the processor, as N.
without_numbers() { sed -E 's/-?[0-9]+\.[0-9]+(e-?[0-9]+)?/N/g' "$@"; }

# What a run holds, as one line: the points and their scores with every bit.
points() { hma front "$1" --json | sed 's/.*"points":/points /'; }
