# One rule for everything that commands write: nothing over, or into, what they read, no file into a model folder, none over the
# files of a run. All of this is said before anything is done, so that nothing has changed.
small_pair
cp -r pre other && cp -r pre reward
mkdir tasks data
echo '{"query":"a","answers":["b"]}' | tee tasks/t.jsonl data/samples_s.jsonl >tasks/answers.jsonl
echo '{"prompt":"a"}' >prompts.jsonl
echo 'cat' >judge.sh
suite='{"name":"s","tasks":[{"name":"t","type":"generate","metric":"em","file":"tasks/t.jsonl"},
  {"name":"s","type":"generate","metric":"em","file":"data/samples_s.jsonl"}],"alignment":{"prompts":{"test":"prompts.jsonl"}'
echo "$suite"',"type":"reward_model","model":"reward"}}' >suite.json
echo "$suite"',"type":"scores","command":["sh","judge.sh","/"]}}' >judged.json
eval() { refused hma eval pre --suite suite.json "$@"; }
echo "-- what a suite names"
for file in suite.json tasks/t.jsonl tasks/../tasks/t.jsonl data/samples_s.jsonl prompts.jsonl reward/config.json reward/new; do
    eval --requests-out $file
    eval --log $file
done
eval --out reward/deep
eval --out data
refused hma eval pre --suite judged.json --requests-out judge.sh
refused hma sensitivity pre post --suite suite.json --log tasks/t.jsonl
refused hma sweep pre post --suite suite.json --run run --log tasks/t.jsonl
refused hma search pre post --suite suite.json --run run --log prompts.jsonl
echo "-- models, read or not"
eval --log pre/config.json
eval --requests-out pre/new
refused hma eval pre --suite suite.json --post post --ratio 0.5 --log post/new
refused hma eval pre --suite suite.json --post post --ratio 0.5 --method ties --base other --out other
eval --requests-out other/config.json
eval --out other
eval --log other/new
refused hma inspect pre --log pre/log
refused hma diff pre post --log post/log
refused hma verify pre --log pre/log
refused hma merge pre post --ratio 0.5 --out m --log post/config.json
mkdir other/deep
refused hma sweep pre post --suite suite.json --run run --extra x=other --log other/deep/log
mkdir weights && cp pre/model.safetensors weights
eval --requests-out weights/model.safetensors
mkdir project && echo '{"colour":"red"}' >project/config.json
hma inspect pre --log project/log >/dev/null
echo "-- links"
ln -s tasks/t.jsonl link
eval --requests-out link
eval --log link
mkdir cache linked && mv other/model.safetensors cache/weights
ln -s ../cache/weights linked/model.safetensors && cp pre/config.json linked
ln tasks/answers.jsonl linked/tokenizer.model
refused hma eval linked --suite suite.json --requests-out cache/weights
refused hma eval linked --suite suite.json --log tasks/answers.jsonl
ln -s pre to-pre
eval --out to-pre
echo "-- recipes, candidates, texts, requests"
for option in "sweep pre post --suite suite.json --run run --candidates" "search pre post --suite suite.json --run run --texts" \
    "sensitivity pre post --suite suite.json --texts" "merge pre post --out m --recipe" "score pre --output out --requests"; do
    refused hma $option tasks/answers.jsonl --log tasks/answers.jsonl
done
echo "-- a run that has not begun"
mkdir run
for file in journal.sqlite suite.json requests.jsonl lock; do
    refused hma sweep pre post --suite suite.json --run run --log run/$file
done
echo "-- what is no file"
mkfifo pipe
eval --requests-out pipe
hma inspect pre --log /dev/null >/dev/null
