# NaN and infinity in weights: exit 6 naming tensor and index, in every command that reads them, and nothing is written.
small_pair
# Byte offset of an element of model.norm.weight (F32): header length, 8 bytes before it, the tensor's own offset.
offset() {
    local header
    header=$(head -c 8 $1/model.safetensors | od -An -tu8)
    echo $((8 + header + 4 * $2 + $(head -c $((8 + header)) $1/model.safetensors | sed 's/.*"model.norm.weight":{[^}]*"data_offsets":\[\([0-9]*\),.*/\1/' | tail -n 1)))
}
# poison FOLDER BYTES WHAT
poison() {
    echo "-- $3"
    patch_bytes $1/model.safetensors $(offset $1 5) "$2"
}
poison post '\x00\x00\xc0\x7f' "NaN in post"
refused hma merge pre post --ratio 0.5 --out out -j 2
refused hma merge pre post --ratio 0.5 --out out --dry-run
refused hma merge pre post --ratio 0 --out out
refused hma merge pre post --ratio 1 --out out
refused hma merge pre post --ratio 0.5 --out out --policy linear-only
refused hma diff pre post
refused hma verify post
echo '{"id":"1","type":"logits","ids":[1,2]}' >../requests
refused hma score post --requests ../requests --output answers
refused hma score pre --post post --ratio 0.5 --requests ../requests --output answers
poison post '\x01\x00\xa0\x7f' "signalling NaN in post"
refused hma merge pre post --ratio 0.5 --out out
poison post '\x00\x00\x80\x7f' "infinity in post"
refused hma merge pre post --ratio 0.5 --out out
poison post '\x00\x00\x80\x3f' "1 again"
poison pre '\x00\x00\x80\xff' "minus infinity in pre"
refused hma merge pre post --ratio 0.5 --out out
refused hma merge pre post --ratio 1 --out out
refused hma diff pre post
poison post '\x00\x00\x80\xff' "the same infinity in both"
refused hma merge pre post --ratio 0.5 --out out

echo "-- values too large for the output type"
cp --no-preserve=mode "$TESTS/golden/merge/llama-gqa-tied/pre/model.safetensors" pre
cp --no-preserve=mode "$TESTS/golden/merge/llama-gqa-tied/post/model.safetensors" post
poison pre '\x00\x00\x80\x4f' "2^32 in both"
poison post '\x00\x00\x80\x4f' "2^32 in both"
refused hma merge pre post --ratio 0.5 --dtype F16 --out out

echo "-- in sweeps: the endpoints stop it"
cp -r --no-preserve=mode "$DEMO/pre" demo-pre
cp -r --no-preserve=mode "$DEMO/post" demo-post
patch_bytes demo-post/model.safetensors $(($(stat -c %s demo-post/model.safetensors) - 1)) '\xff'
patch_bytes demo-post/model.safetensors $(($(stat -c %s demo-post/model.safetensors) - 2)) '\xff'
try hma sweep demo-pre demo-post --suite "$DEMO/suite.json" --limit 2 --run run --grid 0.5:0.5:1
try hma front run
echo "-- the first of them leaves no run behind"
try hma sweep demo-post demo-pre --suite "$DEMO/suite.json" --limit 2 --run nothing --grid 0.5:0.5:1
ls -d nothing 2>/dev/null || echo "gone"
