# Merges of two folders: what is printed, what is written, the same with any number of threads.
small_pair
hma merge pre post --ratios 0.1,0.5,0.9 --out blocks -j $THREADS
ls -A blocks
hma verify blocks
# The data are those of the reference merge, bit for bit.
data() { tail -c +$((9 + $(head -c 8 "$1" | od -An -tu8))) "$1"; }
same_data() { cmp <(data "$1/model.safetensors") <(data "$TESTS/golden/merge/llama-gqa-tied/expected/$2.safetensors") && echo "$1 has the data of $2"; }
same_data blocks blocks-0.1-0.5-0.9.fp32
hma merge pre post --ratio 0.5 --dtype BF16 --out half -j $THREADS --json | sed -E 's/(error":[0-9.]{5})[0-9]*/\1/g'
same_data half uniform-0.5.bf16
grep torch_dtype half/config.json
hma merge pre post --ratio 0 --out zero -j $THREADS -q | tail -n 1
hma merge pre post --ratio 1 --out one -j $THREADS -q | tail -n 1
cmp <(data pre/model.safetensors) <(data zero/model.safetensors)
cmp <(data post/model.safetensors) <(data one/model.safetensors)

echo "-- the recipe makes the same merge again"
hma merge pre post --recipe blocks/hma-recipe.json --out again -j $THREADS | head -n 1
cmp blocks/model.safetensors again/model.safetensors
sed -E 's/[0-9a-f]{64}/SHA/; s/(hma_version": ")[0-9.]*/\1N/; s/(README.md", "bytes": )[0-9]*/\1N/; s/ -j [13]//; s/(norm": [0-9.]{6})[0-9]*/\1/g' blocks/hma-recipe.json
echo "-- and scores of the merged folder are those of the merged view"
sed 's/"until":\[\],//' "$TESTS/golden/merge/llama-gqa-tied/requests.jsonl" >requests
hma score blocks --requests requests --output of-folder -j $THREADS
hma score pre --post post --ratios 0.1,0.5,0.9 --requests requests --output of-view -j $THREADS
cmp of-folder of-view
