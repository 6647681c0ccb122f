# A run folder keeps the exact suite and the request file: missing ones come back, altered ones are told of and left alone.
# Its history has a line for every command that added candidates.
demo_run
sweep() { hma sweep pre post --suite demo/suite.json --limit 2 --run run "$@"; }
history() {
    hma export run --to ../front.json -q >/dev/null
    sed -E 's/.*"history":"([^"]*)".*/\1/; s/\\n/\n/g; q' ../front.json
}
sweep --grid 0:1:0.5 >/dev/null
cp run/suite.json run/requests.jsonl ..
echo "-- missing"
rm run/suite.json run/requests.jsonl
try hma verify run 2>&1
sweep --grid 0:1:0.5 >/dev/null
cmp run/suite.json ../suite.json && cmp run/requests.jsonl ../requests.jsonl && hma verify run
echo "-- altered"
sum=$(sha256sum <run/journal.sqlite)
for name in suite.json requests.jsonl; do
    echo >>run/$name
    try hma verify run 2>&1
    try sweep --grid 0:1:0.25 2>&1
    cp ../$name run
done
[ "$sum" = "$(sha256sum <run/journal.sqlite)" ] || echo "the journal has changed"
echo "-- history: what added candidates, in order"
history
echo "-- and later"
sweep --grid 0:1:0.25 >/dev/null
sweep --grid 0:1:0.25 -j 1 >/dev/null
sweep --grid 0:1:0.25 -j 1 --limit 3 2>/dev/null || true
sweep --mixture 0.5:0.5:1 -q >/dev/null
history
