#!/usr/bin/env bash
# A pair larger than memory allows: makes checkpoints of 3B shape (needs 14 GB of disk), scores 64 documents of a merge of them within
# a budget, prints the peak of resident memory beside the budget, deletes them.
#
#   large_pair.sh HMA BENCH_LARGE_PAIR DIR [MEMORY [SHAPE..]]
set -eu
hma=$1 make=$2 folder=$3/large-pair memory=${4:-6G}
shift $(($# < 4 ? $# : 4))
mkdir -p "$folder"
trap 'rm -rf "$folder"' EXIT
"$make" "$folder" "$@"
du -sh "$folder/pre" "$folder/post"
for precision in fp32 bf16; do
    echo "$precision, --memory $memory:"
    "$hma" score "$folder/pre" --post "$folder/post" --ratios 0.4,0.7,1 --blocks 3 --requests "$folder/requests.jsonl" \
        --output "$folder/answers-$precision.jsonl" --memory "$memory" --precision "$precision" -v --progress none
    wc -l <"$folder/answers-$precision.jsonl"
done
