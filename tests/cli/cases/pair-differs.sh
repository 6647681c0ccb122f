# Pre and post that do not fit, in every command that takes both: all differences at once, exit 5. Pairs that are odd: a warning.
small_pair
ln -s "$DEMO" demo
echo "-- shapes, in merge, score, eval and sweep"
refused hma merge pre demo/post --ratio 0.5 --out merged
echo '{"id":"1","type":"logits","ids":[1]}' >../requests
refused hma score pre --post demo/post --ratio 0.5 --requests ../requests --output answers
refused hma eval pre --post demo/post --ratio 0.5 --suite demo/suite.json
refused hma sweep pre demo/post --suite demo/suite.json --run run

# different EXPRESSION WHAT: post's config changed by sed
different() {
    echo "-- $2"
    sed -i -E "$1" post/config.json
    refused hma merge pre post --ratio 0.5 --out merged
    cp "$TESTS/golden/merge/llama-gqa-tied/post/config.json" post
}
different 's/("tie_word_embeddings": )true/\1false/' "one head is tied"
different 's/llama/mistral/; s/LlamaForCausalLM/MistralForCausalLM/' "architectures"
different 's/^\{/{"rope_scaling": {"rope_type": "linear", "factor": 2.0},/' "rotary embedding"

echo "-- tokenizers"
cp -r --no-preserve=mode demo/pre a
cp -r --no-preserve=mode demo/post b
sed -i 's/<|pad|>/<|PAD|>/' b/tokenizer.json
refused hma merge a b --ratio 0.5 --out merged
echo "-- rows of a larger vocabulary"
cp "$TESTS/golden/models/llama-mha/config.json" "$TESTS/golden/models/llama-mha/model.safetensors" post
refused hma merge pre post --ratio 0.5 --out merged
echo "-- the same folder twice, by two names"
ln -s pre again
hma merge pre again --ratio 0.5 --dry-run --out merged | tail -n 1
echo "-- two folders of one model"
cp -r pre twin
hma merge pre twin --ratio 0.5 --dry-run --out merged | tail -n 1
echo "-- a reward model as pre"
refused hma merge demo/reward demo/post --ratio 0.5 --out merged
