# Arguments as they come: none, too many, odd bytes, very long ones, names that begin with a dash.
refused hma merge
refused hma merge a b c --out out --ratio 0.5
refused hma diff
refused hma diff a
refused hma inspect
refused hma score
refused hma score m
refused hma eval m
refused hma sweep a b
refused hma sweep a b --suite s.json
refused hma front
refused hma export run
refused hma export run --to
refused hma verify
refused hma sweep a b --suite s --run r --levels 0,1
refused hma export run --point post --to x.csv
echo "-- odd bytes"
refused hma inspect $'\xff\xfe'
refused hma inspect $'\xff\e[2J'
refused hma $'\xc3\x28'
short() { refused "$@" | sed -E 's/x{100,}/x../g'; }
short hma inspect "--$(head -c 100000 /dev/zero | tr '\0' x)"
short hma inspect "$(head -c 5000 /dev/zero | tr '\0' x)"
short hma inspect "$(head -c 100000 /dev/zero | tr '\0' x)"
echo "-- a dash first"
refused hma inspect -x
refused hma inspect -- -x
small_pair
mv pre -- -pre
hma inspect -- -pre | head -n 1
hma diff --json -- -pre post | cut -c 1-40
hma merge ./-pre post --ratio=1 --out=-out | head -n 1
hma verify -- -out | head -n 1
