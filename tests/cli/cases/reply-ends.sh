# Which tokens end replies (generation_config.json) belongs to what a run is, and is the same for all of its candidates: post's.
copy "$DEMO/pre" pre
copy "$DEMO/post" post
copy "$DEMO/pre" early
ln -s "$DEMO" demo
ends() { echo "{\"eos_token_id\":$2}" >$1/generation_config.json; }
suite="--suite demo/suite.json --limit 4"
sweep() { hma sweep pre post $suite "$@"; }
# The scores of a point (point RUN LABEL) and of a model, with every bit.
point() { points $1 | tr '{' '\n' | sed -n '/"label":"'"$2"'"/,/"categories"/p' | grep -A1 -E '"(alignment|commonsense|reading|translation)":$' | numbers; }
scores() { hma eval "$@" $suite --json | tr '{' '\n' | grep -E '"(metric|type)":' | numbers; }
numbers() { grep -o '"value":[^,]*' | sort; }
echo "-- other ends are another run"
sweep --run run --grid 0:1:0.5 >/dev/null
points run >../before
ends pre '[0,17]'
ends post '[0,17]'
try sweep --run run --grid 0:1:0.5 2>&1
try sweep --run run --grid 0:1:0.25 2>&1
points run | cmp ../before -
echo "-- the same ends by another file are the same run"
ends post '[0, 2], "temperature": 0.7'
rm pre/generation_config.json
sweep --run run --grid 0:1:0.5 | diff - <(hma front run)
echo "-- all candidates end their replies like post, the endpoints and other checkpoints as well"
ends pre 0
ends early '[0,2]'
ends post '[0,17]'
sweep --run ended --grid 0:1:0.5 --extra early=early >/dev/null
scores pre --post post --ratio 0 >merged
wc -l <merged
for label in pre early; do
    point ended $label | cmp - merged || true
done
hma merge pre post --ratio 0 --out saved -q >/dev/null
scores saved | cmp merged -
scores pre | cmp -s merged - || echo "alone pre goes on"
echo "-- hma diff mentions it"
hma diff pre post | tail -n 1
hma diff pre post --json | grep -o '"notes":.*'
ends post '[0,"x"]'
hma diff pre post | tail -n 1
ends post '[0]'
hma diff pre post --json | grep -o '"notes":.*'
