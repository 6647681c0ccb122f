/*
 * The AVX-512 products, for files that say what a step is: HMA_TILE_OP is vfmadd231ps (a step is one k, a lane one float),
 * vdpbf16ps (a step is a pair of k, a lane two bfloat16) or vpdpbusd (four of k, four bytes; sums are whole numbers, and
 * HMA_TILE_ADD says how blocks of k are added up), HMA_STEP_DEPTH 1, 2 or 4. In any case a step of a panel is 32 lanes of 4
 * bytes, and one lane of each row of X meets all of them.
 *
 * With HMA_HALVES the 32 floats of a step lie there as 16 pairs of bfloat16, of columns j and j + 16: shifted up they are the
 * lanes of the first 16 columns, without their lower halves those of the others. So weights cost half the reading, and two
 * simple instructions a step.
 *
 * Up to 12 rows by one panel: 24 accumulators, 2 registers of weights, 1 broadcast. Up to 6 rows take 2 panels at once, or the
 * additions would wait for each other. In assembly, because gcc 12 moves accumulators to memory and back when they meet
 * instructions that it does not know well; and so that unoptimised and sanitized builds have the same speed.
 *
 * A panel is gone through from its first step to its last before the next one, so weights come in the order in which they lie
 * in memory and can be fetched ahead: with few rows a product takes as long as that. X stays in the second-level cache, as it
 * is or as [block of k][row][256 / HMA_STEP_DEPTH] steps without gaps: rows with a stride of whole pages would fight for the
 * same few lines of the first-level cache.
 */
#ifndef HMA_EVAL_TRANSFORMER_KERNELS_GEMM_TILE512_H
#define HMA_EVAL_TRANSFORMER_KERNELS_GEMM_TILE512_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "eval/transformer/kernels/gemm.h"

#ifndef HMA_TILE_ADD
#define HMA_TILE_ADD "vaddps"
#endif

enum {
    TILE_ROWS = 12,
    PAIR_ROWS = 6,
    PACKED_ROWS = 8 * TILE_ROWS,           /* of X at once, .. */
#ifdef HMA_HALVES
    STEP_BYTES = HMA_PANEL * 2,            /* of a panel */
#else
    STEP_BYTES = HMA_PANEL * 4,
#endif
    ROW_STEPS = HMA_GEMM_DEPTH / HMA_STEP_DEPTH,
    ROW_BYTES = ROW_STEPS * 4,
    PACKED_BYTES = 6 * PACKED_ROWS * ROW_BYTES, /* .. and as many blocks of k as fit into this */
    /* Weights that one tile meets are fetched so far before. With more tiles it is the next block that is fetched while this
     * one is used. */
    AHEAD_ONE = 64 * STEP_BYTES
};

/* The lanes of a step into registers `low` and `high`; HALF is all ones in the upper half of a lane. */
#ifdef HMA_HALVES
#define MAKE_HALF(r) "vpternlogd $255, %%zmm" #r ", %%zmm" #r ", %%zmm" #r "\n\tvpslld $16, %%zmm" #r ", %%zmm" #r "\n\t"
#define LANES(at, more, low, high, half)                                                                               \
    "vmovups 64*" #at "(%[panel]" more "), %%zmm" #high "\n\tvpslld $16, %%zmm" #high ", %%zmm" #low                   \
    "\n\tvpandd %%zmm" #half ", %%zmm" #high ", %%zmm" #high "\n\t"
#define PAST_1 "$64"
#define PAST_4 "$256"
#else
#define MAKE_HALF(r)
#define LANES(at, more, low, high, half)                                                                               \
    "vmovups 128*" #at "(%[panel]" more "), %%zmm" #low "\n\tvmovups 128*" #at "+64(%[panel]" more "), %%zmm" #high "\n\t"
#define PAST_1 "$128"
#define PAST_4 "$512"
#endif

