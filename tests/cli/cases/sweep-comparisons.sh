# Points of comparison: mixtures of what pre and post predict, other checkpoints; named points; what is no merge cannot be merged.
demo_run
copy "$DEMO/pre" early
sweep() { hma sweep pre post --suite demo/suite.json --limit 3 --grid 0.5:0.5:0.1 "$@"; }
sweep --run run --mixture 0:1:0.5 --extra early=early --extra late=post -j $THREADS >table
sed -n '3,/^$/p' table | without_numbers | sed -E 's/ +/ /g; s/^[*>]+ /  /'
echo "-- a mixture costs both models"
sweep --run dry --mixture 0:1:0.5 --dry-run | grep '^candidates'
echo "-- the same checkpoint elsewhere is the same candidate, another one under its name is not"
mv early moved
sweep --run run --mixture 0:1:0.5 --extra early=moved --extra late=post -v 2>talk | diff table -
grep 'to be scored' talk
try sweep --run run --extra early=post
echo "-- what cannot be used"
try sweep --run other --extra early
try sweep --run other --extra early=
try sweep --run other --extra post=moved
try sweep --run other --extra knee=moved
try sweep --run other --extra early=nowhere
try sweep --run other --mixture 0:2:0.5
copy "$TESTS/golden/models/gpt2-text" stranger
try sweep --run other --extra early=stranger
copy "$DEMO/reward" judge
try sweep --run other --extra early=judge
rm -r stranger judge
echo "-- points by their names"
for name in recommended knee best-retention best-reward; do
    hma merge --from run --point $name --out merged-$name --json | grep -c '"written":true'
done
try hma merge --from run --point late --out nothing
try hma merge --from run --point "mixture 0.5" --out nothing
try hma export run --mergekit nothing.yml --point early
hma export run --mergekit knee.yml --point knee
grep -c merge_method knee.yml
ls
