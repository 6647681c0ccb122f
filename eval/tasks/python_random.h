/*
 * Python's random module, as far as lm-evaluation-harness draws worked examples with it: random.Random(seed) is the Mersenne
 * Twister MT19937 (Matsumoto and Nishimura 1998) seeded by an array, and sample() takes its integers by rejection. Everything
 * else that is random in hma comes from base/rng.h.
 */
#ifndef HMA_TASKS_PYTHON_RANDOM_H
#define HMA_TASKS_PYTHON_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "hma/error.h"

enum { HMA_MT19937_WORDS = 624 };

typedef struct hma_python_random {
    uint32_t word[HMA_MT19937_WORDS];
    size_t used; /* words of this round that have been handed out */
} hma_python_random;

/* random.Random(seed) of a whole number. */
void hma_python_random_seed(hma_python_random *out, uint64_t seed);

/* getrandbits(bits), 1 to 32. */
uint32_t hma_python_random_bits(hma_python_random *random, unsigned bits);

/* sample(range(population), count): chosen[count], all different. count <= population < 2^32. */
hma_status hma_python_random_sample(hma_python_random *random, size_t population, size_t count, size_t *chosen);

#endif