/* Lanes of X: rows r and r + 6 of a tile, from pointers to rows 0 and 6 and the stride of rows, 1, 3 and 5 times. */
#define X_0 "(%[x])"
#define X_1 "(%[x],%[s])"
#define X_2 "(%[x],%[s],2)"
#define X_3 "(%[x],%[s3])"
#define X_4 "(%[x],%[s],4)"
#define X_5 "(%[x],%[s5])"
#define X_6 "(%[x6])"
#define X_7 "(%[x6],%[s])"
#define X_8 "(%[x6],%[s],2)"
#define X_9 "(%[x6],%[s3])"
#define X_10 "(%[x6],%[s],4)"
#define X_11 "(%[x6],%[s5])"

/* One row r of a step: its lane of X times both halves of the panel's step, added to accumulators low and high. */
#define ROW_OF(at, r, low, high)                                                                                       \
    "vbroadcastss 4*" #at X_##r ", %%zmm2\n\t" HMA_TILE_OP " %%zmm0, %%zmm2, %%zmm" #low                               \
    "\n\t" HMA_TILE_OP " %%zmm1, %%zmm2, %%zmm" #high "\n\t"
#define ROWS_1(at) ROW_OF(at, 0, 8, 9)
#define ROWS_2(at) ROWS_1(at) ROW_OF(at, 1, 10, 11)
#define ROWS_3(at) ROWS_2(at) ROW_OF(at, 2, 12, 13)
#define ROWS_4(at) ROWS_3(at) ROW_OF(at, 3, 14, 15)
#define ROWS_5(at) ROWS_4(at) ROW_OF(at, 4, 16, 17)
#define ROWS_6(at) ROWS_5(at) ROW_OF(at, 5, 18, 19)
#define ROWS_7(at) ROWS_6(at) ROW_OF(at, 6, 20, 21)
#define ROWS_8(at) ROWS_7(at) ROW_OF(at, 7, 22, 23)
#define ROWS_9(at) ROWS_8(at) ROW_OF(at, 8, 24, 25)
#define ROWS_10(at) ROWS_9(at) ROW_OF(at, 9, 26, 27)
#define ROWS_11(at) ROWS_10(at) ROW_OF(at, 10, 28, 29)
#define ROWS_12(at) ROWS_11(at) ROW_OF(at, 11, 30, 31)

#define STEP(rows, at) LANES(at, "", 0, 1, 3) ROWS_##rows(at)

/* What to do once for each row, from accumulators 8, 9 on. */
#define EACH_1(DO) DO(8, 9)
#define EACH_2(DO) EACH_1(DO) DO(10, 11)
#define EACH_3(DO) EACH_2(DO) DO(12, 13)
#define EACH_4(DO) EACH_3(DO) DO(14, 15)
#define EACH_5(DO) EACH_4(DO) DO(16, 17)
#define EACH_6(DO) EACH_5(DO) DO(18, 19)
#define EACH_7(DO) EACH_6(DO) DO(20, 21)
#define EACH_8(DO) EACH_7(DO) DO(22, 23)
#define EACH_9(DO) EACH_8(DO) DO(24, 25)
#define EACH_10(DO) EACH_9(DO) DO(26, 27)
#define EACH_11(DO) EACH_10(DO) DO(28, 29)
#define EACH_12(DO) EACH_11(DO) DO(30, 31)

#define CLEAR(low, high)                                                      \
    "vpxord %%zmm" #low ", %%zmm" #low ", %%zmm" #low "\n\t"                  \
    "vpxord %%zmm" #high ", %%zmm" #high ", %%zmm" #high "\n\t"
/* y is wanted when the steps are done: fetched meanwhile */
#define FETCH(low, high) "prefetcht0 (%[to])\n\tprefetcht0 64(%[to])\n\tadd %[ldy], %[to]\n\t"
#define ADD(low, high)                                                                                                \
    "vmovups (%[to]), %%zmm0%{%[m0]%}%{z%}\n\tvmovups 64(%[to]), %%zmm1%{%[m1]%}%{z%}\n\tadd %[ldy], %[to]\n\t"       \
    HMA_TILE_ADD " %%zmm" #low ", %%zmm0, %%zmm" #low "\n\t" HMA_TILE_ADD " %%zmm" #high ", %%zmm1, %%zmm" #high "\n\t"
