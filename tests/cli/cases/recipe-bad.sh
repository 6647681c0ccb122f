# Recipes that are wrong, by option and by file: exit 2 where an option is at fault, 3 where a file is, and nothing is written.
small_pair
echo "-- which ratios"
refused hma merge pre post --out out
refused hma merge pre post --out out --ratio 0.5 --ratios 0.5
refused hma merge pre post --out out --ratio 0.5 --recipe r.json
refused hma merge pre post --out out --ratios 0.5,
refused hma merge pre post --out out --ratios ,
refused hma merge pre post --out out --ratios 0.1,0.2,0.3,0.4,0.5,0.6
refused hma merge pre post --out out --ratios 0.1,0.2 --blocks 3
echo "-- blocks"
for blocks in 0 6 -1 1.5 all '' 3,1 2,5 1,1 1,x; do
    refused hma merge pre post --out out --ratio 0.5 --blocks "$blocks"
done
echo "-- overrides"
refused hma merge pre post --out out --ratio 0.5 --tensor 'nothing.*=1'
refused hma merge pre post --out out --ratio 0.5 --tensor 'model.norm.weight'
refused hma merge pre post --out out --ratio 0.5 --tensor 'model.norm.weight=2'
refused hma merge pre post --out out --ratio 0.5 --tensor 'model.norm.weight=nan'
refused hma merge pre post --out out --ratio 0.5 --tensor '=1'
refused hma merge pre post --out out --ratio 0.5 --tensor 'model.[a=1'
refused hma merge pre post --out out --ratio 0.5 --tensor "$(printf '*a%.0s' {1..200})*=1"
echo "-- words"
refused hma merge pre post --out out --ratio 0.5 --policy ful
refused hma merge pre post --out out --ratio 0.5 --method linaer
refused hma merge pre post --out out --ratio 0.5 --dtype F8
refused hma merge pre post --out out --ratio 0.5 --dtype I32
refused hma merge pre post --out out --ratio 0.5 --rounding up
refused hma merge pre post --out out --ratio 0.5 --donor both

# recipe JSON WHAT
recipe() {
    echo "-- $2"
    printf "%s" "$1" >r.json
    refused hma merge pre post --out out --recipe r.json
}
recipe '' "empty file"
recipe '[0.5]' "a list"
recipe '{"ratio":0.5' "unfinished"
recipe '{"ratio":0.5}x' "trailing text"
recipe '{"ratoi":0.5}' "misspelt key"
recipe '{"ratio":0.5,"ratio":0.6}' "a key twice"
recipe '{"ratio":"0.5"}' "a number in quotes"
recipe '{"ratio":1e400}' "a number beyond double"
recipe '{"ratio":NaN}' "NaN"
recipe '{"ratio":1.5}' "a ratio above 1"
recipe '{"ratios":[]}' "no ratios"
recipe '{"ratios":[0.1,null]}' "a ratio that is null"
recipe '{"ratios":[0.1,0.2],"blocks":3}' "ratios and blocks disagree"
recipe '{"ratio":0.5,"method":"slrep"}' "unknown method"
recipe '{"ratio":0.5,"tensors":{"a":1}}' "override without effect"
recipe '{"ratio":0.5,"seed":-1}' "negative seed"
recipe '{"ratio":0.5,"x":'"$(head -c 100000 /dev/zero | tr '\0' '[')" "very deep"
recipe '{}' "empty object"
echo "-- settings beside a file"
echo '{"ratio":0.5}' >r.json
refused hma merge pre post --out out --recipe r.json --dtype F32
refused hma merge pre post --out out --recipe r.json --blocks 2
echo "-- files that are none"
refused hma merge pre post --out out --recipe nowhere.json
refused hma merge pre post --out out --recipe pre
mkfifo fifo
refused timeout 20 hma merge pre post --out out --recipe fifo
echo "-- without a second model"
for option in "--ratio 0.5" "--ratios 0.5" "--recipe r.json" "--dtype F32" "--blocks 2" "--seed 1"; do
    refused hma score pre --requests r.json --output answers $option
done
echo "-- points of runs"
refused hma merge --out out
refused hma merge pre --out out --ratio 0.5
refused hma merge pre post --out out --ratio 0.5 --point post
refused hma merge pre --out out --from run
refused hma merge pre post --out out --from run --ratio 0.5
refused hma merge pre post --out out --from run --policy full
refused hma merge pre post --out out --from nowhere
refused hma merge pre post --out out --from pre
