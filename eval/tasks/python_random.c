#include "eval/tasks/python_random.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

enum { N = HMA_MT19937_WORDS, M = 397, DIRECT_SIZE = 21 };

/* ---- the generator ---- */

static void seed_by_number(hma_python_random *r, uint32_t seed) {
    r->word[0] = seed;
    for (uint32_t i = 1; i < N; i++) {
        r->word[i] = 1812433253u * (r->word[i - 1] ^ (r->word[i - 1] >> 30)) + i;
    }
    r->used = N;
}

static void seed_by_array(hma_python_random *r, const uint32_t *key, size_t length) {
    size_t i = 1, j = 0;
    seed_by_number(r, 19650218u);
    for (size_t k = N; k > 0; k--) { /* a key is shorter than the state */
        r->word[i] = (r->word[i] ^ ((r->word[i - 1] ^ (r->word[i - 1] >> 30)) * 1664525u)) + key[j] + (uint32_t)j;
        j = j + 1 < length ? j + 1 : 0;
        if (++i >= N) {
            r->word[0] = r->word[N - 1];
            i = 1;
        }
    }
    for (size_t k = N - 1; k > 0; k--) {
        r->word[i] = (r->word[i] ^ ((r->word[i - 1] ^ (r->word[i - 1] >> 30)) * 1566083941u)) - (uint32_t)i;
        if (++i >= N) {
            r->word[0] = r->word[N - 1];
            i = 1;
        }
    }
    r->word[0] = 0x80000000u;
}

static void refill(hma_python_random *r) {
    for (size_t i = 0; i < N; i++) {
        const uint32_t y = (r->word[i] & 0x80000000u) | (r->word[(i + 1) % N] & 0x7fffffffu);
        r->word[i] = r->word[(i + M) % N] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    r->used = 0;
}

void hma_python_random_seed(hma_python_random *out, uint64_t seed) {
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    seed_by_array(out, key, key[1] ? 2 : 1);
}

uint32_t hma_python_random_bits(hma_python_random *random, unsigned bits) {
    if (random->used == N) {
        refill(random);
    }
    uint32_t y = random->word[random->used++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    y ^= y >> 18;
    return y >> (32 - bits);
}

/* ---- drawing ---- */

/* _randbelow(n), n >= 1 */
static size_t below(hma_python_random *r, size_t n) {
    unsigned bits = 0;
    while (n >> bits) {
        bits++;
    }
    size_t drawn;
    do {
        drawn = hma_python_random_bits(r, bits);
    } while (drawn >= n);
    return drawn;
}

/* Python chooses the way by the size that a set of `count` entries would have: 21, and above 5 entries 4^ceil(log4(3 count))
 * more. */
static bool takes_from_a_list(size_t population, size_t count) {
    size_t size = DIRECT_SIZE, power = 1;
    if (count > 5) {
        while (power < 3 * count) {
            power *= 4;
        }
        size += power;
    }
    return population <= size;
}

/* A drawn place is filled with the last entry that is left. */
static hma_status sample_list(hma_python_random *r, size_t population, size_t count, size_t *chosen) {
    size_t *left = HMA_NEW(size_t, population);
    if (!left) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < population; i++) {
        left[i] = i;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t place = below(r, population - i);
        chosen[i] = left[place];
        left[place] = left[population - i - 1];
    }
    free(left);
    return HMA_OK;
}

static bool is_among(size_t one, const size_t *chosen, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (chosen[i] == one) {
            return true;
        }
    }
    return false;
}

hma_status hma_python_random_sample(hma_python_random *random, size_t population, size_t count, size_t *chosen) {
    if (takes_from_a_list(population, count)) {
        return sample_list(random, population, count, chosen);
    }
    for (size_t i = 0; i < count; i++) {
        do {
            chosen[i] = below(random, population);
        } while (is_among(chosen[i], chosen, i));
    }
    return HMA_OK;
}
