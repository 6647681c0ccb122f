/*
 * The counter random number generator: Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).
 *
 * Nothing is drawn in sequence. Every number is a function of a key that says what it is for, and of a counter, so that it
 * does not depend on order, threads, or on what else was drawn.
 */
#ifndef HMA_BASE_RNG_H
#define HMA_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct hma_rng_key {
    uint32_t word[2];
} hma_rng_key;

/* Four random words for a counter. */
static inline void hma_philox(uint32_t out[4], const uint32_t counter[4], hma_rng_key key) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key.word[0], k1 = key.word[1];
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* A key from a seed and a purpose ("rounding model.norm.weight", "bootstrap", ..): equal in, equal out. */
hma_rng_key hma_rng_key_for(uint64_t seed, const char *purpose);
/* A key derived from another by a number (a prompt, a resample). */
hma_rng_key hma_rng_key_with(hma_rng_key key, uint64_t number);

/* The `index`th 64 random bits of a key, and uniform numbers made of them: in [0,1) with 53 bits, and integers below `n`
 * (by multiplication; bias below n / 2^64). */
uint64_t hma_rng_u64(hma_rng_key key, uint64_t index);
double hma_rng_double(hma_rng_key key, uint64_t index);
uint64_t hma_rng_below(hma_rng_key key, uint64_t index, uint64_t n);

#endif
