# Sweeps and searches over other methods than linear: what they score, what they remember, what they refuse.
demo_run
hma merge pre post --ratio 0.5 --method dare --out base >/dev/null
sweep() { hma sweep pre post --suite demo/suite.json --limit 3 -q "$@" >/dev/null; }
# A run that is there is locked meanwhile, which changes its lock file.
refused_run() {
    local code=0
    "$@" >refused.out 2>refused.err || code=$?
    echo "exit $code: $(cat refused.out refused.err)"
}
methods() {
    hma export "$1" --to "$1.csv" >/dev/null
    tail -n +2 "$1.csv" | cut -d , -f 2-4
}
echo "-- a third model"
sweep --run run --method ties --density 0.3 --base base --grid 0.25:0.5:0.25
methods run
before=$(points run)
sweep --run run --method ties --density 0.3 --base base --grid 0.25:0.5:0.25
[ "$before" = "$(points run)" ] && echo "the same line resumes"
refused_run hma sweep pre post --suite demo/suite.json --limit 3 -q --run run --method ties --density 0.4 --base base --grid 0.5:0.5:1
refused_run hma sweep pre post --suite demo/suite.json --limit 3 -q --run run --method ties --density 0.3 --grid 0.5:0.5:1
refused_run hma sweep pre post --suite demo/suite.json --limit 3 -q --run run --method ties --density 0.3 --base post --grid 0.5:0.5:1
echo "-- a point of it as a folder"
hma merge --from run --point 0.25 --out point >/dev/null 2>&1
hma merge pre post --ratio 0.25 --method ties --density 0.3 --base base --out same >/dev/null 2>&1
cmp point/model.safetensors same/model.safetensors
refused hma merge --from run --point post --base base --out no
refused hma merge --from run --point 0.25 --base pre --out no
hma export run --mergekit ties.yml --point 0.25
grep -E '^(merge_method|base_model|  [a-z]*:)' ties.yml | sort -u
echo "-- beyond post"
sweep --run beyond --method extrapolate --grid 1:1.5:0.25
methods beyond
refused hma sweep pre post --suite demo/suite.json --limit 3 -q --run no --grid 1:1.5:0.25
refused hma sweep pre post --suite demo/suite.json --limit 3 -q --run no --method extrapolate --grid 1:2.5:0.25
echo "-- several methods in one run"
cat >lines <<'LINES'
{"label":"sphere","method":"slerp","ratio":0.5}
{"label":"drop","method":"dare","density":0.5,"ratio":0.5}
{"label":"drop from base","method":"dare","density":0.5,"ratio":0.5,"base":"model"}
{"label":"scaled","method":"task-arithmetic","lambda":1.2,"ratio":0.5}
{"label":"plain","method":"task-arithmetic","ratio":0.5}
LINES
sweep --run several --base base --candidates lines
methods several
refused hma export several --mergekit no.yml --point drop
refused hma sweep pre post --suite demo/suite.json --limit 3 -q --run no --candidates lines
echo "-- searches"
hma search pre post --suite demo/suite.json --run search --method nsga2 --merge-method slerp --blocks 2 --population 4 --candidates 7 \
    --limit 3 -q >/dev/null
methods search | cut -d , -f 3 | sort | uniq -c | tr -s ' '
refused hma search pre post --suite demo/suite.json --run no -q --method hma --merge-method slerp --limit 3
refused hma search pre post --suite demo/suite.json --run no -q --merge-method extrapolate --limit 3
refused hma search pre post --suite demo/suite.json --run no -q --merge-method tise --limit 3
refused hma sensitivity pre post --suite demo/suite.json --method slerp --ratio 0.5 --limit 3
