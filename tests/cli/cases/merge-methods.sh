# Methods of merging: what each makes, what it refuses, and that what is scored is what is written.
small_pair
copy "$TESTS/golden/methods/base" base
data() { tail -c +$((9 + $(head -c 8 "$1/model.safetensors" | od -An -tu8))) "$1/model.safetensors" | sha256sum | cut -c 1-12; }
merge() {
    rm -rf out
    hma merge pre post --out out -j "$THREADS" "$@" >report
    echo "$(data out)  $*"
}
echo "-- what they make"
merge --ratio 0.5
merge --ratio 0.5 --method extrapolate
merge --ratio 1.5 --method extrapolate
merge --ratio 0.5 --method slerp
merge --ratio 0.5 --method task-arithmetic
merge --ratio 0.5 --method task-arithmetic --base base
merge --ratio 0.5 --method task-arithmetic --lambda 1.2
merge --ratio 0.5 --method task-arithmetic --lambda 1.2 --base base
merge --ratio 0.5 --method ties
merge --ratio 0.5 --method ties --density 0.5
merge --ratio 0.5 --method ties --base base
merge --ratio 0.5 --method dare
merge --ratio 0.5 --method dare --seed 1
merge --ratio 0.5 --method dare --base base
merge --ratios 0,1.5 --blocks 2 --method extrapolate --tensor 'model.layers.0.*=2'
echo "-- a merged folder says what it is, and can be made again"
hma merge pre post --ratio 0.5 --method ties --density 0.5 --lambda 1.1 --base base --out three >/dev/null
grep -o '"recipe": {[^}]*}' three/hma-recipe.json
grep '"base": {' three/hma-recipe.json
grep -i 'base' three/README.md
hma verify three
hma merge pre post --recipe three/hma-recipe.json --base base --out again >/dev/null
cmp three/model.safetensors again/model.safetensors
echo "-- what is scored is what is written"
echo '{"id":"1","type":"logits","ids":[1,2,3]}' >r
for method in "extrapolate --ratio 1.4" "slerp --ratio 0.4" "ties --ratio 0.4 --base base" "dare --ratio 0.4 --seed 5"; do
    hma score pre --post post --method $method --requests r --output merged -q -j "$THREADS"
    hma merge pre post --method $method --out written --force >/dev/null
    hma score written --requests r --output saved -q
    cmp merged saved
done
echo "-- before rounding"
hma score pre --post post --ratio 0.3 --dtype BF16 --requests r --output rounded -q
hma score pre --post post --ratio 0.3 --dtype BF16 --score-unrounded --requests r --output unrounded -q
hma score pre --post post --ratio 0.3 --dtype F32 --requests r --output single -q
cmp unrounded single
cmp -s rounded unrounded || echo "rounding shows"
echo "-- refused"
refused hma merge pre post --out no --ratio 1.5
refused hma merge pre post --out no --ratios 0.5,1.5
refused hma merge pre post --out no --ratio 2.5 --method extrapolate
refused hma merge pre post --out no --ratio -0.5 --method extrapolate
refused hma merge pre post --out no --ratio 1.5 --method slerp
refused hma merge pre post --out no --ratio 0.5 --density 0.5
refused hma merge pre post --out no --ratio 0.5 --method slerp --lambda 2
refused hma merge pre post --out no --ratio 0.5 --method ties --density 0
refused hma merge pre post --out no --ratio 0.5 --method ties --density 1.5
refused hma merge pre post --out no --ratio 0.5 --method ties --lambda 5
refused hma merge pre post --out no --ratio 0.5 --base base
refused hma merge pre post --out no --ratio 0.5 --method ties --base nowhere
refused hma merge pre post --out base --force --ratio 0.5 --method ties --base base
refused hma merge pre post --out no --recipe three/hma-recipe.json
refused hma merge pre post --out no --recipe again/../out/hma-recipe.json --base base
refused hma score pre --requests r --output no --base base
refused hma score pre --requests r --output no --score-unrounded