#define STORE(low, high)                                                                                              \
    "vmovups %%zmm" #low ", (%[y])%{%[m0]%}\n\tvmovups %%zmm" #high ", 64(%[y])%{%[m1]%}\n\tadd %[ldy], %[y]\n\t"

#define ALL_VECTORS                                                                                                    \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
        "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",    \
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31"

/* Where a tile works. */
typedef struct tile_place {
    const void *x;     /* first row's steps */
    size_t ldx;        /* bytes */
    const void *panel; /* [steps][32] */
    const void *next;  /* fetched meanwhile */
    size_t stride;     /* from a panel to the second one of a pair, bytes */
    size_t steps;
    float *y;
    size_t ldy;        /* bytes */
    __mmask16 m0, m1;  /* columns that exist */
    bool add;          /* to what stands in y */
} tile_place;

/* So many lines every 4 steps, of which a tile that meets the weights alone needs 8. Into the first-level cache: processors
 * drop fetches into the second one when they are busy. */
#define FETCH_1 "prefetcht0 (%[next])\n\tadd $64, %[next]\n\t"
#define FETCH_2 "prefetcht0 (%[next])\n\tprefetcht0 64(%[next])\n\tadd $128, %[next]\n\t"
#define FETCH_4                                                                                                        \
    "prefetcht0 (%[next])\n\tprefetcht0 64(%[next])\n\tprefetcht0 128(%[next])\n\tprefetcht0 192(%[next])\n\t"         \
    "add $256, %[next]\n\t"
#define FETCH_8                                                                                                        \
    "prefetcht0 (%[next])\n\tprefetcht0 64(%[next])\n\tprefetcht0 128(%[next])\n\tprefetcht0 192(%[next])\n\t"         \
    "prefetcht0 256(%[next])\n\tprefetcht0 320(%[next])\n\tprefetcht0 384(%[next])\n\tprefetcht0 448(%[next])\n\t"     \
    "add $512, %[next]\n\t"

#define DEFINE_TILE(rows, lines)                                                                                            \
    static void tile_##rows##_##lines(const tile_place *p) {                                                           \
        const char *x = p->x, *x6 = x + 6 * p->ldx, *panel = p->panel, *next = p->next;                                \
        float *y = p->y, *to = p->y;                                                                                   \
        size_t fours = p->steps / 4, ones = p->steps % 4;                                                              \
        __asm__ volatile(EACH_##rows(FETCH) EACH_##rows(CLEAR) MAKE_HALF(3)                                            \
                         "test %[fours], %[fours]\n\t"                                                                 \
                         "jz 2f\n\t"                                                                                   \
                         ".p2align 5\n"                                                                                \
                         "1:\n\t"                                                                                      \
                         FETCH_##lines                                                                                 \
                         STEP(rows, 0) STEP(rows, 1) STEP(rows, 2) STEP(rows, 3)                                       \
                         "add $16, %[x]\n\tadd $16, %[x6]\n\tadd " PAST_4 ", %[panel]\n\t"                                    \
                         "dec %[fours]\n\tjnz 1b\n"                                                                    \
                         "2:\n\t"                                                                                      \
                         "test %[ones], %[ones]\n\tjz 4f\n"                                                            \
                         "3:\n\t" STEP(rows, 0) "add $4, %[x]\n\tadd $4, %[x6]\n\tadd " PAST_1 ", %[panel]\n\t"             \
                         "dec %[ones]\n\tjnz 3b\n"                                                                    \
                         "4:\n\t"                                                                                      \
                         "mov %[y], %[to]\n\t"                                                                         \
                         "test %[add], %[add]\n\tjz 5f\n\t" EACH_##rows(ADD) "5:\n\t" EACH_##rows(STORE)               \
                         : [x] "+r"(x), [x6] "+r"(x6), [panel] "+r"(panel), [next] "+r"(next), [y] "+r"(y),            \
                           [to] "+r"(to), [fours] "+r"(fours), [ones] "+r"(ones)                                       \
                         : [s] "r"(p->ldx), [s3] "r"(3 * p->ldx), [s5] "r"(5 * p->ldx), [ldy] "r"(p->ldy),             \
                           [m0] "Yk"(p->m0), [m1] "Yk"(p->m1), [add] "r"((size_t)p->add)                               \
                         : "cc", "memory", ALL_VECTORS);                                                               \
    }

