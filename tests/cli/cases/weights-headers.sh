# Safetensors headers that are wrong: every one is refused with what is wrong and where, exit 3.
mkdir m
cp "$TESTS/golden/merge/llama-gqa-tied/pre/config.json" m
file=m/model.safetensors

# header TEXT BYTES WHAT: a file with this header, and bytes behind it; \ooo in the text is a byte.
header() {
    echo "-- $3"
    printf "${1//\\u/\\\\u}" | weights $file "$2"
    refused hma inspect m
}
# entry FIELDS BYTES WHAT: a header with one tensor
entry() { header '{"a":{'"$1"'}}' "$2" "$3"; }

echo "-- no bytes at all"
: >$file
refused hma inspect m
echo "-- seven bytes"
printf '\x01\0\0\0\0\0\0' >$file
refused hma inspect m
echo "-- header longer than the format allows"
{ number8 100000001; head -c 100 /dev/zero; } >$file
refused hma inspect m
echo "-- length 2^64-1"
{ printf '\xff\xff\xff\xff\xff\xff\xff\xff'; head -c 100 /dev/zero; } >$file
refused hma inspect m
echo "-- header longer than the file"
{ number8 1000; printf '{"a":'; } >$file
refused hma inspect m

header '\377' 0 "not UTF-8"
header '{"\300\200":{}}' 0 "overlong NUL"
header '{"\355\240\200":{}}' 0 "a surrogate in UTF-8"
header '\357\273\277{}' 0 "byte order mark"
header '{' 0 "unfinished"
header '[]' 0 "an array"
header '17' 0 "a number"
header '{}x' 0 "something behind the object"
header '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}' 8 "a name twice"
entry '"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]' 4 "dtype twice"
header '{"__metadata__":{"k":"1","k":"2"}}' 0 "metadata key twice"
header '{"__metadata__":{},"__metadata__":{}}' 0 "metadata twice"
header '{"__metadata__":[]}' 0 "metadata is a list"
header '{"__metadata__":{"k":1}}' 0 "metadata holds a number"
header '{"a\u0000b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 4 "NUL in a name, escaped"
header '{"a\000b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 4 "NUL in a name"
header '{"a\033[31mb":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 4 "escape sequence in a name"
header '{"a\u001b[31mb":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 4 "the same, escaped"
header '{"a\u009b31mb":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 4 "the same, in one character"
header '{"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 4 "an empty name"
header '{"'"$(head -c 1000000 /dev/zero | tr '\0' n)"'":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 4 "a name of a megabyte"

entry '"dtype":"F33","shape":[1],"data_offsets":[0,4]' 4 "unknown type"
entry '"dtype":"f32","shape":[1],"data_offsets":[0,4]' 4 "type in lower case"
entry '"shape":[1],"data_offsets":[0,4]' 4 "no type"
entry '"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]' 4 "eight-bit floats"
entry '"dtype":"F4","shape":[8],"data_offsets":[0,4]' 4 "four-bit floats"
entry '"dtype":"F6_E2M3","shape":[3],"data_offsets":[0,4]' 4 "six-bit floats in an odd number"

entry '"dtype":"F32","data_offsets":[0,4]' 4 "no shape"
entry '"dtype":"F32","shape":[-1],"data_offsets":[0,4]' 4 "negative dimension"
entry '"dtype":"F32","shape":[1.0],"data_offsets":[0,4]' 4 "dimension with a fraction"
entry '"dtype":"F32","shape":[1e0],"data_offsets":[0,4]' 4 "dimension with an exponent"
entry '"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,4]' 4 "dimension above 2^53"
entry '"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4]' 4 "dimension 2^64"
entry '"dtype":"F32","shape":[01],"data_offsets":[0,4]' 4 "leading zero"
entry '"dtype":"F32","shape":["1"],"data_offsets":[0,4]' 4 "dimension in quotes"
entry '"dtype":"F32","shape":['"$(printf '1,%.0s' {1..999})"'1],"data_offsets":[0,4]' 4 "a thousand dimensions"
entry '"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,4]' 4 "elements overflow"
entry '"dtype":"F32","shape":[2147483648,2147483648],"data_offsets":[0,4]' 4 "bytes overflow"

entry '"dtype":"F32","shape":[1]' 4 "no offsets"
entry '"dtype":"F32","shape":[1],"data_offsets":[0]' 4 "one offset"
entry '"dtype":"F32","shape":[1],"data_offsets":[0,4,8]' 4 "three offsets"
entry '"dtype":"F32","shape":[1],"data_offsets":[4,0]' 4 "offsets the wrong way round"
entry '"dtype":"F32","shape":[1],"data_offsets":[-4,0]' 4 "negative offset"
entry '"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]' 4 "huge offset"
entry '"dtype":"F32","shape":[100],"data_offsets":[0,400]' 4 "range outside the file"
entry '"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1' 4 "unknown key"
entry '"dtype":"F32","shape":[2],"data_offsets":[0,4]' 4 "size does not follow from the shape"
entry '"dtype":"F32","shape":[1],"data_offsets":[4,8]' 8 "data does not begin at 0"
entry '"dtype":"F32","shape":[1],"data_offsets":[0,4]' 34 "bytes behind the last tensor"
entry '"dtype":"F32","shape":[1],"data_offsets":[0,4]' 2 "two bytes are missing"
header '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}' 12 "a hole"
ten=$(for name in a b c d e f g h i j; do printf ',"%s":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}' $name; done)
header "{${ten#,}}" 16 "ten tensors in one place"
header "$(head -c 1000000 /dev/zero | tr '\0' '[')" 0 "nested a million deep"
header '{"a":'"$(head -c 1000000 /dev/zero | tr '\0' '[')" 0 "nested a million deep in an entry"
