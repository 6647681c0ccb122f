# A disk that is full, at every step that writes: exit 4, no file half-written, what was there before stays, and with room again the
# same line works.
demo_run
rm suite.json
hma sweep pre post --suite demo/suite.json --limit 2 --run run --grid 0.5:0.5:1 -q >/dev/null
echo '{"id":"1","type":"logits","ids":[1]}' >requests
small_disk disk 1M
files() { (cd disk && find . -type f -o -type d | sort | tr '\n' ' '); echo; }
fill() { head -c "$1" /dev/zero >disk/filler 2>/dev/null || true; }
say() {
    local code=0
    "$@" >../out 2>../err || code=$?
    cat ../out
    echo "exit $code: $(sed 's/cannot save [a-z ]* (/cannot save .. (/' ../err)" # which row does not fit is a matter of bytes
    files
}
echo "-- merges"
say hma merge pre post --ratio 0.5 --out disk/m
say hma merge pre post --ratio 0.5 --out disk/m --shard-size 300K
echo "-- answers, results, exports"
hma score pre --requests requests --output disk/answers
cp disk/answers ../before
fill 2M
say hma score pre --requests requests --output disk/answers
cmp disk/answers ../before
say hma eval pre --suite demo/suite.json --limit 2 --out disk/results
for suffix in h5 csv json svg html ipynb; do
    say hma export run --to disk/front.$suffix
done
say hma export run --mergekit disk/front.yml
rm disk/filler
hma export run --to disk/front.h5
cp disk/front.h5 ../before
fill 2M
say hma export run --to disk/front.h5
cmp disk/front.h5 ../before
rm disk/front.h5
echo "-- a sweep: rows that were saved stay, and it goes on when there is room"
fill 2M
say hma sweep pre post --suite demo/suite.json --limit 2 --run disk/run --grid 0:1:0.5
rm disk/filler
fill 850K
say hma sweep pre post --suite demo/suite.json --limit 2 --run disk/run --grid 0:1:0.02
hma verify disk/run | sed -E 's/[0-9]+ (scored|waiting|scores)/N \1/g'
rm disk/filler
hma sweep pre post --suite demo/suite.json --limit 2 --run disk/run --grid 0:1:0.02 -q >/dev/null
hma verify disk/run
hma sweep pre post --suite demo/suite.json --limit 2 --run other --grid 0:1:0.02 -q >/dev/null
cmp <(points other) <(points disk/run)
echo "-- the log"
fill 2M
say hma merge pre post --ratio 0.5 --dry-run --out m --log disk/log -v | tail -n 3 | sed 's/[0-9.]* s, at most [0-9]* MB/N s, at most N MB/'
