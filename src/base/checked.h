/* Arithmetic on sizes that came from a file: every helper returns false instead of wrapping. */
#ifndef HMA_BASE_CHECKED_H
#define HMA_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool hma_add_u64(uint64_t *out, uint64_t a, uint64_t b) { return !__builtin_add_overflow(a, b, out); }
static inline bool hma_mul_u64(uint64_t *out, uint64_t a, uint64_t b) { return !__builtin_mul_overflow(a, b, out); }
static inline bool hma_add_size(size_t *out, size_t a, size_t b) { return !__builtin_add_overflow(a, b, out); }
static inline bool hma_mul_size(size_t *out, size_t a, size_t b) { return !__builtin_mul_overflow(a, b, out); }

/* Rounds up to a multiple of `unit` (not 0). */
static inline bool hma_round_up_u64(uint64_t *out, uint64_t value, uint64_t unit) {
    const uint64_t rest = value % unit;
    return rest == 0 ? (*out = value, true) : hma_add_u64(out, value, unit - rest);
}

static inline size_t hma_min_size(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t hma_max_size(size_t a, size_t b) { return a > b ? a : b; }
static inline uint64_t hma_min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t hma_max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

#endif
