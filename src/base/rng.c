#include "base/rng.h"

#include <string.h>

static uint64_t draw(hma_rng_key key, uint64_t low, uint64_t high) {
    const uint32_t counter[4] = {(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high, (uint32_t)(high >> 32)};
    uint32_t out[4];
    hma_philox(out, counter, key);
    return (uint64_t)out[1] << 32 | out[0];
}

static hma_rng_key split(uint64_t bits) { return (hma_rng_key){{(uint32_t)bits, (uint32_t)(bits >> 32)}}; }

hma_rng_key hma_rng_key_with(hma_rng_key key, uint64_t number) {
    /* the high half of the counter is never used by hma_rng_u64, so derived keys are independent of a key's own numbers */
    return split(draw(key, number, 0x6b65795f77697468u));
}

hma_rng_key hma_rng_key_for(uint64_t seed, const char *purpose) {
    hma_rng_key key = split(seed);
    const size_t length = strlen(purpose);
    for (size_t i = 0; i <= length; i += 8) {
        uint64_t word = 0;
        memcpy(&word, purpose + i, length - i < 8 ? length - i : 8);
        key = hma_rng_key_with(key, word);
    }
    return hma_rng_key_with(key, length);
}

uint64_t hma_rng_u64(hma_rng_key key, uint64_t index) { return draw(key, index, 0); }

double hma_rng_double(hma_rng_key key, uint64_t index) { return (double)(hma_rng_u64(key, index) >> 11) * 0x1p-53; }

uint64_t hma_rng_below(hma_rng_key key, uint64_t index, uint64_t n) {
    return (uint64_t)(((unsigned __int128)hma_rng_u64(key, index) * n) >> 64);
}
