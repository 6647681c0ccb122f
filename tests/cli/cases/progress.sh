# Progress: a bar on a terminal that is gone before anything else is written, JSON lines when asked for, silence in pipes.
demo_run
sweep() { hma sweep pre post --suite demo/suite.json --limit 12 --grid 0:1:0.5 "$@"; }
# What a terminal would show last, and whether every bar was taken away.
shown() {
    echo "$1: $(tr '\r' '\n' <$1 | grep -c '%' | sed 's/^[1-9][0-9]*$/some/') bars"
    tr '\r' '\n' <$1 | tail -n 1 | grep -q '%' && echo "a bar stays on the screen"
    return 0
}
HMA_TEST_TERMINAL=1 TERM=xterm sweep --run a 2>bar >/dev/null
shown bar
tr '\r' '\n' <bar | grep -a -q -E '^\[[123]/3\] [a-z -]+ +\[[#-]{24}\] +[0-9]+ %' && echo "candidate, task, bar, percent"
# Rate and time left appear once there is something to go by.
tr '\r' '\n' <bar | grep -a ' %' | grep -a -v -E '^(\[[123]/3\] )?[a-z -]+ \[[#-]{24}\] +[0-9]+ %(  [0-9.]+[kM]? [a-z]+/s)?(  [0-9]+ s left)?.\[K$' || true
HMA_TEST_TERMINAL=1 TERM=xterm sweep --run b -v 2>talk >/dev/null
tr '\r' '\n' <talk | grep -a 'hma: ' | sed -E 's/^.\[K//; s/-?[0-9]+\.[0-9]+/N/g; s/[0-9]+ MB/N MB/'
for way in "TERM=dumb" "NO_COLOR=1 TERM=xterm" "-u TERM"; do
    rm -rf c
    env $way HMA_TEST_TERMINAL=1 hma sweep pre post --suite demo/suite.json --limit 2 --grid 0:1:1 --run c 2>none >/dev/null
    shown none
done
rm -rf c
sweep --run c 2>none >/dev/null
shown none
rm -rf c
HMA_TEST_TERMINAL=1 TERM=xterm sweep --run c -q 2>none >/dev/null
shown none
rm -rf c
HMA_TEST_TERMINAL=1 TERM=xterm sweep --run c --progress none 2>none >/dev/null
shown none
rm -rf c
echo "-- asked for in a pipe"
sweep --run c --progress bar 2>bar >/dev/null
shown bar
rm -rf c
sweep --run c --progress json 2>json >/dev/null
grep -v -E '^\{"what":"[^"]*","unit":"[a-z]+","done":[0-9.e+-]+,"total":[0-9.e+-]+,("step":[123],"steps":3,)?"share":(null|[0-9.e+-]+),"rate":(null|[0-9.e+-]+),"seconds_left":(null|[0-9.e+-]+),"peak_memory":[0-9.e+]+\}$' json || echo "every line is such an object"
# The share of the whole never falls. How far the last line comes depends on the clock; unit/test_sweep_tree looks at every report.
grep -o '"share":[0-9][0-9.e+-]*' json | cut -d: -f2 | sort -g -c && echo "never falls"
echo "-- errors come after the bar is gone"
HMA_TEST_TERMINAL=1 TERM=xterm hma sweep pre post --suite demo/suite.json --limit 2 --grid 0:1:1 --run d --log /dev/full 2>bar >/dev/null || echo "exit $?"
tr '\r' '\n' <bar | tail -n 1 | sed 's/^.\[K//'
echo "-- merges"
hma merge pre post --ratio 0.5 --out m --progress json 2>json >/dev/null
sed -n '1s/"done".*//p' json
