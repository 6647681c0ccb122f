# tokenizer.json, tokenizer.model and their settings with one thing broken: exit 3, the file, what is wrong and where; no answers.
echo '{"id":"1","type":"tokenize","text":"river window 12"}' >../requests
# broken TOKENIZER SED WHAT: tokenizer.json changed by sed
broken() {
    rm -rf t
    copy "$TESTS/golden/tokenizers/$1" t
    echo "-- $1: $3"
    sed -i "$2" t/${4:-tokenizer.json}
    cmp -s t/${4:-tokenizer.json} "$TESTS/golden/tokenizers/$1/${4:-tokenizer.json}" && echo "nothing was changed"
    refused hma score t --requests ../requests --output answers
}
part() { echo 's/"'$1'":\(null\|{\)/"'$1'":'"$2"',"x":\1/'; }
broken bpe-gpt2 's/"merges":\[\["/"merges":[["zq/' "a merge that names no token"
broken bpe-gpt2 's/"merges":\[/"merges":[["a"],/' "a merge of one token"
broken bpe-gpt2 's/"merges":\[/"merges":["ab",/' "a merge in the old style without a space"
broken vocab-gpt-2 's/"merges":\["/"merges":["zq/' "a merge in the old style that names no token"
broken bpe-gpt2 's/"merges"/"murges"/' "no merges"
broken bpe-gpt2 's/"vocab":{/"vocab":{"zq":3,/' "an id twice"
broken bpe-gpt2 's/"vocab":{/"vocab":{"zq":-3,/' "a negative id"
broken bpe-gpt2 's/"vocab":{/"vocab":{"zq":4294967296,/' "an id beyond all sizes"
broken bpe-gpt2 's/"vocab":{/"vocab":{"zq":"9",/' "an id that is text"
broken bpe-gpt2 's/"type":"BPE"/"type":"WordPiece"/' "another kind of model"
broken bpe-gpt2 's/"dropout":null/"dropout":0.1/' "dropout"
broken bpe-gpt2 's/"end_of_word_suffix":null/"end_of_word_suffix":"<\/w>"/' "a suffix of words"
broken bpe-qwen2 's/"type":"NFC"/"type":"BertNormalizer"/' "unknown normalizer"
broken bpe-smollm 's/"type":"Digits"/"type":"UnicodeScripts"/' "unknown pre-tokenizer"
broken bpe-llama3 's/"behavior":"Isolated"/"behavior":"Thrown"/' "unknown behavior"
broken bpe-llama3 's/"Regex":"/"Regex":"(/' "a regular expression without an end"
broken bpe-metaspace-first 's/"prepend_scheme":"first"/"prepend_scheme":"sometimes"/' "unknown prepend scheme"
broken bpe-llama2 's/"type":"ByteFallback"/"type":"CTC"/' "unknown decoder"
broken bpe-llama3 's/"type":"TemplateProcessing"/"type":"MagicProcessing"/' "unknown post-processor"
broken bpe-llama2 's/"type":"TemplateProcessing"/"type":"MagicProcessing"/' "unknown post-processor, replaced by the class"
broken bpe-llama3 's/"SpecialToken":{"id":"<|begin_of_text|>"/"SpecialToken":{"id":"<|nowhere|>"/' "a template with an unknown token"
broken bpe-gpt2 's/"added_tokens":\[/"added_tokens":[{"id":70000,"content":"<far>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},/' "an added token with a gap before it"
broken bpe-gpt2 's/"added_tokens":\[/"added_tokens":[{"id":9,"content":"","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},/' "an empty added token"
broken bpe-gpt2 's/.*/[&]/' "a list"
broken bpe-gpt2 's/^\(.\{3000\}\).*/\1/' "half a file"
broken bpe-gpt2 's/GPT2Tokenizer/BertTokenizer/' "another class" tokenizer_config.json
broken bpe-gpt2 '1s/{/{"split_special_tokens": true,/' "special tokens are split" tokenizer_config.json
broken bpe-gpt2 's/"bos_token": "[^"]*"/"bos_token": 3/' "a token that is a number" tokenizer_config.json
broken bpe-gpt2 's/"add_prefix_space"/&/; 1s/{/{"add_bos_token": "yes",/' "a switch that is text" tokenizer_config.json

spm() {
    rm -rf t
    copy "$TESTS/golden/tokenizers/spm-unigram-nfkc" t
    echo "-- tokenizer.model: $1"
}
spm "cut off"
truncate -s -9 t/tokenizer.model
refused hma score t --requests ../requests --output answers
spm empty
: >t/tokenizer.model
refused hma score t --requests ../requests --output answers
spm "a pointer to the file"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 499723\n' >t/tokenizer.model
refused hma score t --requests ../requests --output answers
spm "no piece is the unknown one"
patch_bytes t/tokenizer.model 0 "$(printf '\\x0a\\x0e\\x0a\\x05<unk>\\x15\\0\\0\\0\\0\\x18\\x03')"
refused hma score t --requests ../requests --output answers
