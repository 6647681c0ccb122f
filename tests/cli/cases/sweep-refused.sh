# Sweeps that do not begin: what is wrong, and no run folder is left.
demo_run
sweep() { refused hma sweep pre post --suite demo/suite.json --limit 2 --run run "$@"; }
echo "-- grids and levels"
for grid in 0:1 0:1:0 1:0:0.1 0:1:-0.1 0:2:0.1 a:b:c 0:1:0.1:2 '' 0:1:1e-9 nan:1:0.1; do
    sweep --grid "$grid"
done
for levels in 0,2 x ''; do
    sweep --blocks 3 --levels "$levels"
done
sweep --levels 0,1
sweep --blocks 9 --levels 0,1
sweep --blocks layers --levels 0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1
sweep --candidates nowhere
sweep --candidates demo/
sweep --tensor 'nothing=1'
sweep --ratio 0.5
echo "-- memory that the front will not fit"
sweep --grid 0:1:0.1 --memory 2M
sweep --grid 0:1:0.1 --memory 2M --dry-run
sweep --grid 0:1:0.1 --race --mixture 0.5:0.5:1 --memory 1M
refused hma search pre post --suite demo/suite.json --limit 2 --run run --mixture 0.5:0.5:1 --memory 1M
echo "-- places"
mkdir model && cp -rL pre/. model
refused hma sweep model post --suite demo/suite.json --run model
refused hma sweep model post --suite demo/suite.json --run model/run
refused hma sweep post model --suite demo/suite.json --run ./model/deep/run
refused hma sweep pre post --suite demo/suite.json --run nowhere/run
: >file
refused hma sweep pre post --suite demo/suite.json --run file
mkdir full && : >full/file
echo "-- inputs"
refused hma sweep pre nowhere --suite demo/suite.json --run run
refused hma sweep pre post --suite nowhere --run run
refused hma sweep pre post --suite demo/suite.json --run run --precision fp64
echo "-- runs that are none"
refused hma front nowhere
refused hma front full
refused hma front file
refused hma front file/run
refused hma front $(head -c 300 /dev/zero | tr '\0' x) | sed 's/x\{100,\}/x../'
refused hma front pre
refused hma export full --to x.csv
refused hma verify full
refused hma verify nowhere
echo "-- folders that hold something else do not become runs, and lose nothing"
begin() { hma sweep pre post --suite demo/suite.json --limit 1 --grid 0.5:0.5:1 -q "$@"; }
for name in suite.json requests.jsonl lock notes journal.sqlite.new .hidden; do
    mkdir other
    echo precious >other/$name
    refused begin --run other
    refused hma search pre post --suite demo/suite.json --limit 1 --candidates 3 --run other
    rm -r other
done
mkdir other other/deeper
refused begin --run other
hma merge model post --ratio 0.5 --out merged >/dev/null
refused begin --run merged
refused begin --run demo/reward
refused begin --run demo/reward/run
echo "-- empty files, the log and the output may lie in them"
echo earlier >full/log
begin --run full --log full/log >>full/log
ls -A full
echo "-- a run without its journal begins anew, with its own questions"
echo old >full/requests.jsonl
rm full/journal.sqlite full/log
begin --run full | tail -n 2 | cut -d : -f 1
! grep old full/requests.jsonl
ls -A full
