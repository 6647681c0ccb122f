# Which layers and kinds move log-likelihoods: shape of table and JSON, the same bits for any number of threads, refusals.
ln -s "$DEMO" demo
sensitivity() { hma sensitivity demo/pre demo/post --suite demo/suite.json --limit 6 --best 4 --drawn 3 "$@"; }
# Numbers depend on the processor in their last digits.
shape() { sed -E 's/-?[0-9]+\.[0-9e-]+ ±[0-9.e-]+/V/g; s/ +/ /g'; }
sensitivity | shape
echo "-- parts"
sensitivity --parts --ratio 0.3 | shape | sed -n '/^layer 5, /p; /^outside, /p'
echo "-- JSON"
sensitivity --json --ratios 0.2,0.9 -j 1 >one.json
sensitivity --json --ratios 0.2,0.9 -j 3 | cmp - one.json
cut -d '[' -f 1,2 one.json
grep -o '"scope":"[a-z]*"' one.json | sort | uniq -c | tr -s ' '
echo "-- texts of one's own"
printf '%s\n' '{"prompt":"Say hello","response":"Hello to you!","ended":true}' '{"prompt":"And now?","response":"Goodbye."}' >texts.jsonl
hma sensitivity demo/pre demo/post --suite demo/suite.json --limit 6 --texts texts.jsonl --json | grep -o '"name":"replies","category":null,"texts":2'
echo '{"prompt":"Say hello"}' >>texts.jsonl
refused hma sensitivity demo/pre demo/post --suite demo/suite.json --texts texts.jsonl
refused hma sensitivity demo/pre demo/post --suite demo/suite.json --precision bf16
refused hma sensitivity demo/pre demo/post --suite demo/suite.json --ratio 0.3 --ratios 0.2,0.9
