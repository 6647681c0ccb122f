# Values of options that are not what they must be: exit 2, the option by name.
small_pair
for value in 0 -1 1000000000 abc '' 1.5 ' 1' 0x10 99999999999999999999; do
    refused hma merge pre post --ratio 0.5 --out out --threads "$value"
done
refused hma merge pre post --ratio 0.5 --out out -j
refused hma merge pre post --ratio 0.5 --out out -jbanana
for value in -1 nan inf 1e308 1.0000001 banana 0,5 '' 0x1p-1 -0.1; do
    refused hma merge pre post --ratio "$value" --out out
done
for value in 0.5,nan 0.5,,0.5 0.5:0.7 1,2; do
    refused hma merge pre post --ratios "$value" --out out
done
for value in -1 18446744073709551616 x 9007199254740993; do
    refused hma merge pre post --ratio 0.5 --out out --seed "$value"
done
for value in 0 5/4 -5 1.5G G 99999999999G 20B; do
    refused hma merge pre post --ratio 0.5 --out out --shard-size "$value"
done
for value in 0 -1 all 6 1048575; do
    refused hma merge pre post --ratio 0.5 --out out --memory "$value"
done
for value in 0 -1 all; do
    refused hma eval pre --suite s.json --limit "$value"
done
refused hma front run --resamples 10
refused hma front run --resamples 10000000
refused hma front run --seed 18446744073709551616
refused hma eval pre --suite s.json --prompts tset
refused hma eval pre --suite s.json --precision fp16
refused hma eval pre --suite s.json --backend gpu
refused hma eval pre --suite s.json --bos maybe
refused hma eval pre --suite s.json --progress bars
refused hma eval pre --suite s.json -q -q
