# Safetensors files that are unusual and right: white space around the header, empty tensors, scalars, names equal up to case,
# types that no model has, no tensors at all.
mkdir m
cp "$TESTS/golden/merge/llama-gqa-tied/pre/config.json" m
header() {
    echo "-- $3"
    printf "$1" | weights m/model.safetensors "$2"
    hma inspect m --json | sed 's/.*"parameters":\([0-9]*\),"dtype":\("[A-Z0-9]*"\).*"tensors":\([0-9]*\).*"bytes":\([0-9]*\).*/\3 tensors, \1 parameters, \4 bytes, mostly \2/'
}
header '{}' 0 "no tensors"
header '{"__metadata__":{"format":"pt"}}' 0 "only metadata"
header '\r \t\n{}\r \t\n' 0 "white space around it"
header '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}' 4 "a scalar"
header '{"a":{"dtype":"F32","shape":[2,0],"data_offsets":[0,0]}}' 0 "an empty tensor"
header '{"A":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"BF16","shape":[4],"data_offsets":[4,12]}}' 12 "A and a"
header '{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"BOOL","shape":[2],"data_offsets":[8,10]}}' 10 "integers"
header '{"\\u00e9\\ud83d\\ude00":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 4 "a name in other letters"

echo "-- the lists of a real header in another order"
rm m/model.safetensors
copy "$TESTS/golden/merge/llama-gqa-tied/pre" pre
copy "$TESTS/golden/merge/llama-gqa-tied/post" post
hma merge pre post --ratio 0.5 --out one >/dev/null
header=$(head -c 8 one/model.safetensors | od -An -tu8)
{ number8 $((header + 4000)); head -c 2000 /dev/zero | tr '\0' ' '; head -c $((8 + header)) one/model.safetensors | tail -c +9; head -c 2000 /dev/zero | tr '\0' '\n'; tail -c +$((9 + header)) one/model.safetensors; } >padded
rm one/hma-recipe.json
cp -r one two
mv padded two/model.safetensors
hma diff one two | tail -n 1
