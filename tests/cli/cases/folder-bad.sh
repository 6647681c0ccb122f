# Folders whose parts do not fit together: exit 3, and what is missing or too much by name.
copy "$TESTS/golden/merge/gpt2-sharded/post" m
index=m/model.safetensors.index.json
cp -r m whole
again() {
    echo "-- $1"
    rm -rf m
    cp -r whole m
}
again "no config"
rm m/config.json
refused hma inspect m
again "neither weights nor index"
rm m/*safetensors*
refused hma inspect m
again "a shard alone"
rm $index
refused hma inspect m
again "pickled weights"
rm m/*safetensors*
touch m/pytorch_model.bin
refused hma inspect m
again "a shard is missing"
rm m/model-00003-of-00005.safetensors
refused hma inspect m
again "the index is no object"
echo '[]' >$index
refused hma inspect m
again "the index has no weight_map"
echo '{"metadata":{}}' >$index
refused hma inspect m
again "the index is empty"
: >$index
refused hma inspect m
again "a shard outside the folder"
sed -i 's|: "model-00003|: "../model-00003|' $index
refused hma inspect m
again "a shard by absolute path"
sed -i "s|: \"model-00003|: \"/tmp/model-00003|" $index
refused hma inspect m
again "a shard in a subfolder"
sed -i 's|: "model-00003|: "sub/model-00003|' $index
refused hma inspect m
again "a tensor that no shard has"
sed -i 's|"weight_map": {|"weight_map": {"extra.weight": "model-00003-of-00005.safetensors",|' $index
refused hma inspect m
again "a tensor that the index does not have"
sed -i '/"transformer.h.0.attn.c_attn.weight"/d' $index
refused hma inspect m
again "a tensor in the wrong shard"
sed -i 's|\("transformer.wte.weight": "model-0000\)[0-9]|\15|' $index
refused hma inspect m
again "a tensor in two shards"
cp m/model-00002-of-00005.safetensors m/model-00003-of-00005.safetensors
refused hma inspect m
again "a tensor twice in the index"
sed -i 's|"weight_map": {|"weight_map": {"transformer.wte.weight": "model-00001-of-00005.safetensors",|' $index
refused hma inspect m
again "a wrong total: a warning only"
sed -i 's|"total_size": [0-9.e+]*|"total_size": 17|' $index
unchanged hma inspect m | head -n 1
again "a shard more: a warning only"
cp m/model-00001-of-00005.safetensors m/model-00006-of-00005.safetensors
unchanged hma inspect m | head -n 1
again "index and a single file"
cp "$TESTS/golden/merge/gpt2-sharded/pre/model.safetensors" m
unchanged hma inspect m | head -n 1
