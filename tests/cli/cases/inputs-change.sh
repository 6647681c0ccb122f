# Weights that are cut off, written over or replaced while they are read: one line, exit 4, and nothing is written. The moment is
# held still in two ways: by input that does not come yet, and by a stderr that takes nothing more.
copy "$DEMO/pre" pre
copy "$DEMO/post" post
weights=post/model.safetensors

cut_off() { truncate -s -100000 $weights; }
write_over() { printf x | dd of=$weights bs=1 seek=2000000 conv=notrunc status=none; }
replace() { cp pre/model.safetensors new && mv new $weights; }

# Until process $1 has opened the weights.
opened() {
    until [ -n "$(find /proc/$1/fd -lname "*/$weights" 2>/dev/null)" ]; do
        kill -0 $1 2>/dev/null || { echo "it has ended early"; break; }
        sleep 0.01
    done
}

# What it said and left, with its exit code; then the weights are as they were.
told() {
    echo "exit $1: $(tr -d '\0' <talk | grep '^hma: ')"
    rm talk
    cp -p "$DEMO/post/model.safetensors" $weights
    ls -A
}

# during CHANGE COMMAND..: the command stops at its first word about its progress, the change is made, it goes on.
during() {
    local change=$1 code=0
    shift
    mkfifo ../full
    exec 9<>../full
    dd if=/dev/zero of=../full bs=4096 oflag=nonblock status=none 2>/dev/null || true # it is full now
    "$@" --progress json 2>../full >/dev/null 9>&- &
    local pid=$!
    opened $pid
    $change
    exec 8<../full 9>&- # never without a reader
    cat <&8 >talk &
    local reader=$!
    exec 8>&-
    wait $pid || code=$?
    wait $reader
    rm ../full
    told $code
}

for change in cut_off write_over replace; do
    echo "-- $change"
    during $change hma merge pre post --ratio 0.5 --out out -j 1
    # a file that another one takes the place of stays what it was for those who have it open
    [ $change = replace ] || during $change hma eval post --suite "$DEMO/suite.json" --limit 1 --out out -j 1
done

echo "-- score: the questions come later"
for change in cut_off write_over; do
    mkfifo ../questions
    hma score pre --post post --ratio 0.5 --requests - --output answers.jsonl <../questions 2>talk &
    exec 9>../questions
    opened $!
    $change
    echo '{"id":"1","type":"logits","ids":[1,2,3]}' >&9
    exec 9>&-
    code=0
    wait $! || code=$?
    rm ../questions
    told $code
done

echo "-- sweep: an external judge takes its time; what was scored is kept, and the journal knows which weights it was for"
ln -s "$DEMO/tasks" "$DEMO/prompts" .
cat >suite.json <<'END'
{"name":"slow judge","tasks":[{"name":"reading","category":"reading","type":"generate","file":"tasks/reading.jsonl","metric":"f1",
  "until":["\n"],"max_tokens":4}],
 "alignment":{"type":"scores","command":["sh","judge"],"prompts":{"test":"prompts/test.jsonl"},"max_tokens":4}}
END
cat >judge <<'END'
sed -E 's/^\{"id":("[0-9]+").*/{"id":\1,"score":1}/'
echo >>judged
[ "$(wc -l <judged)" -lt 3 ] || printf x | dd of=post/model.safetensors bs=1 seek=2000000 conv=notrunc status=none
END
code=0
hma sweep pre post --suite suite.json --run run --grid 0:1:0.25 --limit 1 -q >/dev/null 2>talk || code=$?
echo "exit $code: $(cat talk)"
hma verify run | sed -E 's/, [0-9]+ (scores|items).*//'
code=0
hma sweep pre post --suite suite.json --run run --grid 0:1:0.25 --limit 1 -q >/dev/null 2>talk || code=$?
echo "exit $code: $(cat talk)"
