# Suites and task files that are wrong: file, place and remedy, exit 3 (4 for a file that is missing), nothing written.
mkdir s
ln -s "$DEMO/reward" s/reward
ln -s "$DEMO/pre" pre
printf '%s\n' '{"query":"a","choices":["b","c"],"gold":0}' >s/choices.jsonl
printf '%s\n' '{"query":"a","answers":["b"]}' >s/answers.jsonl
printf '%s\n' '{"prompt":"a"}' >s/prompts.jsonl
# suite JSON WHAT
suite() {
    echo "-- $2"
    printf '%s\n' "$1" >s/suite.json
    refused hma eval pre --suite s/suite.json --out out
}
choices='"type":"multiple_choice","file":"choices.jsonl","metric":"acc"'
# task JSON WHAT: one task
task() { suite '{"name":"s","tasks":[{"name":"t",'"$1"'}]}' "$2"; }
alignment() { suite '{"name":"s","tasks":[],"alignment":{'"$1"'}}' "$2"; }
suite '' "empty file"
suite '[]' "a list"
suite '{"name":"s","tasks":[],"taks":[]}' "unknown key"
suite '{"name":"s"}' "nothing to measure"
suite '{"name":"s","tasks":[],"name":"t"}' "key twice"
suite '{"name":"s","tasks":[],"seed":-1}' "negative seed"
suite '{"name":"s","tasks":[{"name":"../t",'"$choices"'}]}' "a task's name that leads elsewhere"
suite '{"name":"s","tasks":[{"name":"t\u001b[31m",'"$choices"'}]}' "a task's name that drives the terminal"
suite '{"name":"s","tasks":[{"name":"t",'"$choices"'},{"name":"t",'"$choices"'}]}' "two tasks of a name"
task '"type":"quiz","file":"choices.jsonl"' "unknown type"
task '"file":"choices.jsonl","metric":"acc"' "no type"
task '"type":"multiple_choice","file":"choices.jsonl"' "no metric"
task '"type":"multiple_choice","metric":"acc"' "no file"
task "${choices/acc/bleu}" "a metric of another type"
task "${choices/acc/accuracy}" "unknown metric"
task "$choices"',"limit":0' "limit 0"
task "$choices"',"until":["x"]' "a key of another type"
task '"type":"generate","file":"answers.jsonl","metric":"f1","max_tokens":0' "no tokens"
task '"type":"multiple_choice","file":"nowhere.jsonl","metric":"acc"' "file missing"
task '"type":"multiple_choice","file":"reward","metric":"acc"' "file is a folder"
alignment '"type":"reward"' "unknown alignment"
alignment '"type":"reward_model","prompts":{"test":"prompts.jsonl"},"max_tokens":4' "no reward model"
alignment '"type":"reward_model","model":"nowhere","prompts":{"test":"prompts.jsonl"},"max_tokens":4' "reward model missing"
alignment '"type":"reward_model","model":"../pre","prompts":{"test":"prompts.jsonl"},"max_tokens":4' "reward model without a head"
alignment '"type":"reward_model","model":"reward","prompts":{"test":"nowhere"},"max_tokens":4' "prompts missing"
alignment '"type":"reward_model","model":"reward","prompts":{"test":"prompts.jsonl"},"max_tokens":4,"template":"chta"' "unknown template"
alignment '"type":"reward_model","model":"reward","prompts":{"test":"prompts.jsonl"},"max_tokens":4,"temperature":-1' "negative temperature"
alignment '"type":"implicit","prompts":{"test":"prompts.jsonl"},"max_tokens":4' "implicit reward without a pair"
echo "-- suite file"
refused hma eval pre --suite nowhere.json
refused hma eval pre --suite s
mkfifo fifo
refused timeout 20 hma eval pre --suite fifo
printf '%s\n' '{"name":"s","tasks":[{"name":"t",'"$choices"'}]}' >s/suite.json
# items TEXT WHAT: lines of choices.jsonl
items() {
    echo "-- $2"
    printf '%b' "$1" >s/choices.jsonl
    refused hma eval pre --suite s/suite.json --out out
}
items '' "no items"
items '\n\n' "only blank lines"
items '{"query":"a","choices":["b","c"],"gold":2}\n' "gold beyond the choices"
items '{"query":"a","choices":["b","c"],"gold":-1}\n' "negative gold"
items '{"query":"a","choices":["b","c"]}\n' "no gold"
items '{"query":"a","choices":[],"gold":0}\n' "no choices"
items '{"query":"a","choices":["b","c"],"gold":0,"glod":1}\n' "unknown key"
items '{"id":"x","query":"a","choices":["b","c"],"gold":0}\n{"id":"x","query":"a","choices":["b","c"],"gold":0}\n' "id twice"
items '{"query":"\xff","choices":["b","c"],"gold":0}\n' "not UTF-8"
items '\xef\xbb\xbf{"query":"a","choices":["b","c"],"gold":0}\n' "byte order mark"
items '{"query":"a","choices":["b","c"],"gold":0}\n{"query"\n' "second line unfinished"
echo "-- line ends of another system, one item, an empty query: fine"
printf '{"query":"","choices":["b","c"],"gold":0}\r\n' >s/choices.jsonl
hma eval pre --suite s/suite.json | head -n 2 | cut -c 1-30
echo "-- a name that leads elsewhere: results stay where they should"
printf '%s\n' '{"name":"../s/x","tasks":[{"name":"t",'"$choices"'}]}' >s/suite.json
hma eval pre --suite s/suite.json --out out >/dev/null
ls -A . out
echo "-- outputs"
refused hma eval pre --suite s/suite.json --out pre
refused hma eval pre --suite s/suite.json --out pre/results
refused hma eval pre --suite s/suite.json --out s/choices.jsonl
refused hma eval pre --suite s/suite.json --out nowhere/results
echo "-- models that do not answer"
refused hma eval "$DEMO/reward" --suite s/suite.json
ln -s "$TESTS/golden/models/llama-mha" mha
refused hma eval mha --suite s/suite.json
