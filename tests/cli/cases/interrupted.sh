# SIGINT, SIGTERM and SIGHUP: exit 128 + the signal, one line that says how to go on, nothing half-written, and going on works.
demo_run
files() { find . -mindepth 1 ! -name 'talk*' | sort | tr '\n' ' '; echo; }
# ThreadSanitizer may keep a signal for long that comes while it is at work itself.
sanitized() { grep -q __tsan_init "$(command -v hma)"; }
# stop SIGNAL PATTERN COMMAND..: runs the command, waits for a file that matches, or a line in talk, and stops it.
stop() {
    local signal=$1 pattern=$2 code=0
    shift 2
    : >talk # there before anybody looks, and without what the command before said
    "$@" 2>>talk >/dev/null &
    local pid=$!
    until compgen -G "$pattern" >/dev/null || grep -q "$pattern" talk; do
        kill -0 $pid 2>/dev/null || break
        sleep 0.01
    done
    kill -"$signal" $pid 2>/dev/null || echo "it had ended already"
    (sleep 60 >/dev/null; kill -"$signal" $pid && sanitized || echo "the first signal was lost") 2>/dev/null &
    local again=$!
    wait $pid || code=$?
    kill $again 2>/dev/null || true
    echo "$signal: exit $code: $(grep -a '^hma: ' talk | grep -v 'to be scored\|alignment\|seconds\|MB of memory')"
}
echo "-- sweeps"
sweep() { echo hma sweep pre post --suite demo/suite.json --run $1 --limit 20 --grid 0:1:$2; }
stop INT 'post: alignment' $(sweep run 0.001) -v
files
stop TERM '0.01: alignment' $(sweep run 0.001) -v
stop HUP '0.02: alignment' $(sweep run 0.001) -v
hma verify run | sed -E 's/[0-9]+ (scored|waiting|scores)/N \1/g'
stop INT 'early' $(sweep early 0.001)
rm -rf early

echo "-- a sweep that goes on afterwards is the one that was never stopped"
hma sweep pre post --suite demo/suite.json --run whole --limit 3 --grid 0:1:0.02 -q >/dev/null
stop INT '0.04: alignment' hma sweep pre post --suite demo/suite.json --run parts --limit 3 --grid 0:1:0.02 -v
hma sweep pre post --suite demo/suite.json --run parts --limit 3 --grid 0:1:0.02 -q >/dev/null
cmp <(points whole) <(points parts) && echo "the same"
rm -rf run whole parts

echo "-- merges"
# A model with one tensor large enough to be caught while it is written.
big() {
    mkdir $1
    sed 's/"num_hidden_layers": 5/"num_hidden_layers": 1/' "$TESTS/golden/merge/llama-gqa-tied/pre/config.json" >$1/config.json
    printf '{"model.layers.0.mlp.up_proj.weight":{"dtype":"F32","shape":[8000000,16],"data_offsets":[0,512000000]}}' | weights $1/model.safetensors 0
    truncate -s +512000000 $1/model.safetensors
}
big a
cp -r --sparse=always a b
for signal in INT TERM; do
    stop $signal '.out.partial-*' hma merge a b --ratio 0.5 --out out
    files
done
echo "-- nohup stays in force"
(trap '' HUP; stop HUP '0.1: alignment' hma sweep pre post --suite demo/suite.json --run run --limit 2 --grid 0:1:0.1 -v)
