# A suite without alignment, and a run without merges: what is recommended follows from what is there, and names that need a reward
# are not given.
demo_run
cat >skills.json <<'SUITE'
{"name":"skills","tasks":[{"name":"commonsense","category":"commonsense","type":"multiple_choice","metric":"acc",
"file":"demo/tasks/commonsense.jsonl"}],"seed":1}
SUITE
tail_of() { sed -E -n '/^(knee|best|recommended|verdict)/p' | sed -E 's/[-+]?[0-9]+\.[0-9]+/N/g; s/N against [-N]+/N against N/'; }
echo "-- without alignment"
hma sweep pre post --suite skills.json --limit 100 --run skills --grid 0:1:1 -j "$THREADS" 2>talk | tail_of
sed 's/.*: measures/measures/' talk
hma front skills --json | grep -o '"named":{[^}]*}' | sed -E 's/"[0-9a-f]{12,}"/"ID"/'
refused_point() { try hma merge --from skills --point "$1" --out no 2>&1; }
refused_point best-reward
refused_point knee
hma merge --from skills --point recommended --out recommended >/dev/null
grep -o '"ratios": *\[[^]]*\]' recommended/hma-recipe.json
hma export skills --to skills.h5 --to skills.html --to skills.svg --to skills.ipynb && ls skills.*
echo "-- without merges"
hma sweep pre post --suite demo/suite.json --limit 40 --run ends --grid 0:1:1 -q -j "$THREADS" | tail_of