#define DEFINE_TILES(lines)                                                                                            \
    DEFINE_TILE(1, lines)                                                                                              \
    DEFINE_TILE(2, lines)                                                                                              \
    DEFINE_TILE(3, lines)                                                                                              \
    DEFINE_TILE(4, lines)                                                                                              \
    DEFINE_TILE(5, lines)                                                                                              \
    DEFINE_TILE(6, lines)                                                                                              \
    DEFINE_TILE(7, lines)                                                                                              \
    DEFINE_TILE(8, lines)                                                                                              \
    DEFINE_TILE(9, lines)                                                                                              \
    DEFINE_TILE(10, lines)                                                                                             \
    DEFINE_TILE(11, lines)                                                                                             \
    DEFINE_TILE(12, lines)
#define TILES_OF(lines)                                                                                                \
    {NULL,           tile_1_##lines, tile_2_##lines, tile_3_##lines,  tile_4_##lines,  tile_5_##lines, tile_6_##lines, \
     tile_7_##lines, tile_8_##lines, tile_9_##lines, tile_10_##lines, tile_11_##lines, tile_12_##lines}

DEFINE_TILES(1)
DEFINE_TILES(2)
DEFINE_TILES(4)
DEFINE_TILES(8)

/* ---- up to 6 rows, 2 panels at once ---- */

#define PAIR_ROW(at, r, a, b, c, d)                                                                                    \
    "vbroadcastss 4*" #at X_##r ", %%zmm4\n\t"                                                                        \
    HMA_TILE_OP " %%zmm0, %%zmm4, %%zmm" #a "\n\t" HMA_TILE_OP " %%zmm1, %%zmm4, %%zmm" #b "\n\t" HMA_TILE_OP          \
                " %%zmm2, %%zmm4, %%zmm" #c "\n\t" HMA_TILE_OP " %%zmm3, %%zmm4, %%zmm" #d "\n\t"
#define PAIR_ROWS_1(at) PAIR_ROW(at, 0, 8, 9, 10, 11)
#define PAIR_ROWS_2(at) PAIR_ROWS_1(at) PAIR_ROW(at, 1, 12, 13, 14, 15)
#define PAIR_ROWS_3(at) PAIR_ROWS_2(at) PAIR_ROW(at, 2, 16, 17, 18, 19)
#define PAIR_ROWS_4(at) PAIR_ROWS_3(at) PAIR_ROW(at, 3, 20, 21, 22, 23)
#define PAIR_ROWS_5(at) PAIR_ROWS_4(at) PAIR_ROW(at, 4, 24, 25, 26, 27)
#define PAIR_ROWS_6(at) PAIR_ROWS_5(at) PAIR_ROW(at, 5, 28, 29, 30, 31)
#define PAIR_FETCH_0(at)
#ifdef HMA_HALVES
#define PAIR_FETCH_1(at) \
    "prefetcht0 4096+64*" #at "(%[panel])\n\tprefetcht0 4096+64*" #at "(%[panel],%[one])\n\t"
#else
#define PAIR_FETCH_1(at)                                                                                               \
    "prefetcht0 4096+128*" #at "(%[panel])\n\tprefetcht0 4160+128*" #at "(%[panel])\n\t"                               \
    "prefetcht0 4096+128*" #at "(%[panel],%[one])\n\tprefetcht0 4160+128*" #at "(%[panel],%[one])\n\t"
#endif
#define PAIR_STEP(rows, fetch, at) \
    LANES(at, "", 0, 1, 5) LANES(at, ",%[one]", 2, 3, 5) PAIR_FETCH_##fetch(at) PAIR_ROWS_##rows(at)
#define PAIR_ADD(a, b, c, d)                                                                                           \
    HMA_TILE_ADD " (%[to]), %%zmm" #a ", %%zmm" #a "\n\t" HMA_TILE_ADD " 64(%[to]), %%zmm" #b ", %%zmm" #b "\n\t"         \
    HMA_TILE_ADD " 128(%[to]), %%zmm" #c ", %%zmm" #c "\n\t" HMA_TILE_ADD " 192(%[to]), %%zmm" #d ", %%zmm" #d "\n\t"     \
    "add %[ldy], %[to]\n\t"
#define PAIR_STORE(a, b, c, d)                                                                                         \
    "vmovups %%zmm" #a ", (%[y])\n\tvmovups %%zmm" #b ", 64(%[y])\n\t"                                                 \
    "vmovups %%zmm" #c ", 128(%[y])\n\tvmovups %%zmm" #d ", 192(%[y])\n\t"                                             \
    "add %[ldy], %[y]\n\t"
#define PAIR_EACH_1(DO) DO(8, 9, 10, 11)
#define PAIR_EACH_2(DO) PAIR_EACH_1(DO) DO(12, 13, 14, 15)
#define PAIR_EACH_3(DO) PAIR_EACH_2(DO) DO(16, 17, 18, 19)
#define PAIR_EACH_4(DO) PAIR_EACH_3(DO) DO(20, 21, 22, 23)
#define PAIR_EACH_5(DO) PAIR_EACH_4(DO) DO(24, 25, 26, 27)
#define PAIR_EACH_6(DO) PAIR_EACH_5(DO) DO(28, 29, 30, 31)
#define PAIR_CLEAR(a, b, c, d) CLEAR(a, b) CLEAR(c, d)

#define DEFINE_PAIR(rows, fetch)                                                                                       \
    static void pair_##rows(const tile_place *p) {                                                                     \
        const char *x = p->x, *panel = p->panel;                                                                       \
        float *y = p->y, *to = p->y;                                                                                   \
        size_t fours = p->steps / 4, ones = p->steps % 4;                                                              \
        __asm__ volatile(PAIR_EACH_##rows(PAIR_CLEAR) MAKE_HALF(5)                                                     \
                         "test %[fours], %[fours]\n\tjz 2f\n\t"                                                        \
                         ".p2align 5\n"                                                                                \
                         "1:\n\t"                                                                                      \
                         PAIR_STEP(rows, fetch, 0) PAIR_STEP(rows, fetch, 1)                                           \
                         PAIR_STEP(rows, fetch, 2) PAIR_STEP(rows, fetch, 3)                                           \
                         "add $16, %[x]\n\tadd " PAST_4 ", %[panel]\n\tdec %[fours]\n\tjnz 1b\n"                             \
                         "2:\n\t"                                                                                      \
                         "test %[ones], %[ones]\n\tjz 4f\n"                                                            \
                         "3:\n\t" PAIR_STEP(rows, 0, 0)                                                                \
                         "add $4, %[x]\n\tadd " PAST_1 ", %[panel]\n\tdec %[ones]\n\tjnz 3b\n"                               \
                         "4:\n\t"                                                                                      \
                         "test %[add], %[add]\n\tjz 5f\n\t" PAIR_EACH_##rows(PAIR_ADD) "5:\n\t"                        \
                         PAIR_EACH_##rows(PAIR_STORE)                                                                  \
                         : [x] "+r"(x), [panel] "+r"(panel), [y] "+r"(y), [to] "+r"(to), [fours] "+r"(fours),          \
                           [ones] "+r"(ones)                                                                           \
                         : [s] "r"(p->ldx), [s3] "r"(3 * p->ldx), [s5] "r"(5 * p->ldx), [ldy] "r"(p->ldy),             \
                           [add] "r"((size_t)p->add), [one] "r"(p->stride)                                             \
                         : "cc", "memory", ALL_VECTORS);                                                               \
    }

