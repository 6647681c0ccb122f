# A suite's questions as a request file, asked again: the same replies, also the sampled ones.
hma eval "$DEMO/pre" --suite "$DEMO/suite.json" --limit 3 --requests-out frozen.jsonl --out results >/dev/null
hma score "$DEMO/pre" --requests frozen.jsonl --output answers.jsonl -j $THREADS
reply() { grep -o '"\(text\|resps\)": *\(\[\[\)\?"[^"]*"' | sed 's/.*"\([^"]*\)"$/\1/'; }
grep '"alignment/' answers.jsonl | reply >again
reply <results/samples_alignment.jsonl | cmp - again
wc -l <again
