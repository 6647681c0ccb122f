# A run folder that belongs to other inputs or settings: exit 5, and everything that differs by name.
demo_run
cp -rL pre other
patch_bytes other/model.safetensors $(($(stat -c %s other/model.safetensors) - 2)) '\x2a\x2a'
mkdir suite
cp -rL demo/tasks demo/prompts demo/reward demo/suite.json suite
hma sweep pre post --suite demo/suite.json --limit 2 --run run --grid 0.5:0.5:1 -q >/dev/null
points run >../before
differs() {
    local code=0
    hma sweep "$@" --run run --grid 0.5:0.5:1 >../out 2>../err || code=$?
    echo "exit $code: $(cat ../out ../err | sed 's/kernels was [^;]*; //')"
    points run | cmp ../before -
}
echo "-- models, suites, limits, settings"
differs other post --suite demo/suite.json --limit 2
differs post pre --suite demo/suite.json --limit 2
differs pre post --suite demo/suite.json --limit 3
differs pre post --suite demo/suite.json
differs pre post --suite demo/suite.json --limit 2 --blocks 3
differs pre post --suite demo/suite.json --limit 2 --policy linear-only
differs pre post --suite demo/suite.json --limit 2 --dtype F32 --rounding stochastic --seed 3
differs pre post --suite demo/suite.json --limit 2 --tensor '*.mlp.*=1'
differs pre post --suite demo/suite.json --limit 2 --prompts search --precision bf16 --bos no
sed -i 's/"seed": 1/"seed": 2/' suite/suite.json
differs pre post --suite suite/suite.json --limit 2
cp demo/suite.json suite
sed -i '1s/window/door/' suite/tasks/reading.jsonl
differs pre post --suite suite/suite.json --limit 2
cp demo/tasks/reading.jsonl suite/tasks
patch_bytes suite/reward/model.safetensors $(($(stat -c %s suite/reward/model.safetensors) - 1)) '\x3f'
differs pre post --suite suite/suite.json --limit 2
echo "-- the same things under other names, with other threads and memory, are the same run"
cp -r "$DEMO/reward/." suite/reward
cp -rL pre moved
hma sweep moved post --suite suite/suite.json --limit 2 --run run --grid 0.5:0.5:1 -j 2 --memory 100M -v 2>talk >/dev/null
grep 'to be scored' talk
echo "-- a second process on a run that is being scored"
>../progress
hma sweep pre post --suite demo/suite.json --run busy --grid 0:1:0.001 --progress json 2>../progress >/dev/null &
pid=$!
until grep -q step ../progress; do sleep 0.02; done
try hma sweep pre post --suite demo/suite.json --run busy --grid 0:1:0.001 2>&1 | sed "s/process $pid on $(uname -n)/process PID on HOST/"
until [ "$(hma front busy 2>/dev/null | wc -l)" -gt 3 ]; do sleep 0.05; done
echo "reading it goes on meanwhile"
hma verify busy | cut -d ';' -f 2 | sed 's/[0-9]* scores/N scores/'
kill -INT $pid
code=0
wait $pid || code=$?
echo "exit $code"