/* One or two rows wait for memory only, which the processor streams best when left alone. */
DEFINE_PAIR(1, 0)
DEFINE_PAIR(2, 0)
DEFINE_PAIR(3, 1)
DEFINE_PAIR(4, 1)
DEFINE_PAIR(5, 1)
DEFINE_PAIR(6, 1)

/* ---- all rows ---- */

typedef void (*tile_fn)(const tile_place *);

static const tile_fn pair_by_rows[PAIR_ROWS + 1] = {NULL, pair_1, pair_2, pair_3, pair_4, pair_5, pair_6};

/* By lines and rows. */
static const tile_fn tile_by_rows[4][TILE_ROWS + 1] = {TILES_OF(1), TILES_OF(2), TILES_OF(4), TILES_OF(8)};

/* All rows over one panel's steps: tiles of about the same number of rows, each of which fetches a part of the steps to come.
 * `lines` are those that every 4 steps need. */
static void tiles(tile_place p, size_t m, size_t lines) {
    size_t count = (m + TILE_ROWS - 1) / TILE_ROWS, power = 0;
    while (count << power < lines) {
        power++;
    }
    const size_t fetched = p.steps / 4 * 64 << power;
    for (; count; count--) {
        const size_t rows = (m + count - 1) / count;
        tile_by_rows[power][rows](&p);
        m -= rows;
        p.x = (const char *)p.x + rows * p.ldx;
        p.y = (float *)(void *)((char *)p.y + rows * p.ldy);
        p.next = (const char *)p.next + fetched;
    }
}

