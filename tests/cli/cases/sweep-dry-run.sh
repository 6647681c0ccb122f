# What a sweep would cost is said without scoring or writing anything; what a run has scored already is left out.
demo_run
export TMPDIR=$PWD/../temporary
mkdir -p "$TMPDIR"
plan() { unchanged hma sweep pre post --suite demo/suite.json --run run --limit 3 --blocks 3 --levels 0,1 --dry-run "$@"; }
mask() { sed -E 's/"(flops|seconds|measured_seconds|flops_per_second|memory)":[0-9.e+]+/"\1":N/g; s/^(operations|memory|time ).*/\1 ../'; }
plan | mask
plan --json | mask
hma sweep pre post --suite demo/suite.json --run run --limit 3 --blocks 3 --grid 0:1:0.5 -q >/dev/null
# Now there are replies, and a merge, to learn from.
plan --json | sed -E 's/"(tokens|new_tokens|judged_tokens)":[0-9]+/"\1":N/g' | mask
plan --json | grep -o '"new_tokens":[0-9]*' | awk -F: '{ print ($2 < 384 ? "shorter" : "as long") }'
plan | grep -c -E '^memory +[0-9]+ MB for one, .*; more for all, as far as --memory permits'
plan | grep -c -E '^measured .* for each of the merges so far: .* for those that are left$'
hma sweep pre post --suite demo/suite.json --run run --limit 3 --blocks 3 --levels 0,1 -q >/dev/null
plan | mask
echo '{"ratios":[0.1],"label":"post"}' >twice
refused hma sweep pre post --suite demo/suite.json --run run --limit 3 --candidates twice --dry-run
ls "$TMPDIR"
