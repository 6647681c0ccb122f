# Where a merge may be written, and where not: never over, into or around what is merged, and over nothing that is no model folder.
small_pair
mkdir around && cp -r pre around/pre
ln -s pre link
ln -s pre/model.safetensors weights
mkdir linked && ln pre/config.json linked/config.json && ln -s "$PWD/pre/model.safetensors" linked/model.safetensors
merge() { refused hma merge pre post --ratio 0.5 "$@"; }
for force in "" --force; do
    echo "-- ${force:-without --force}"
    merge --out pre $force
    merge --out ./pre/ $force
    merge --out post $force
    merge --out link $force
    merge --out pre/new $force
    merge --out pre/deep/er $force
    merge --out . $force
    merge --out / $force
    refused hma merge around/pre post --ratio 0.5 --out around $force
    refused hma merge linked post --ratio 0.5 --out pre $force
    merge --out weights $force
done
echo "-- names"
merge --out ''
merge --out nowhere/out
merge --out "$(head -c 300 /dev/zero | tr '\0' x)" | sed 's/x\{100,\}/x../'
merge --out pre/config.json/out
echo "-- what may be replaced"
mkdir empty notes file
: >notes/precious.txt
merge --out notes --force
merge --out weights --force
merge --out empty
hma merge pre post --ratio 0.5 --out empty --force | head -n 1
hma merge pre post --ratio 0.6 --out empty --force | head -n 1
hma merge pre empty --ratio 0.6 --out empty 2>&1 || echo "exit $?"
echo "-- a run is not replaced"
echo precious >empty/journal.sqlite
merge --out empty --force
merge --out empty --force --dry-run
rm empty/journal.sqlite
echo "-- names that a folder cannot be put in place of"
inside() { env -C empty hma merge ../pre ../post --ratio 0.5 "$@"; }
for name in . ./ .. ../empty/.; do
    refused inside --out $name --force
done
echo "-- a link to a folder"
mkdir target
ln -s target to-target
ln -s nowhere to-nowhere
ln -s empty to-empty
for name in to-target to-target/ to-nowhere to-empty; do
    merge --out $name --force
done
ls -A target
ls -A