static void set_columns(tile_place *p, size_t count) {
    p->m0 = (__mmask16)(count >= 16 ? 0xffffu : (1u << count) - 1);
    p->m1 = (__mmask16)(count >= 32 ? 0xffffu : count <= 16 ? 0u : (1u << (count - 16)) - 1);
}

/* Depth of the block of k from d0 on. */
static size_t depth_at(size_t k, size_t d0) { return k - d0 < HMA_GEMM_DEPTH ? k - d0 : HMA_GEMM_DEPTH; }

#if HMA_STEP_DEPTH < 4
/* hma_bf16_from() of 16 floats, in the upper halves. */
static inline __m512i round_up(__m512 x) {
    const __m512i bits = _mm512_castps_si512(x), odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, odd), _mm512_set1_epi32(0x7fff));
    const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    return _mm512_mask_blend_epi32(_mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), rounded, quiet);
}
#endif

#if HMA_STEP_DEPTH == 1
/* X as it is, as steps. */
static inline void copy_x(const float *x, size_t ldx, size_t rows, size_t depth, void *to) {
    for (size_t i = 0; i < rows; i++) {
        memcpy((float *)to + i * ROW_STEPS, x + i * ldx, depth * sizeof *x);
    }
}
#endif

/* How X and weights come, in the including file. */
typedef struct format {
    bool in_place; /* X is steps already */
    /* Up to 256 columns of some rows of X as steps; what is not there is 0. */
    void (*pack_x)(const float *x, size_t ldx, size_t rows, size_t depth, void *to);
    size_t weight_bytes;
} format;

/* Some rows of a product, and blocks of k from `from` to before `to`. */
typedef struct product {
    const format *format;
    const char *weights; /* of column 0 */
    size_t k, rows, from, to;
    const char *x;       /* at `from` */
    size_t ldx, block;   /* bytes from row to row, and from one block of k to the next */
    float *y;            /* of column 0 */
    size_t ldy;
} product;

