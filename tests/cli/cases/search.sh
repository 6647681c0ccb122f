# Searches from the command line: the same line again asks nothing and says the same, so does another number of threads; a larger
# budget goes on; ratios are chosen on other items than those they are reported on; races.
demo_run
search() { hma search pre post --suite demo/suite.json --limit 4 -j $THREADS "$@"; }
echo "-- surrogate"
search --run run --candidates 8 --json >first 2>talk
sed -n 's/.*\(search: [0-9]* candidates\).*\(ended by [a-z]*\).*/\1 \2/p' talk
search --run run --candidates 8 --json -q | cmp - first
hma verify run | sed 's/.*: intact/intact/; s/[0-9]* scores.*//; s/[0-9]* scored, \(.*waiting\).*;/N scored, \1;/'
hma front run | grep -c 'more candidates were scored on the search items only'
hma front run | sed -n 's/^front  .*\(alignment, search\)  *\(retention, search\).*/\1 \2/p'
hma front run --json | grep -o '"label":"post".*"search":{"alignment":{"value"' | grep -c .
hma export run --to run.h5 && ls run.h5
hma export run --to run.csv && head -n 1 run.csv | grep -o 'alignment_search,alignment_search_stderr'
hma export run --to run.html && grep -o '<h2>Search items and test items</h2>' run.html
echo "-- nsga2 goes on where a smaller budget ended"
search --run evolved --method nsga2 --population 5 --candidates 7 -q >/dev/null
search --run evolved --method nsga2 --population 5 --candidates 9 -v 2>&1 >/dev/null | grep -o 'search: 9 candidates, ended by candidates'
echo "-- hma: ratios of a mean, beside uniform ones; texts and evaluations are kept"
search --run paper --method hma --mean 0.5 --block-length 0 -v >/dev/null 2>talk
grep -o 'search: mean ratio 0.5: log-likelihood' talk
grep -c 'post answers the search prompts' talk
ls paper | sed 's/texts-[0-9a-f]*/texts-N/'
search --run paper --method hma --mean 0.5 --block-length 0 -v 2>talk >/dev/null
grep -c 'post answers the search prompts' talk || true
hma front paper --json | grep -o '"mean_ratio":0.5[,}]' | wc -l
search --run paper --method hma --mean 0.5 --block-length 0 --parametrization paper --learning-rate 0.02 -v 2>talk >/dev/null
grep -o 'ended by steps' talk
search --run paper --method hma --mean 0.5 --block-length 0 --parametrization paper --learning-rate 0.02 -v 2>again >/dev/null
diff <(grep 'mean ratio' talk | sed 's/^[^:]*: //') <(grep 'mean ratio' again | sed 's/^[^:]*: //')
hma front paper --compare | grep '^Merges of several'
echo "-- points of comparison stand beside the front, on the test items only"
search --run run --candidates 8 --mixture 0.5:0.5:1 --extra start=pre --json -q >more
grep -o '"label":"[^"]*","origin":"extra"' more
hma export run --to run.csv && grep -c ',extra,' run.csv
try search --run beside --candidates 8 --extra start 2>&1 | tail -n 2
echo "-- other items than a sweep's"
try hma sweep pre post --suite demo/suite.json --limit 4 --blocks 3 --run run -q 2>&1 | sed 's/.*: belongs to another run (\(.*\)): give.*/\1/'
hma sweep pre post --suite demo/suite.json --limit 4 --blocks 3 --items test --grid 0.5:0.5:1 --run run -q >/dev/null
echo "-- a race"
hma sweep pre post --suite demo/suite.json --limit 8 --blocks 3 --levels 0,1 --race --run race -q >table
hma verify race | sed 's/.*: intact/intact/; s/[0-9]* scores.*//; s/[0-9]* scored, \(.*waiting\).*;/N scored, \1;/'
hma sweep pre post --suite demo/suite.json --limit 8 --blocks 3 --levels 0,1 --race --run race -q | cmp - table
echo "-- what cannot be"
try search --run bad --method hma --mean 1.5 2>&1 | tail -n 2
try search --run bad --method hma --mean 0.5 --texts nowhere.jsonl 2>&1 | tail -n 2
try search --run bad --candidates 2 2>&1 | tail -n 2
ls -d bad beside 2>/dev/null || true
