# Runs whose journal is not what it was: refused by name, never repaired silently, and never written to.
demo_run
hma sweep pre post --suite demo/suite.json --limit 2 --run run --grid 0.5:0.5:1 -q >/dev/null
cp -r run whole
sweep() { hma sweep pre post --suite demo/suite.json --limit 2 --run run --grid 0.5:0.5:1 "$@"; }
damage() {
    echo "-- $1"
    rm -rf run
    cp -r whole run
}
# Nothing but the lock may differ afterwards.
all_refuse() {
    rm -f run/lock
    refused hma front run
    refused hma verify run
    refused hma export run --to x.csv
    sum=$(cat run/journal.sqlite | sha256sum)
    local code=0
    sweep >../out 2>../err || code=$?
    echo "exit $code: $(cat ../out ../err)"
    [ "$sum" = "$(cat run/journal.sqlite | sha256sum)" ] || echo "the journal has changed"
}
damage "no bytes"
: >run/journal.sqlite
all_refuse
damage "not a database"
echo "hello, this is a text and no database at all, whatever its name says" >run/journal.sqlite
all_refuse
damage "half of it"
truncate -s $(($(stat -c %s run/journal.sqlite) / 2)) run/journal.sqlite
all_refuse
damage "zeros in the middle"
patch_bytes run/journal.sqlite 4096 "$(printf '\\x00%.0s' {1..400})"
all_refuse
damage "a reply that is no text"
place=$(grep -abo '{"text":"' run/journal.sqlite | tail -n 1 | cut -d : -f 1)
patch_bytes run/journal.sqlite $((place + 8)) '\xff'
hma front run -q >/dev/null
refused hma verify run
refused hma export run --to x.h5
damage "a later version"
patch_bytes run/journal.sqlite 60 '\x00\x00\x03\xe7'
all_refuse
damage "a database of another program"
patch_bytes run/journal.sqlite 68 '\x00\x00\x00\x01'
all_refuse
damage "a folder in its place"
rm run/journal.sqlite
mkdir run/journal.sqlite
refused hma front run
refused hma verify run
damage "another suite beside it"
sed -i 's/"seed": 1/"seed": 2/' run/suite.json
refused hma verify run
