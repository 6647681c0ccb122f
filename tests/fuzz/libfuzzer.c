/* The same targets under clang's libFuzzer, which looks for new paths instead of repeating known ones. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity); /* libFuzzer's own */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size <= FUZZ_MAX_INPUT) {
        the_target.run(data, size);
    }
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned seed) {
    size = LLVMFuzzerMutate(data, size, capacity);
    return the_target.repair && seed % 8 ? the_target.repair(data, size, capacity) : size;
}
