# Standard files that are full or closed: data that was lost is exit 4, talk that was lost is not.
demo_run
hma sweep pre post --suite demo/suite.json --limit 2 --run run --grid 0.5:0.5:1 -q >/dev/null
for command in "inspect pre" "inspect pre --json" "diff pre post" "diff pre post --json" "front run" "front run --json" "verify run" \
    "verify pre" "version" "help" "merge pre post --ratio 0.5 --out m --dry-run" \
    "eval pre --suite demo/suite.json --limit 2" "sweep pre post --suite demo/suite.json --limit 2 --run run --grid 0.5:0.5:1"; do
    echo "-- $command"
    try bash -c "hma $command >/dev/full" 2>&1
    try bash -c "hma $command >&-" 2>&1
    try bash -c "hma $command | head -c 1 >/dev/null; exit \${PIPESTATUS[0]}" 2>&1 | sed 's/exit [04]$/exit 0 or 4/'
    try bash -c "hma $command 2>&- <&- >/dev/null"
done
echo "-- talk that cannot be written is no failure, errors keep their code"
try bash -c "hma eval pre --suite demo/suite.json --limit 2 -vv 2>/dev/full >/dev/null"
try bash -c "hma inspect nowhere 2>/dev/full"
try bash -c "hma inspect nowhere >&- 2>&-"
echo "-- output files with all standard files closed"
echo '{"id":"1","type":"tokenize","text":"a"}' >requests
try bash -c "hma score pre --requests requests --output answers <&- >&- 2>&-"
cat answers
try bash -c "hma score pre --requests - --output none <&-"
