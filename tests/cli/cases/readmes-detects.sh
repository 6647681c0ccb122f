# The test of the READMEs notices files that are not named, names without files, and folders without a README.
mkdir -p root/src/base root/eval/tokenizer/jinja root/notebooks-export
cd root
touch src/base/one.c src/base/kernels_a.c src/base/kernels_b.c eval/tokenizer/jinja/lexer.c
echo '| `one.c`, `kernels_*.c` | fine; a new one is `kernels_NAME.c` |' >src/base/README.md
echo '| `jinja/lexer.c` | of the folder below |' >eval/tokenizer/README.md
bash "$TESTS/cli/readmes.sh" . && echo "maps that are right are accepted"
touch src/base/two.c notebooks-export/alone.c
echo '| `gone.c` | was here once |' >>src/base/README.md
try bash "$TESTS/cli/readmes.sh" .
