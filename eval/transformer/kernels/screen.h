/*
 * Products of the output head in 8 bits, which say between which bounds the real ones lie: enough to tell which tokens can be
 * the next one. What they cost is a quarter of fp32's operations and of its reading.
 *
 * Rows of W and X are turned first, 64 neighbouring k at a time (fewer where k is not a multiple), by a Hadamard matrix. That
 * leaves products as they are, up to the factor 64, and spreads out single large values, which would cost all others of their
 * row their precision. Then each row is rounded to whole multiples of 1/127 of its largest value.
 *
 * The bound, by Cauchy and Schwarz; W' and X' are what W and X were rounded to:
 *     |W X - W' X'| <= |W - W'| |X| + |W'| |X - X'|
 *
 * To that comes what the fp32 product itself may be off, (k + a few) 2^-24 |W| |X|, counted twice over; and squares that are
 * too small for a float count as the smallest one. One number for a row of W and one for a row of X are to be multiplied:
 *
 *     reach = |W - W'| + (HMA_SCREEN_EVEN + rounding) |W|
 *     room = max(|X|, |X - X'| / HMA_SCREEN_EVEN)
 *
 * which is tightest where X loses about that share of itself, as it does.
 */
#ifndef HMA_EVAL_TRANSFORMER_KERNELS_SCREEN_H
#define HMA_EVAL_TRANSFORMER_KERNELS_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eval/transformer/kernels/gemm.h"

#define HMA_SCREEN_EVEN (1.0F / 128)

/* Of the rows of W that share a panel. */
typedef struct hma_screen_panel {
    float *scale;    /* [HMA_PANEL]: of a whole number, the turning's factor included */
    int32_t *offset; /* [HMA_PANEL]: bytes of X are 128 too large; so much is to be taken from a product */
    float *reach;    /* [HMA_PANEL] */
    float *length;   /* [HMA_PANEL]: |W|, the factor included */
} hma_screen_panel;

typedef struct hma_screen_row {
    float scale, room;
} hma_screen_row;

typedef struct hma_screen_kernel {
    const char *name;
    /* Rounds a panel [k][HMA_PANEL], which is used up, to packed[k / 4][HMA_PANEL][4]. k is a multiple of 4. */
    void (*pack)(float *panel, size_t k, int8_t *packed, const hma_screen_panel *out);
    /* Rounds x[k], which is used up. False when a value is not finite, or too large to say anything about products. */
    bool (*round_row)(float *x, size_t k, uint8_t *out, hma_screen_row *row);
    /* Whole numbers, as int32 in the memory of floats: dots[i, j - first], sums of X's bytes times W's. `ldx` in bytes. */
    void (*multiply)(const uint8_t *x, size_t ldx, size_t m, const int8_t *packed, size_t k, size_t first, size_t count,
                     float *dots, size_t ldy);
    /*
     * From dots[m, count] to what these logits are at most, in place, and to the largest of every HMA_SCREEN_TOP of them.
     * `panel` begins at the first column.
     */
    void (*bound)(const hma_screen_panel *panel, const hma_screen_row *rows, size_t m, size_t count, float *dots, size_t ldy,
                  float *tops, size_t ld_tops);
} hma_screen_kernel;

/* Logits that share a number for the largest of them. */
enum { HMA_SCREEN_TOP = 64 };

/* Neighbours that are turned together. */
static inline size_t hma_screen_block(size_t k) {
    size_t block = 1;
    while (block < 64 && k % (2 * block) == 0) {
        block *= 2;
    }
    return block;
}

/* What rounding in fp32 adds for products of this depth, of |W| |X|. */
static inline float hma_screen_rounding(size_t k) { return (float)k * 0x1p-23F + 0x1p-16F; }

extern const hma_screen_kernel hma_screen_avx512; /* with AVX-512 VNNI */
extern const hma_screen_kernel hma_screen_avx2;   /* with AVX-VNNI */

/* Whether this processor runs them. */
bool hma_screen_avx512_runs(void);
bool hma_screen_avx2_runs(void);

#endif
