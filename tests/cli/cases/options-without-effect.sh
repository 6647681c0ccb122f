# An option that would be ignored is a mistake: it is named, with what it belongs to.
demo_run
search() { refused hma search pre post --suite demo/suite.json --run no "$@"; }
echo "-- of other search methods"
for option in "population 4" "batch 2" "mean-ratio 0.5" "mean 0.2" "texts demo/suite.json" "best 4" "drawn 4" "samples 1" \
    "block-length 0" "responses-only" "algorithm cobyla" "starts 5" "parametrization paper" "epsilon 0.3" "penalty 0.1" \
    "learning-rate 0.1"; do
    for method in nsga2 surrogate; do
        case "$method $option" in
        "nsga2 population 4" | "surrogate batch 2" | *mean-ratio*) ;;
        *) search --method $method --$option ;;
        esac
    done
done
search --method hma --population 4
search --method hma --batch 4
search --method hma --mean-ratio 0.5
search --population 4
echo "-- of the other parametrization, of own replies"
search --method hma --parametrization polytope --penalty 0.1
search --method hma --parametrization paper --algorithm mma
search --method hma --parametrization paper --starts 2
search --method hma --texts replies.jsonl --samples 2
refused hma sensitivity pre post --suite demo/suite.json --texts replies.jsonl --best 2
echo "-- of other merge methods"
search --base pre
refused hma sweep pre post --suite demo/suite.json --run no --base pre
refused hma sweep pre post --suite demo/suite.json --run no --method slerp --base pre
echo '{"ratio":0.5}' >lines
refused hma sweep pre post --suite demo/suite.json --run no --candidates lines --base pre
refused hma sweep pre post --suite demo/suite.json --run no --density 0.5
refused hma merge pre post --ratio 0.5 --out no --base pre
refused hma merge pre post --ratio 0.5 --out no --method slerp --lambda 0.5
echo "-- of something else that is not there"
refused hma eval pre --suite demo/suite.json --calibration 8
refused hma sensitivity pre post --suite demo/suite.json --dtype BF16
refused hma sensitivity pre post --suite demo/suite.json --rounding stochastic
mkdir words && cp pre/tokenizer.json words
echo '{"id":"1","type":"tokenize","text":"a","special":false}' >r
refused hma score words --requests r --output no --ratio 0.5
