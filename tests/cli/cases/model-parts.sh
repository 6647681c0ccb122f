# One model of each family with a tensor missing, of another shape or with a NaN: exit 3 (6 for the NaN), the tensor by name, no answers.
requests() { head -n 1 "$TESTS/golden/models/$1/requests.jsonl" >../requests; }
# The same header with other letters at the same place: edit FILE FROM TO
edit() {
    LC_ALL=C sed -i "s/$2/$3/" "$1"
}
# missing MODEL TENSOR (a pattern without its last letter)
missing() {
    rm -rf m
    copy "$TESTS/golden/models/$1" m
    requests "$1"
    echo "-- $1 without $2"
    edit m/model.safetensors "\"$2\"" "\"${2%?}~\""
    refused hma score m --requests ../requests --output answers
}
missing llama-mha model.norm.weight
missing llama-mha lm_head.weight
missing llama-bias model.layers.1.self_attn.o_proj.bias
missing llama-bias model.layers.0.mlp.down_proj.bias
missing mistral-window model.layers.2.mlp.gate_proj.weight
missing qwen2-window model.layers.0.self_attn.v_proj.bias
missing qwen3 model.layers.2.self_attn.k_norm.weight
missing olmo2 model.layers.0.post_feedforward_layernorm.weight
missing stablelm model.layers.1.input_layernorm.bias
missing gemma model.embed_tokens.weight
missing gemma2 model.layers.3.pre_feedforward_layernorm.weight
missing gemma3 model.layers.4.self_attn.q_norm.weight
missing neox-sequential gpt_neox.layers.1.attention.query_key_value.weight
missing neox-sequential embed_out.weight
missing gpt2-inner transformer.h.1.mlp.c_proj.bias
missing gpt2-inner transformer.wpe.weight
missing opt model.decoder.final_layer_norm.weight
missing phi lm_head.bias
missing phi model.layers.0.self_attn.dense.weight
missing reward-gpt2 score.weight
missing reward-mistral score.weight

# reshaped MODEL TENSOR: its two sizes change places
reshaped() {
    rm -rf m
    copy "$TESTS/golden/models/$1" m
    requests "$1"
    echo "-- $1: $2 lies on its side"
    edit m/model.safetensors "\(\"$2\":{\"dtype\":\"[A-Z0-9]*\",\"shape\":\[\)\([0-9]*\),\([0-9]*\)\]" "\1\3,\2]"
    refused hma score m --requests ../requests --output answers
}
reshaped llama-mha model.embed_tokens.weight
reshaped llama-mha model.layers.0.mlp.up_proj.weight
reshaped gpt2-inner transformer.h.0.attn.c_attn.weight
reshaped neox-sequential gpt_neox.layers.0.mlp.dense_h_to_4h.weight
reshaped reward-gpt2 score.weight

echo "-- NaN in the last bytes of a file"
for model in llama-mha gpt2-inner neox-sequential phi; do
    rm -rf m
    copy "$TESTS/golden/models/$model" m
    requests $model
    size=$(stat -c %s m/model.safetensors)
    patch_bytes m/model.safetensors $((size - 4)) '\xff\xff\xff\xff'
    refused hma score m --requests ../requests --output answers
done

echo "-- cut off"
rm -rf m
copy "$TESTS/golden/models/llama-mha" m
requests llama-mha
truncate -s -5 m/model.safetensors
refused hma score m --requests ../requests --output answers
echo "-- layers that config.json does not count"
rm -rf m
copy "$TESTS/golden/models/qwen2-window" m
requests qwen2-window
sed -i 's/"num_hidden_layers": 4/"num_hidden_layers": 3/' m/config.json
refused hma score m --requests ../requests --output answers
echo "-- NaN in a row of the embedding that no request needs"
rm -rf m
copy "$TESTS/golden/models/llama-mha" m
requests llama-mha
size=$(head -c 8 m/model.safetensors | od -An -tu8)
begin=$(head -c $((8 + size)) m/model.safetensors | LC_ALL=C sed 's/.*"model.embed_tokens.weight":{[^}]*"data_offsets":\[[0-9]*,\([0-9]*\).*/\1/' | tail -n 1)
patch_bytes m/model.safetensors $((8 + size + begin - 4)) '\x00\x00\xc0\x7f'
refused hma score m --requests ../requests --output answers
