#!/usr/bin/env bash
# A sweep of the demo is killed with SIGKILL at random moments and started again by the same line: what comes out has the same bits
# as without the kills, whatever the number of threads, and nothing is scored twice.
#
#   kill_sweep.sh --program HMA --demo DIR [--rounds N] [--limit N] [--seed N]
set -u

program= demo= rounds=10 limit=3 seed=1
while [ $# -gt 1 ]; do
    case $1 in
    --program) program=$(realpath "$2") ;;
    --demo) demo=$(realpath "$2") ;;
    --rounds) rounds=$2 ;;
    --limit) limit=$2 ;;
    --seed) seed=$2 ;;
    *) break ;;
    esac
    shift 2
done
if [ $# -ne 0 ] || [ ! -x "$program" ] || [ ! -d "$demo" ]; then
    echo "kill_sweep: --program HMA --demo DIR [--rounds N] [--limit N] [--seed N]" >&2
    exit 2
fi

# In memory where that is possible: processes are killed here, not disks.
place=$(mktemp -d -p /dev/shm 2>/dev/null) || place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
failed=0
RANDOM=$seed
ln -s "$demo" "$place/demo"

fail() {
    echo "FAILED: $*"
    failed=1
}

# The sweep in the current folder: sweep THREADS; its talk goes to the file talk.
sweep() {
    exec "$program" sweep ../demo/pre ../demo/post --suite ../demo/suite.json --run run --grid 0:1:0.1 --blocks 3 --levels 0,0.5,1 \
        --limit "$limit" -v -j "$1" >table 2>talk
}

# A number from the report of hma verify, or 0 when there is no run yet: count WORD
count() {
    [ -f run/journal.sqlite ] || { echo 0; return; }
    "$program" verify run >report 2>&1 || fail "hma verify after a kill: $(cat report)"
    sed "s/.* \([0-9]*\) $1.*/\1/" report
}

# Starts the sweep, kills it after so many milliseconds.
killed_after() {
    (sweep "$2") &
    local pid=$!
    sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    return 0
}

# Runs the sweep to its end; it must score what was waiting, each candidate once.
finish() {
    local scored waiting
    scored=$(count scored)
    (sweep "$1") || fail "the sweep ended with $?: $(tail -n 1 talk)"
    waiting=$(sed -n 's/.* candidates, \([0-9]*\) of them to be scored$/\1/p' talk)
    [ $((scored + waiting)) -eq "$total" ] || fail "$scored were scored, $waiting were to be scored, of $total"
    [ "$(grep -c 'retention' talk)" -eq "$waiting" ] || fail "$waiting were to be scored, $(grep -c retention talk) were"
}

# The exports hold the first command line; everything else in them must be the same.
export_front() {
    "$program" export run --to front.h5 --to front.json || fail "hma export"
    LC_ALL=C sed -i 's/ -j [123]/ -j N/' front.h5 front.json
}

same() {
    export_front
    cmp front.h5 ../whole/front.h5 || fail "the HDF5 export differs"
    cmp front.json ../whole/front.json || fail "the front differs"
}

begin() {
    mkdir "$place/$1" && cd "$place/$1" || exit 1
}

begin whole
begun=$(date +%s%N)
(sweep 1) || fail "the sweep ended with $?: $(tail -n 1 talk)"
took=$((($(date +%s%N) - begun) / 1000000))
total=$(sed -n 's/.*: \([0-9]*\) candidates, .*/\1/p' talk)
export_front
echo "$total candidates in $took ms, seed $seed"

for ((round = 1; round <= rounds; round++)); do
    begin "round-$round"
    moment=$((RANDOM * took / 32768))
    killed_after $moment $((round % 3 + 1))
    echo "round $round: killed after $moment ms, $(count scored) of $total scored"
    finish $(((round + 1) % 3 + 1))
    same
done

begin "again-and-again"
for ((round = 1; round <= rounds; round++)); do
    killed_after $((RANDOM * (took / 4) / 32768)) $((round % 3 + 1))
done
echo "one sweep killed $rounds times: $(count scored) of $total scored"
finish 2
same

[ $failed -eq 0 ] && echo "all fronts have the same bits"
exit $failed
