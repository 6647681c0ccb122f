# What hma cannot score although the weights are sound: inspect says so, and merge when it has written it.
copy "$DEMO/pre" pre
copy "$DEMO/post" post
short() { grep -o '"tokenizer":[^,]*\|"scorable":.*'; }
spoil() {
    echo "-- $1"
    rm -rf broken merged
    cp -r post broken
}
report() {
    hma inspect broken | grep scorable
    hma inspect broken --json | short
    try hma merge pre broken --ratio 0.5 --out merged 2>&1 >/dev/null | grep -v '^exit'
}
spoil "a tokenizer_config.json that is no JSON"
echo '{' >broken/tokenizer_config.json
report
spoil "an end of text that is no token"
echo '{"eos_token_id":"two"}' >broken/generation_config.json
report
spoil "no positions"
sed -i 's/"max_position_embeddings": [0-9]*/"max_position_embeddings": 0/' broken/config.json
report
spoil "no tokenizer: token ids are enough"
rm broken/tokenizer*.json
hma inspect broken | grep scorable
hma inspect broken --json | short
hma merge pre broken --ratio 0.5 --out merged >/dev/null
