# The program of an external scorer is an input of the run like its data: another one is another run.
demo_run
mkdir suite
ln -s "$DEMO/prompts" "$DEMO/tasks" suite
cat >suite/suite.json <<'END'
{"name":"judged","tasks":[{"name":"reading","category":"reading","type":"generate","file":"tasks/reading.jsonl","metric":"f1",
  "until":["\n"],"max_tokens":4}],
 "alignment":{"type":"scores","command":["sh","judge.sh","weights","no-file",""],"prompts":{"test":"prompts/test.jsonl"},
  "max_tokens":4}}
END
cat >suite/judge.sh <<'END'
sed -E 's/^\{"id":("[0-9]+").*/{"id":\1,"score":1}/'
END
echo 1 >suite/weights
cp -r suite other
sweep() { try hma sweep pre post --suite suite/suite.json --limit 2 --run run -q "$@" 2>&1 | grep -E '^(exit|hma)'; }
sweep --grid 0.5:0.5:1
sweep --grid 0.5:0.5:1
echo "-- another program"
sed -i 's/"score":1/"score":2/' suite/judge.sh
sweep --grid 0.5:0.5:1
sweep --grid 0:1:0.25
cp other/judge.sh suite
echo "-- what it reads"
echo 2 >suite/weights
sweep --grid 0:1:0.25
rm suite/weights
sweep --grid 0:1:0.25
cp other/weights suite
touch suite/no-file
sweep --grid 0:1:0.25
rm suite/no-file
echo "-- as it was, in another place"
mv suite moved
hma sweep pre post --suite moved/suite.json --limit 2 --run run --grid 0:1:0.25 -q >/dev/null
hma verify run
