# Limits that the system sets: size of files, open files. One line, exit 4 (1 for memory), nothing left behind.
small_pair
hma merge pre post --ratio 0.5 --out shards --shard-size 3K >/dev/null
echo "-- size of files"
# Messages must fit into the limit as well, so it is 1 KiB at least.
limited() { refused bash -c "ulimit $1 && exec hma ${*:2}"; }
limited '-f 8' merge pre post --ratio 0.5 --out out
limited '-f 1' merge pre post --ratio 0.5 --out out
printf '%s\n' '{"id":"1","type":"logits","ids":[1]}' '{"id":"2","type":"logits","ids":[1,2]}' >requests
limited '-f 1' score pre --requests requests --output answers
ln -s "$DEMO" demo
limited '-f 1' sweep demo/pre demo/post --suite demo/suite.json --limit 2 --run run
echo "-- open files"
limited '-n 12' inspect shards | sed 's/model-[0-9]*-of/model-N-of/'
