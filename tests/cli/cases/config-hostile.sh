# Numbers and words in config.json that no model has: never believed, never guessed. What the checkpoint itself cannot be read
# with is exit 3; what only the transformer cannot run is told by inspect and refused by score.
copy "$TESTS/golden/merge/llama-gqa-tied/pre" m
cp m/config.json good.json
head -n 1 "$TESTS/golden/merge/llama-gqa-tied/requests.jsonl" >../requests
# config EXPRESSION WHAT: config.json changed by sed
config() {
    echo "-- $2"
    sed -E "$1" good.json >m/config.json
    cmp -s good.json m/config.json && echo "nothing was changed"
    refused hma score m --requests ../requests --output answers
}
set_to() { config 's/("'$1'": )[^,]*/\1'"$2"'/' "$1 is $2"; }
for value in 0 -1 2147483648 1e30 1000000000 4.5 '"5"' null '[5]' true NaN; do
    set_to num_hidden_layers "$value"
done
for value in 0 -16 17 1e18 '"16"' null; do
    set_to hidden_size "$value"
done
for value in 0 3 -2 '"2"' 1e9; do
    set_to num_attention_heads "$value"
done
for value in 0 4 -1 '"1"'; do
    set_to num_key_value_heads "$value"
done
for value in 0 -1 '"122"' 9007199254740993; do
    set_to vocab_size "$value"
done
for value in 0 '"x"' -1 1e308; do
    set_to intermediate_size "$value"
done
for value in 0 -1e-5 '"a"' 1e400; do
    set_to rms_norm_eps "$value"
done
for value in 0 -5 '"10000"'; do
    set_to rope_theta "$value"
done
config 's/^\{/{"head_dim": 7,/' "head_dim is odd"
config 's/^\{/{"head_dim": 1000000,/' "head_dim is huge"
set_to max_position_embeddings 0
set_to hidden_act '"swish9"'
config 's/^\{/{"rope_scaling": {"rope_type": "spiral", "factor": 4.0},/' "a rotary embedding that is not there"
config 's/^\{/{"rope_scaling": {"type": "linear", "factor": -4.0},/' "a negative factor"
config 's/^\{/{"rope_scaling": 4,/' "rope_scaling is a number"
config 's/"model_type": "llama"/"model_type": "mixtral"/; s/LlamaForCausalLM/MixtralForCausalLM/' "a mixture of experts"
config 's/"model_type": "llama"/"model_type": "mamba"/; s/LlamaForCausalLM/MambaForCausalLM/' "another architecture"
config 's/LlamaForCausalLM/LlamaForTokenClassification/' "another head"
config '/model_type/d' "no model_type"
config 's/^\{/{"quantization_config": {"quant_method": "gptq", "bits": 4},/' "quantised"
config 's/^\{/{"model_type": "llama",/' "a key twice"
config '$s/\}/,}/' "not JSON"
config 's/.*//' "nothing but empty lines"
{ yes '[' | head -n 100000 | tr -d '\n'; } >m/config.json
echo "-- very deep"
refused hma score m --requests ../requests --output answers
