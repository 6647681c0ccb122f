# Settings of one family's config.json that another computation would be needed for, or that do not fit the weights: exit 3, named.
# setting MODEL SED WHAT
setting() {
    rm -rf m
    copy "$TESTS/golden/models/$1" m
    head -n 1 "$TESTS/golden/models/$1/requests.jsonl" >../requests
    echo "-- $1: $3"
    sed -i "$2" m/config.json
    cmp -s m/config.json "$TESTS/golden/models/$1/config.json" && echo "nothing was changed"
    refused hma score m --requests ../requests --output answers
}
first() { echo '1s/{/{'"$1"',/'; }
setting phi 's/"qk_layernorm": false/"qk_layernorm": true/' "norms of q and k"
setting stablelm 's/"qk_layernorm": false/"qk_layernorm": true/' "norms of q and k"
setting opt 's/"do_layer_norm_before": true/"do_layer_norm_before": false/' "norms behind the blocks"
setting opt 's/"word_embed_proj_dim": [0-9]*/"word_embed_proj_dim": 16/' "an embedding of its own width"
setting opt "$(first '"_remove_final_layer_norm": true')" "no final norm"
setting gpt2-inner "$(first '"add_cross_attention": true')" "an encoder's states"
setting gemma3 "$(first '"use_bidirectional_attention": true')" "attention in both directions"
setting gemma2 's/"query_pre_attn_scalar": [0-9]*/"query_pre_attn_scalar": -1/' "a scale that is no scale"
setting gemma3-layer-types 's/"full_attention"/"chunked_attention"/' "an unknown layer type"
setting gemma3-layer-types '/"full_attention"/d' "fewer layer types than layers"
setting llama-rope-llama3 's/"rope_type": "llama3"/"rope_type": "longrope"/' "an unknown rope type"
setting llama-rope-llama3 '/"low_freq_factor"/d' "llama3 without its bands"
setting llama-rope-llama3 's/"high_freq_factor": 4.0/"high_freq_factor": 1.0/' "llama3 with bands the wrong way round"
setting llama-rope-llama3-v5 's/"rope_type": "llama3"/"rope_type": "spiral"/' "an unknown rope type in rope_parameters"
setting gemma3-v5 's/"sliding_attention": {/"local_attention": {/' "rope_parameters without a layer type"
setting llama-rope-linear 's/"factor": [0-9.]*/"factor": 0/' "a factor of nothing"
setting mistral-window 's/"sliding_window": [0-9]*/"sliding_window": -3/' "a negative window"
setting neox-sequential 's/"rotary_pct": [0-9.]*/"rotary_pct": 1.5/' "more than a head turns"
setting reward-mistral 's/"num_labels": 1/"num_labels": 3/' "three labels"
setting reward-gpt2 '/"0": "LABEL_0"/s/$/, "1": "LABEL_1"/' "two names of labels"
setting llama-mha 's/"LlamaForCausalLM"/"MistralForCausalLM"/' "a class of another family"
setting llama-mha 's/"vocab_size": \([0-9]*\)/"vocab_size": 1\1/' "more rows than the embedding has"
setting llama-gqa-tied-text 's/"vocab_size": [0-9]*/"vocab_size": 500/' "fewer rows than the embedding has"

echo "-- generation_config.json: an id that is text"
copy "$TESTS/golden/models/llama-mha" g
echo '{"eos_token_id": [2, "x"]}' >g/generation_config.json
refused hma score g --requests ../requests --output answers
