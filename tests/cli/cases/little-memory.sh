# Address space that is limited, as some clusters do: a command succeeds or says that memory is out; it never hangs or is killed.
if bash -c 'ulimit -v 250000 && hma version' 2>&1 | grep -q Sanitizer; then
    echo "sanitizers need address space of their own"
    exit 77
fi
demo_run
for limit in 120000 160000 250000; do
    for command in "version" "merge pre post --ratio 0.5 --out m --force" "eval pre --suite demo/suite.json --limit 2" \
        "sweep pre post --suite demo/suite.json --limit 2 --run run-$limit --grid 0.5:0.5:1"; do
        code=0
        bash -c "ulimit -v $limit && exec timeout 120 hma $command" >/dev/null 2>../err || code=$?
        case $code in
        0 | 127) ;; # 127: the libraries themselves found no room
        1) grep -q -i 'memory\|address' ../err || cat ../err ;;
        *) echo "hma $command with $limit KiB: exit $code: $(head -n 1 ../err)" ;;
        esac
    done
done
# Around the least that suffices: the stack, too, must have its room before it is needed.
for limit in $(seq 79000 1000 91000); do
    code=0
    bash -c "ulimit -v $limit && exec timeout 120 hma eval pre --suite demo/suite.json --limit 1" >/dev/null 2>../err || code=$?
    [ $code -lt 128 ] || echo "hma eval with $limit KiB: exit $code: $(head -n 1 ../err)"
done
compgen -G '.m.partial*' || true
