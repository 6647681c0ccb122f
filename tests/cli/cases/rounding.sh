# What rounding to a coarse type does to a merge of near neighbours, and that stochastic rounding does not pull it to one side.
ln -s "$DEMO/pre" pre
# A post that lies an ulp or two of bf16 from pre: what is interpolated mostly falls between the numbers of bf16.
hma merge pre "$DEMO/post" --ratio 0.01 --out post -q >/dev/null
l2() { hma diff "$1" "$2" --json | sed -E 's/.*"total":\{"l2":([0-9.e-]+),.*/\1/'; }
apart=$(l2 pre post)
# How far a merge really went from pre to post: its projection on the line between them, from three distances.
went() { awk -v a="$(l2 pre $1)" -v b="$(l2 post $1)" -v d="$apart" 'BEGIN { printf "%.6f\n", (a * a + d * d - b * b) / (2 * d * d) }'; }
hma merge pre post --ratio 0.3 --out nearest -j $THREADS | tail -n 1
for seed in 1 2 3 4 5 6; do
    hma merge pre post --ratio 0.3 --rounding stochastic --seed $seed --out seed$seed -j $THREADS -q >/dev/null
    went seed$seed
done >went
sort -u went | wc -l
awk -v nearest="$(went nearest)" '{ sum += $1; square += $1 * $1 } END {
    mean = sum / NR
    error = sqrt((square / NR - mean * mean) / (NR - 1))
    print (nearest < 0.29 || nearest > 0.31 ? "nearest rounding misses the ratio" : "nearest " nearest)
    print ((mean - 0.3) / error < 4 && (mean - 0.3) / error > -4 && error < 0.01 ? "stochastic rounding finds it" : "stochastic " mean " +- " error)
}' went
echo "-- the same seed gives the same weights, in one file or in several"
hma merge pre post --ratio 0.3 --rounding stochastic --seed 1 --out again -j $THREADS --shard-size 600K -q >/dev/null
l2 seed1 again
