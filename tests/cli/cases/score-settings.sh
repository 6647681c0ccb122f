# Settings of score: what changes the answers, and how much.
cat >requests <<'END'
{"id":"1","type":"loglikelihood","context":"Question: where?\nAnswer:","continuation":" over here"}
{"id":"2","type":"logits","ids":[10,11,12,13]}
END
score() { hma score "$DEMO/pre" --requests requests --output "$@"; }
score plain
first() { sed -E 's/.*"logprob":(-[0-9.]*),.*/\1/;q' $1; }
# Relative difference of the first log-likelihood to the plain one, in classes.
apart() {
    awk -v a="$(first plain)" -v b="$(first $1)" 'BEGIN {
        d = (a - b) / a; if (d < 0) d = -d
        print (d == 0 ? "the same bits" : d < 1e-5 ? "nearly the same" : d < 0.05 ? "close" : "another value") }'
}
echo "fp32 again: $(score again --precision fp32; apart again)"
echo "naive: $(score naive --backend naive; apart naive | sed 's/the same bits/nearly the same/')"
echo "openblas: $(score openblas --backend openblas; apart openblas | sed 's/the same bits/nearly the same/')"
echo "bf16: $(score bf16 --precision bf16; apart bf16)"
echo "little memory: $(score little --memory 20M; apart little)"
echo "three threads: $(score threads -j 3; apart threads)"
echo "-- special tokens"
llama="$TESTS/golden/models/llama-spm-text"
printf '%s\n' '{"id":"1","type":"loglikelihood","context":"a","continuation":" b"}' >requests
for bos in auto yes no; do
    hma score "$llama" --requests requests --output $bos --bos $bos
done
cmp auto yes && echo "auto adds what the tokenizer adds"
cmp -s auto no || echo "no leaves it out"
