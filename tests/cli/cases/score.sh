# Requests of every type, from a file and from standard input; the same answers with any number of threads.
cat >requests <<'END'
{"id":"ll","type":"loglikelihood","context":"Question: where?\nAnswer:","continuation":" here"}
{"id":"ids","type":"loglikelihood","context_ids":[10,11],"continuation_ids":[12]}
{"id":"gen","type":"generate","context":"the ","until":["\n"],"max_tokens":3}
{"id":"many","type":"generate","context_ids":[10,11,12],"until":[],"max_tokens":4,"temperature":1,"top_k":5,"top_p":0.9,"seed":7,"samples":2}
{"id":"last","type":"logits","ids":[10,11]}
{"id":"tok","type":"tokenize","text":"hello there","special":false}
{"id":"detok","type":"detokenize","ids":[40,41,42]}
END
# Numbers are shortened, and of logits only the first is shown: their last digits depend on the processor.
shorten() { sed -E 's/(-?[0-9]+\.[0-9]{2})[0-9]+/\1/g; s/("logits":\[[^,]*),.*/\1, ..]}/' "$1"; }
hma score "$DEMO/pre" --requests requests --output answers -j $THREADS
shorten answers
hma score "$DEMO/pre" --requests - --output piped -j $THREADS <requests
cmp answers piped
cat requests | hma score "$DEMO/pre" --requests - --output piped -j $THREADS
cmp answers piped
echo "-- a request's answer does not depend on the others"
tac requests >backwards
hma score "$DEMO/pre" --requests backwards --output answers-backwards -j $THREADS
cmp answers <(tac answers-backwards)
echo "-- white space at the end of a context is scored when nothing else is"
printf '%s\n' '{"id":"1","type":"loglikelihood","context":"the ","continuation":""}' >blank
printf '%s\n' '{"id":"1","type":"loglikelihood","context":"the","continuation":" "}' >moved
hma score "$DEMO/pre" --requests blank --output answers-blank -j $THREADS
hma score "$DEMO/pre" --requests moved --output answers-moved -j $THREADS
cmp answers-blank answers-moved
shorten answers-blank
mkdir suite
printf '%s\n' '{"query":"the ","target":""}' >suite/blank.jsonl
printf '%s\n' '{"tasks":[{"name":"t","type":"loglikelihood","file":"blank.jsonl","metric":"acc"}]}' >suite/suite.json
hma eval "$DEMO/pre" --suite suite/suite.json --requests-out asked -j $THREADS >/dev/null
cat asked
hma score "$DEMO/pre" --requests asked --output answers-asked -j $THREADS
cut -d , -f 2- answers-asked | cmp - <(cut -d , -f 2- answers-blank)
echo "-- rewards"
printf '%s\n' '{"id":"1","type":"reward","ids":[1,40,41,2]}' '{"id":"2","type":"reward","text":"hello"}' >rewards
hma score "$DEMO/reward" --requests rewards --output answers -j $THREADS
shorten answers
echo "-- merges"
hma score "$DEMO/pre" --post "$DEMO/post" --ratios 0,0,0 --requests requests --output at-zero -j $THREADS
hma score "$DEMO/pre" --post "$DEMO/post" --ratio 0.5 --requests requests --output half -j $THREADS
hma score "$DEMO/pre" --post "$DEMO/post" --ratio 1 --blocks 3 --requests requests --output at-one -j $THREADS
hma score "$DEMO/pre" --requests requests --output pre
hma score "$DEMO/post" --requests requests --output post
cmp at-zero pre
cmp at-one post
cmp -s half pre || echo "half is another model than pre"
echo "-- only a tokenizer"
mkdir only
cp "$DEMO/pre/tokenizer.json" "$DEMO/pre/tokenizer_config.json" only
grep tokenize requests >tokens
hma score only --requests tokens --output answers
cat answers
echo "-- no lines at all"
hma score "$DEMO/pre" --requests /dev/null --output answers 2>/dev/null || echo "exit $?"
: >none
hma score "$DEMO/pre" --requests none --output answers
wc -c <answers
