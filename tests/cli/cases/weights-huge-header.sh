# Headers made to cost time and memory are refused, or read, within little of both.
mkdir m
cp "$TESTS/golden/merge/llama-gqa-tied/pre/config.json" m
echo "-- a hundred megabytes of numbers in a shape"
{ printf '{"a":{"dtype":"F32","shape":['; yes 1, | head -n 33000000; } | head -c 99999990 | weights m/model.safetensors 0
refused hma inspect m
echo "-- a hundred megabytes of white space"
head -c 99999990 /dev/zero | tr '\0' ' ' | weights m/model.safetensors 0
refused hma inspect m
echo "-- two hundred thousand tensors of one byte"
awk 'BEGIN { printf "{"; for (i = 0; i < 200000; i++) printf "%s\"t%d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}", i ? "," : "", i, i, i + 1; print "}" }' |
    weights m/model.safetensors 200000
try hma inspect m | sed -n '/^weights/p; $p'
