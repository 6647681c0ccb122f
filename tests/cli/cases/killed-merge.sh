# A merge that was killed leaves a hidden folder at most, which the next one for the same target removes.
small_pair
mkdir .out.partial-999999999-0 .out.partial-$$-0 .other.partial-999999999-0
: >.out.partial-999999999-0/model.safetensors
hma merge pre post --ratio 0.5 --out out >/dev/null
ls -A | sed "s/-$$-/-OURS-/"
