# Vocabularies that differ in size: refused with the remedy, or common rows are merged and the others taken from the donor.

# model NAME ROWS: one layer of zeros, hidden size 4, a tied head and a tokenizer of single letters, those beyond 8 added ones
model() {
    mkdir -p "$1"
    cat >"$1/config.json" <<CONFIG
{"architectures":["LlamaForCausalLM"],"model_type":"llama","vocab_size":$2,"hidden_size":4,"intermediate_size":4,
"num_hidden_layers":1,"num_attention_heads":1,"max_position_embeddings":64,"tie_word_embeddings":true,"rms_norm_eps":1e-5,"torch_dtype":"float32"}
CONFIG
    local at=$(($2 * 16)) header name
    header="{\"model.embed_tokens.weight\":{\"dtype\":\"F32\",\"shape\":[$2,4],\"data_offsets\":[0,$at]}"
    for name in self_attn.q_proj self_attn.k_proj self_attn.v_proj self_attn.o_proj mlp.gate_proj mlp.up_proj mlp.down_proj; do
        header+=",\"model.layers.0.$name.weight\":{\"dtype\":\"F32\",\"shape\":[4,4],\"data_offsets\":[$at,$((at + 64))]}"
        at=$((at + 64))
    done
    for name in layers.0.input_layernorm layers.0.post_attention_layernorm norm; do
        header+=",\"model.$name.weight\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[$at,$((at + 16))]}"
        at=$((at + 16))
    done
    printf '%s}' "$header" | weights "$1/model.safetensors" $at
    local i added=
    for ((i = 8; i < $2; i++)); do
        added+="${added:+,}{\"id\":$i,\"content\":\"<extra$i>\",\"special\":true,\"single_word\":false,\"lstrip\":false,"
        added+="\"rstrip\":false,\"normalized\":false}"
    done
    cat >"$1/tokenizer.json" <<TOKENIZER
{"version":"1.0","added_tokens":[$added],"normalizer":null,"pre_tokenizer":null,"post_processor":null,"decoder":null,
"model":{"type":"BPE","vocab":{"a":0,"b":1,"c":2,"d":3,"e":4,"f":5,"g":6,"h":7},"merges":[]}}
TOKENIZER
}
model pre 8
model post 10
# row 7 of both: 1.0 and 3.0 in the first element; row 9 of post: 2.0
start() { echo $((8 + $(head -c 8 "$1/model.safetensors" | od -An -tu8))); }
patch_bytes pre/model.safetensors $(($(start pre) + 7 * 16)) '\x00\x00\x80\x3f'
patch_bytes post/model.safetensors $(($(start post) + 7 * 16)) '\x00\x00\x40\x40'
patch_bytes post/model.safetensors $(($(start post) + 9 * 16)) '\x00\x00\x00\x40'
row() { tail -c +$(($(start "$1") + $2 * 16 + 1)) "$1/model.safetensors" | head -c 4 | od -An -tf4 | tr -d ' '; }

echo "-- refused"
refused hma merge pre post --ratio 0.5 --out no
refused hma merge pre post --ratio 0.5 --extra-rows pre --out no
refused hma merge pre post --ratio 0.5 --extra-rows post --donor pre --out no
refused hma merge pre post --ratio 0.5 --extra-rows both --out no
echo "-- from post"
hma merge pre post --ratio 0.5 --extra-rows post --out out | head -n 1
echo "$(row out 7) $(row out 9)"
grep -o '"vocab_size":[0-9]*' out/config.json
grep -o 'extra9' out/tokenizer.json
grep -o '"extra_rows":"post"' out/hma-recipe.json
grep -i 'rows' out/README.md
hma verify out
echo "-- from pre, the other way round"
hma merge post pre --ratio 0.25 --extra-rows pre --out turned | head -n 1
echo "$(row turned 7) $(row turned 9)"
grep -o '"vocab_size":[0-9]*' turned/config.json
echo "-- in memory"
echo '{"id":"1","type":"logits","ids":[1,9]}' >r
hma score pre --post post --ratio 0.5 --extra-rows post --requests r --output merged -q
hma score out --requests r --output saved -q
cmp merged saved
hma score post --post pre --ratio 0.5 --extra-rows pre --requests r --output turned.jsonl -q
grep -o '"logits":\[.*' turned.jsonl | tr -cd , | wc -c
echo "-- tokens of common rows that are not the same"
sed -i 's/"a":0,"b":1/"b":0,"a":1/' post/tokenizer.json
refused hma merge pre post --ratio 0.5 --extra-rows post --out no
