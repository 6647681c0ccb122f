# Requests that are wrong: the line, what is wrong, exit 3 (5 where model and request do not fit), no answers file.
request() {
    echo "-- $2"
    printf '{"id":"0","type":"tokenize","text":"a"}\n%b\n' "$1" >requests
    refused hma score "$DEMO/pre" --requests requests --output answers
}
request '[]' "no object"
request '{"id":"1"' "unfinished"
request '{"id":"1","type":"tokenize"}' "no text"
request '{"type":"tokenize","text":"a"}' "no id"
request '{"id":1,"type":"tokenize","text":"a"}' "id is a number"
request '{"id":"1","text":"a"}' "no type"
request '{"id":"1","type":"tokenise","text":"a"}' "misspelt type"
request '{"id":"1","type":"tokenize","text":"a","tokens":3}' "unknown key"
request '{"id":"1","type":"tokenize","text":"a","text":"b"}' "key twice"
request '{"id":"0","type":"tokenize","text":"a"}' "id twice"
request '{"id":"1","type":"tokenize","text":"a\\u0000b"}' "NUL"
request '{"id":"1","type":"tokenize","text":"\xff"}' "not UTF-8"
request '{"id":"1","type":"tokenize","text":"\\ud800"}' "half a surrogate pair"
request '{"id":"1","type":"logits","ids":[]}' "no ids"
request '{"id":"1","type":"logits","ids":[1024]}' "id beyond the vocabulary"
request '{"id":"1","type":"logits","ids":[-1]}' "negative id"
request '{"id":"1","type":"logits","ids":[1.5]}' "id with a fraction"
request '{"id":"1","type":"logits","ids":"1"}' "ids are text"
request '{"id":"1","type":"loglikelihood","context":"a","continuation":""}' "nothing to score"
request '{"id":"1","type":"loglikelihood","context":"","continuation":""}' "nothing at all"
request '{"id":"1","type":"generate","context":"a","until":[],"max_tokens":2,"seed":18446744073709551615}' "a seed that JSON does not hold"
request '{"id":"1","type":"loglikelihood","context":"a","context_ids":[1],"continuation":"b"}' "text and ids"
request '{"id":"1","type":"loglikelihood","context":"a","continuation_ids":[1]}' "text, then ids"
request '{"id":"1","type":"generate","context":"a"}' "no limit"
request '{"id":"1","type":"generate","context":"a","until":[],"max_tokens":0}' "no tokens"
request '{"id":"1","type":"generate","context":"a","until":[""],"max_tokens":2}' "empty stop string"
request '{"id":"1","type":"generate","context":"a","until":["x"],"max_tokens":1000000000}' "more tokens than the model can hold"
request '{"id":"1","type":"generate","context":"a","until":[],"max_tokens":2,"temperature":-1}' "negative temperature"
request '{"id":"1","type":"generate","context":"a","until":[],"max_tokens":2,"top_p":1.5}' "top_p"
request '{"id":"1","type":"generate","context":"a","until":[],"max_tokens":2,"samples":0}' "no samples"
request '{"id":"1","type":"reward","text":"a"}' "reward of a language model"
echo "-- a byte order mark"
printf '\xef\xbb\xbf{"id":"0","type":"tokenize","text":"a"}\n' >requests
refused hma score "$DEMO/pre" --requests requests --output answers
echo "-- a line of twenty million bytes without an end"
head -c 20000000 /dev/zero | tr '\0' x >requests
refused hma score "$DEMO/pre" --requests requests --output answers
rm requests
echo "-- questions that a reward model cannot answer"
echo '{"id":"1","type":"logits","ids":[1]}' >requests
refused hma score "$DEMO/reward" --requests requests --output answers
echo "-- questions that need a tokenizer or a model"
echo '{"id":"1","type":"tokenize","text":"a"}' >requests
refused hma score "$TESTS/golden/models/llama-mha" --requests requests --output answers
mkdir only
cp "$DEMO/pre/tokenizer.json" "$DEMO/pre/tokenizer_config.json" only
echo '{"id":"1","type":"logits","ids":[1]}' >requests
refused hma score only --requests requests --output answers
echo "-- files"
refused hma score "$DEMO/pre" --requests nowhere --output answers
refused hma score "$DEMO/pre" --requests only --output answers
mkfifo fifo
refused timeout 20 hma score "$DEMO/pre" --requests fifo --output answers
refused hma score "$DEMO/pre" --requests requests --output -
refused hma score "$DEMO/pre" --requests requests --output only
refused hma score "$DEMO/pre" --requests requests --output nowhere/answers
echo "-- outputs that are inputs"
copy "$DEMO/pre" m
echo '{"id":"1","type":"logits","ids":[1]}' >requests
refused hma score m --requests requests --output requests
refused hma score m --requests requests --output m/../requests
refused hma score m --requests requests --output m/model.safetensors
refused hma score m --requests requests --output m/config.json
refused hma score m --requests requests --output m/tokenizer.json
refused hma score m --requests requests --output m/answers
