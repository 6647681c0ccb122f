# Every option of merge changes what it says it changes.
small_pair
data() { tail -c +$((9 + $(head -c 8 "$1/model.safetensors" | od -An -tu8))) "$1/model.safetensors" | sha256sum | cut -c 1-12; }
merge() {
    rm -rf out
    hma merge pre post --out out "$@" >report
    echo "$(data out)  $*"
}
echo "-- ratios and blocks"
merge --ratio 0.3
merge --ratios 0.3 --blocks 1
merge --ratios 0.3,0.3,0.3
merge --ratios 0.3,0.9 --blocks 2
merge --ratios 0.3,0.9 --blocks 2,
merge --ratios 0.3,0.9,0.3,0.9,0.3 --blocks layers
merge --ratios 0.3,0.9,0.3,0.9,0.3
merge --ratios 0.3,0.6,0.9 --blocks 1,3
merge --ratio 0.3 --blocks 3
refused hma merge pre post --out out --ratios 0.3,0.9 --blocks 0,2
refused hma diff pre post --blocks 0,2
echo "-- policies and overrides"
merge --ratios 0.3,0.9 --policy full
merge --ratios 0.3,0.9 --policy linear-only
merge --ratios 0.3,0.9 --policy uniform-outside
merge --ratios 0.3,0.9 --tensor 'model.layers.0.*=0'
merge --ratios 0.3,0.9 --tensor 'model.layers.0.*=0' --tensor '*.mlp.*=1'
merge --ratio 0.3 --method linear
echo "-- types and rounding"
merge --ratio 0.3 --dtype stored
merge --ratio 0.3 --dtype F32
merge --ratio 0.3 --dtype F16
merge --ratio 0.3 --dtype BF16
merge --ratio 0.3 --dtype BF16 --rounding nearest
merge --ratio 0.3 --dtype BF16 --rounding stochastic
merge --ratio 0.3 --dtype BF16 --rounding stochastic --seed 0
merge --ratio 0.3 --dtype BF16 --rounding stochastic --seed 1
merge --ratio 0.3 --memory 64M -j 2
echo "-- shards"
hma merge pre post --ratio 0.3 --shard-size 20K --out shards | head -n 1
ls shards
hma diff out shards | tail -n 1
hma verify shards
echo "-- donor"
sed -i 's/"use_cache": true/"use_cache": false/' post/config.json
hma merge pre post --ratio 0.3 --donor pre --out from-pre >/dev/null
hma merge pre post --ratio 0.3 --donor post --out from-post >/dev/null
grep use_cache from-pre/config.json from-post/config.json
echo "-- replacing"
refused hma merge pre post --ratio 0.4 --out out
hma merge pre post --ratio 0.4 --out out --force | head -n 1
echo "-- dry run"
unchanged hma merge pre post --ratio 0.4 --out new --dry-run | head -n 1
unchanged hma merge pre post --ratio 0.4 --out new --dry-run --json | cut -c 1-60
echo "-- log and talk"
hma merge pre post --ratio 0.4 --out talk -v --log log >/dev/null 2>said
sed -s 's/^20[0-9T:Z-]* //; s/[0-9.]* s, at most [0-9]* MB/N s, at most N MB/' said log