/* The blocks of k, one after the other, for one panel or a pair from column j on, of which `count` columns exist. */
static void multiply_panel(const product *m, size_t j, size_t count, bool pair) {
    const size_t bytes = m->format->weight_bytes, stride = hma_panel_offset(m->k, HMA_PANEL, 0) * bytes;
    const size_t ahead = m->rows <= TILE_ROWS ? AHEAD_ONE : HMA_GEMM_DEPTH * HMA_PANEL * bytes;
    const size_t run = (m->to - m->from) * HMA_PANEL * bytes; /* these follow each other in memory */
    const char *panel = m->weights + j / HMA_PANEL * stride + m->from * HMA_PANEL * bytes;
    tile_place p = {.stride = stride, .x = m->x, .ldx = m->ldx, .y = m->y + j, .ldy = m->ldy * sizeof(float)};
    set_columns(&p, count);
    for (size_t d = m->from; d < m->to; d += HMA_GEMM_DEPTH) {
        const size_t at = (d - m->from) * HMA_PANEL * bytes, later = at + ahead, depth = depth_at(m->k, d);
        p.panel = panel + at;
        p.next = panel + later / run * stride + later % run;
        p.steps = (depth + HMA_STEP_DEPTH - 1) / HMA_STEP_DEPTH;
        p.add = d > 0;
        if (pair) {
            pair_by_rows[m->rows](&p);
        } else {
            tiles(p, m->rows, 2 * HMA_STEP_DEPTH * bytes);
        }
        p.x = (const char *)p.x + m->block;
    }
}

static void multiply_columns(const product *m, size_t count) {
    for (size_t j = 0; j < count;) {
        const bool pair = m->rows <= PAIR_ROWS && count - j >= 2 * HMA_PANEL;
        multiply_panel(m, j, count - j, pair);
        j += pair ? 2 * HMA_PANEL : HMA_PANEL;
    }
}

#if HMA_STEP_DEPTH < 4 /* floats come; the others bring X as steps themselves */
/* Whether the rows of a tile keep out of each other's way in a first-level cache of 64 sets of lines, as they lie in X. */
static bool well_spread(size_t ldx, size_t rows) {
    enum { LINE = 16, SETS = 64, BLOCK_LINES = HMA_GEMM_DEPTH / LINE, MOST = 4 };
    rows = rows < TILE_ROWS ? rows : TILE_ROWS;
    size_t most = 0;
    for (size_t r = 0; rows > MOST && r < rows; r++) {
        size_t same = 0; /* rows that have a line in the set where row r begins */
        for (size_t i = 0; i < rows; i++) {
            same += (r * ldx / LINE - i * ldx / LINE) % SETS < BLOCK_LINES;
        }
        most = same > most ? same : most;
    }
    return most <= MOST;
}

static void multiply_as(const format *f, const float *x, size_t ldx, size_t m, const void *packed, size_t k, size_t first,
                        size_t count, float *y, size_t ldy) {
    _Alignas(64) char rows_of_x[PACKED_BYTES];
    const char *weights = (const char *)packed + hma_panel_offset(k, first, 0) * f->weight_bytes;
    const bool in_place = f->in_place && well_spread(ldx, m);
    for (size_t left = (m + PACKED_ROWS - 1) / PACKED_ROWS, rows; left; left--, m -= rows, x += rows * ldx, y += rows * ldy) {
        rows = (m + left - 1) / left;
        const size_t block = rows * ROW_BYTES, depth = PACKED_BYTES / block * HMA_GEMM_DEPTH;
        for (size_t d0 = 0, end; d0 < k; d0 = end) {
            end = k - d0 < depth ? k : d0 + depth;
            product p = {f, weights, k, rows, d0, end, rows_of_x, ROW_BYTES, block, y, ldy};
            if (in_place) {
                p.x = (const char *)(x + d0);
                p.ldx = ldx * sizeof *x;
                p.block = HMA_GEMM_DEPTH * sizeof *x;
            }
            for (size_t d = d0; d < end && !in_place; d += HMA_GEMM_DEPTH) {
                f->pack_x(x + d, ldx, rows, depth_at(k, d), rows_of_x + (d - d0) / HMA_GEMM_DEPTH * block);
            }
            multiply_columns(&p, count);
        }
    }
}
#endif

#endif
