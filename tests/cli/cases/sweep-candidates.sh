# Recipes from a file: labels, what a line leaves out comes from the command line; points are found by label, id and beginning of it.
demo_run
sweep() { hma sweep pre post --suite demo/suite.json --limit 2 --run run "$@"; }
cat >candidates <<'END'
{"ratios":[0.4,0.7,1],"label":"mine"}
{"ratio":0.25}

{"ratios":[0.4,0.7,1],"policy":"linear-only","label":"without, \"quotes\""}
{"ratio":0.25,"dtype":"F32"}
END
sweep --candidates candidates --blocks 3 | sed -n '4,/^$/p' | sed -E 's/^[*>]* +//; s/  .* / /'
echo "-- points by name"
hma merge --from run --point mine --out by-label | head -n 1
id=$(sed -n 's/.*"recipe_id": "\([0-9a-f]*\)".*/\1/p' by-label/hma-recipe.json)
hma merge --from run --point "$id" --out by-id >/dev/null
hma merge --from run --point "${id:0:6}" --out by-beginning >/dev/null
cmp by-label/model.safetensors by-id/model.safetensors
cmp by-label/model.safetensors by-beginning/model.safetensors
hma merge pre post --ratios 0.4,0.7,1 --out by-ratios >/dev/null
hma diff by-label by-ratios | tail -n 1
grep -o '{"run":"run","point":"mine","alignment":{"value":' by-label/README.md
echo "-- the recommended one"
hma merge --from run --out shipped >/dev/null
hma merge --from run --point recommended --out again >/dev/null
cmp shipped/model.safetensors again/model.safetensors
echo "-- with the models named, and moved"
cp -rL pre elsewhere
hma merge elsewhere post --from run --point mine --out from-elsewhere >/dev/null
cmp by-label/model.safetensors from-elsewhere/model.safetensors
hma merge post pre --from run --point mine --out swapped 2>&1 | sed -E 's/[0-9a-f]{16}/SHA/g'
echo "-- names that are none"
refused hma merge --from run --point yours --out new
refused hma merge --from run --point '' --out new
refused hma export run --mergekit x.yml --point yours
echo "-- bad lines: none of the file is taken"
points run >../before
line() {
    local code=0
    printf '%s\n' '{"ratio":0.9}' "$1" >bad
    sweep --blocks 3 --candidates bad >../out 2>../err || code=$?
    echo "exit $code: $(cat ../out ../err)"
}
line '[0.5]'
line '{"ratio":0.5'
line '{"ratoi":0.5}'
line '{"ratio":2}'
line '{"ratios":[0.1,0.2]}'
line '{"ratio":0.5,"label":"mine"}'
line '{"ratio":0.5,"label":""}'
line '{"ratio":0.5,"label":"\u001b[2J"}'
line '{"ratio":0.5,"label":"pre"}'
line '{"ratio":0.5,"tensors":{"nothing":1}}'
line '{"ratio":0.5,"blocks":9}'
line '{}'
points run | cmp ../before -
hma verify run
echo "-- in a new run nothing is left"
refused hma sweep pre post --suite demo/suite.json --limit 2 --run new --candidates bad
mkdir new && : >new/other
refused hma sweep pre post --suite demo/suite.json --limit 2 --run new --candidates bad
