# Misuse: one line on stderr that says what to do, exit 2, nothing on stdout.
try hma dif
try hma frobnicate
try hma help frobnicate
try hma version extra
try hma version --json=1
try hma version --jsn
try hma version --json --json
try hma help --completion --completions
try hma version -x
try hma version ""
try hma $'new\nline\033[31m'
