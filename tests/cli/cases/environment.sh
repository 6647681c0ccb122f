# What surrounds the process does not change what it does: locale, home, temporary folder, umask, BLAS settings.
small_pair
hma merge pre post --ratio 0.3 --out plain >plain.txt
echo '{"id":"1","type":"logits","ids":[1,2,3]}' >requests
hma score pre --requests requests --output plain.jsonl
sums() { (cd "$1" && sha256sum config.json generation_config.json model.safetensors); }
same() {
    echo "-- ${*/$PATH/..}"
    rm -rf other other.jsonl
    env "$@" hma merge pre post --ratio 0.3 --out other >other.txt
    env "$@" hma score pre --requests requests --output other.jsonl
    cmp <(sums plain) <(sums other)
    cmp <(sed 1d plain.txt) <(sed 1d other.txt)
    cmp plain.jsonl other.jsonl
}
same LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8
same -u HOME -u TMPDIR -u PATH "PATH=$PATH"
same HOME=/nonexistent TMPDIR=/nonexistent
same TERM=dumb NO_COLOR=1
same -u TERM
same OPENBLAS_NUM_THREADS=7 OMP_NUM_THREADS=5
same TZ=Pacific/Kiritimati
same HDF5_USE_FILE_LOCKING=FALSE
echo "-- umask 077 and 000"
(umask 077 && hma merge pre post --ratio 0.3 --out private >/dev/null)
(umask 000 && hma merge pre post --ratio 0.3 --out public >/dev/null)
stat -c '%a %n' private private/model.safetensors private/README.md public public/model.safetensors public/README.md
