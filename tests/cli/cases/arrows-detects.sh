# The test of the arrows notices arrows that point the wrong way.
mkdir -p root/src/base root/src/merge root/src/cli root/include/hma root/eval/tokenizer root/notebooks-export
cd root
for i in 1 2 3 4 5 6 7 8 9 10; do echo '#include "merge/merge.h"' >src/merge/fine$i.c; done
touch src/merge/merge.h src/base/base.h src/cli/own.h include/hma/public.h
echo '#include "own.h"' >src/cli/main.c
echo '#include "hma/public.h"' >>src/cli/main.c
bash "$TESTS/cli/arrows.sh" . && echo "the right arrows are accepted"
echo '#include "merge/merge.h"' >src/base/base.c
echo '#include "base/base.h"' >>src/cli/main.c
echo '#include "base/base.h"' >include/hma/public.h
echo '#include "nowhere.h"' >eval/tokenizer/t.c
try bash "$TESTS/cli/arrows.sh" .
