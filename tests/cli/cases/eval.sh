# One model, or one merge, on a suite: table, JSON, files in lm-evaluation-harness's shape; the same with any number of threads.
suite="$DEMO/suite.json"
ln -s "$DEMO" demo
hma eval demo/pre --suite demo/suite.json --limit 8 -j $THREADS --out results >table
# Values of log-likelihoods and rewards depend on the processor in their last digits, what was chosen and written does not.
awk '!/reward/' table
hma eval demo/pre --suite demo/suite.json --limit 8 -j $THREADS --json |
    sed -E 's/("alignment":\{"type":"reward_model","value":)[-0-9.e]*,"stderr":[-0-9.e]*/\1R,"stderr":E/; s/(,"retention":\{[^}]*\}).*/\1/'
ls results
for task in commonsense reading translation alignment; do
    wc -l <results/samples_$task.jsonl
done
sed -E 's/,"alignment":.*//' results/results_demo.json
for key in group_subtasks configs versions n-shot higher_is_better n-samples config model_name total_evaluation_time_seconds; do
    grep -q "\"$key\":" results/results_demo.json || echo "results have no $key"
done
head -n 1 results/samples_reading.jsonl | sed 's/"doc_hash.*//'
echo "-- writing again replaces"
cp -r results first
hma eval demo/pre --suite demo/suite.json --limit 8 -j $THREADS --out results >/dev/null
diff -r first results | grep -v -E 'seconds|^---|^[0-9,]*c[0-9,]*$|^diff' || true
echo "-- a merge, and its endpoints"
answers() { hma eval demo/pre --post demo/post --suite demo/suite.json --limit 8 -j $THREADS "$@" | grep -v reward; }
answers --ratio 0 | diff <(grep -v reward table) -
answers --ratios 0.4,0.7,1
answers --ratio 1 | diff <(hma eval demo/post --suite demo/suite.json --limit 8 | grep -v reward) -
hma eval demo/pre --post demo/post --ratios 0.4,0.7,1 --suite demo/suite.json --limit 2 --json | cut -d , -f 1
echo "-- prompts of the search set"
hma eval demo/pre --suite demo/suite.json --limit 2 --prompts search --out of-search >/dev/null
hma eval demo/pre --suite demo/suite.json --limit 2 --prompts test --out of-test >/dev/null
cmp -s of-search/samples_alignment.jsonl of-test/samples_alignment.jsonl || echo "are others"
cmp of-search/samples_reading.jsonl of-test/samples_reading.jsonl
echo "-- the questions as a request file, which can be asked again"
hma eval demo/pre --suite demo/suite.json --limit 2 --requests-out asked.jsonl -j $THREADS --out once >/dev/null
cut -c 1-90 asked.jsonl
hma score demo/pre --requests asked.jsonl --output answers.jsonl
for id in commonsense/ reading/; do # the same numbers as in the samples
    grep -c "$id" answers.jsonl
done
grep -o '"logprob":[-0-9.e]*' answers.jsonl | head -n 2 | cut -d : -f 2 | cut -c 1-12 >scored
grep -o '"resps":\[\[\["[-0-9.e]*","[A-Za-z]*"\]\],\[\["[-0-9.e]*' once/samples_commonsense.jsonl | head -n 1 | grep -o '"-[0-9.]*' | tr -d '"' | cut -c 1-12 | diff scored -
hma eval demo/pre --suite demo/suite.json --requests-out demo/suite.json 2>&1 || echo "exit $?"
