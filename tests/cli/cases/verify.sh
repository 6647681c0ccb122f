# A merged folder against what was recorded of it: one changed byte is found, whichever file it is in.
small_pair
hma merge pre post --ratio 0.5 --out m --shard-size 20K >/dev/null
hma verify m
hma verify m --json
unchanged hma verify m -j 3 >/dev/null
cp -r m whole
damage() {
    echo "-- $1"
    rm -rf m
    cp -r whole m
}
for file in model-00002-of-00003.safetensors config.json generation_config.json README.md model.safetensors.index.json; do
    damage "one byte of $file"
    patch_bytes m/$file $(($(stat -c %s m/$file) / 2)) '\x2a'
    refused hma verify m
done
damage "hma-recipe.json itself"
sed -i 's/"sha256": "./"sha256": "x/' m/hma-recipe.json
refused hma verify m
damage "hma-recipe.json cut off"
truncate -s 300 m/hma-recipe.json
refused hma verify m
damage "a file is missing"
rm m/generation_config.json
refused hma verify m
damage "a shard is cut off"
truncate -s -1 m/model-00001-of-00003.safetensors
refused hma verify m
damage "another model's record"
sed -i 's|"name": "config.json"|"name": "../pre/config.json"|' m/hma-recipe.json
refused hma verify m
echo "-- a folder without a record: headers and values"
unchanged hma verify pre
