# A sweep from the command line to the front: candidates, table, JSON; the same line again scores nothing and says the same; so does
# another number of threads.
demo_run
sweep() { hma sweep pre post --suite demo/suite.json --limit 3 "$@"; }
sweep --run run --grid 0:1:0.5 --blocks 3 --levels 0,1 -j $THREADS >table
# The rows of the table; what is said below it depends on the numbers.
sed -n '3,/^$/p' table | without_numbers | sed -E 's/ +/ /g; s/^[*>]+ /  /; s/ [01]\.?[0-9]* (endpoint|grid)/ M \1/'
grep -q '^verdict: ' table || echo "no verdict"
echo "-- again: nothing is scored"
sweep --run run --grid 0:1:0.5 --blocks 3 --levels 0,1 -v 2>talk | diff table -
grep 'to be scored' talk
grep -c retention talk || true
echo "-- more candidates of the same kind: only those"
sweep --run run --grid 0:1:0.25 --blocks 3 -v 2>talk >/dev/null
grep 'to be scored' talk
echo "-- threads do not matter"
sweep --run other --grid 0:1:0.25 --blocks 3 --levels 0,1 -j 2 >/dev/null
cmp <(points run | tr , '\n' | sort) <(points other | tr , '\n' | sort) || true
echo "-- front says what sweep said"
sweep --run run --grid 0:1:0.25 --blocks 3 --levels 0,1 | diff - <(hma front run)
sweep --run run --grid 0:1:0.25 --blocks 3 --levels 0,1 --json | cmp - <(hma front run --json)
echo "-- its JSON"
hma front run --json >json
for key in ratio_meaning points id label origin ratios mean_ratio alignment retention tasks on_front membership front hypervolume recommended verdict; do
    grep -q "\"$key\":" json || echo "no $key"
done
without_numbers json | sed -E 's/.*"points":(\[\{[^]]*\][^]]*\}\}).*/\1/; s/"id":"[0-9a-f]*"/"id":".."/' | cut -c 1-200
echo "-- settings of the bootstrap"
hma front run --seed 5 --resamples 200 --json | cmp -s - json || echo "another seed, other intervals"
hma front run --seed 1 --resamples 10000 --json | cmp - json && echo "the suite's seed is the default"
echo "-- verified"
hma verify run
hma verify run --json | sed 's/"report".*//'
ls -A run
