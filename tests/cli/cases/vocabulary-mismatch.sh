# A tokenizer that knows more tokens than the model has rows: texts that need them are refused, others are answered.
copy "$TESTS/golden/models/llama-mha" m
cp "$TESTS/golden/tokenizers/bpe-gpt2/"tokenizer*.json m
chmod u+w m/*
request() { echo "$1" >../requests; }
request '{"id":"1","type":"loglikelihood","context":"a","continuation":"b"}'
try hma score m --requests ../requests --output answers -q
grep -c logprob answers
rm answers
request '{"id":"1","type":"loglikelihood","context":"the river","continuation":" window"}'
refused hma score m --requests ../requests --output answers
request '{"id":"1","type":"generate","context":"the river window","until":[],"max_tokens":2}'
refused hma score m --requests ../requests --output answers
request '{"id":"1","type":"logits","ids":[5,100000]}'
refused hma score m --requests ../requests --output answers
request '{"id":"1","type":"loglikelihood","context_ids":[1],"continuation_ids":[3,2147483647]}'
refused hma score m --requests ../requests --output answers
request '{"id":"1","type":"detokenize","ids":[3,2147483648]}'
refused hma score m --requests ../requests --output answers
