/* Deterministic mutation of inputs: equal arguments, equal result. */
#ifndef HMA_TESTS_MUTATE_H
#define HMA_TESTS_MUTATE_H

#include "base/rng.h"
#include "fuzz.h"

typedef struct fuzz_input {
    const uint8_t *data;
    size_t size;
} fuzz_input;

/* Changes data[size] (room for `capacity`) in one to eight places and returns the new size; `other` is another input to take
 * pieces from, `words` as in fuzz_target. */
size_t fuzz_mutate(uint8_t *data, size_t size, size_t capacity, hma_rng_key key, fuzz_input other, const char *const *words);

#endif
