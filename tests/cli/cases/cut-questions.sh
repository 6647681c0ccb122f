# Questions that are longer than the model's positions: answered from their ends, with one warning for each task or request file.
mkdir suite
ln -s "$DEMO/pre" pre
ln -s "$DEMO/post" post
long=$(printf 'the river is blue and %.0s' {1..200})
printf '%s\n' '{"query":"'"$long"'","choices":["a","b"],"gold":0}' '{"query":"short","choices":["a","b"],"gold":0}' >suite/choices.jsonl
printf '%s\n' '{"query":"'"$long"'","answers":["a"]}' '{"query":"'"$long"'","answers":["b"]}' >suite/answers.jsonl
printf '%s\n' '{"query":"short","answers":["a"]}' >suite/short.jsonl
printf '%s\n' '{"text":"'"$long"'"}' >suite/texts.jsonl
cat >suite/suite.json <<'END'
{"tasks":[{"name":"choices","type":"multiple_choice","file":"choices.jsonl","metric":"acc"},
          {"name":"replies","type":"generate","file":"answers.jsonl","metric":"f1","max_tokens":2},
          {"name":"short","type":"generate","file":"short.jsonl","metric":"f1","max_tokens":2},
          {"name":"texts","type":"rolling","file":"texts.jsonl","metric":"word_perplexity"}]}
END
hma eval pre --suite suite/suite.json -j $THREADS 2>&1 >/dev/null
echo "-- a sweep says it once"
hma sweep pre post --suite suite/suite.json --run run --grid 0.5:0.5:1 --progress none 2>&1 >/dev/null | grep 'cut off'
echo "-- prompts"
printf '%s\n' '{"prompt":"'"$long"'"}' '{"prompt":"short"}' >suite/prompts.jsonl
printf '%s\n' '{"tasks":[],"alignment":{"type":"implicit","prompts":{"test":"prompts.jsonl"},"max_tokens":2,"template":"none"}}' >suite/suite.json
hma eval pre --suite suite/suite.json --post post --ratio 0.5 2>&1 >/dev/null | grep 'cut off'
echo "-- requests"
ids=$(seq -s , 1 300)
printf '%s\n' '{"id":"1","type":"logits","ids":['"$ids"']}' '{"id":"2","type":"logits","ids":[1,2]}' \
    '{"id":"3","type":"loglikelihood","context_ids":['"$ids"'],"continuation_ids":[3]}' \
    '{"id":"4","type":"generate","context_ids":['"$ids"'],"max_tokens":2}' >requests
hma score pre --requests requests --output answers -j $THREADS 2>&1
