# What separates two checkpoints, the same with any number of threads.
small_pair
hma diff pre post --blocks 3 -j $THREADS
echo
hma diff pre post --tensors -j $THREADS | grep 'layers.4.mlp'
hma diff pre post --json -j $THREADS | cut -c 1-420
