/*
 * The AVX-512 products, for files that say what a step is: HMA_TILE_OP is vfmadd231ps (a step is one k, a lane one float) or
 * vdpbf16ps (a step is a pair of k, a lane two bfloat16), HMA_STEP_DEPTH 1 or 2. Either way a step of a panel is 32 lanes of 4
 * bytes, and one lane of each row of X meets all of them.
 *
 * Up to 12 rows by one panel: 24 accumulators, 2 registers of weights, 1 broadcast. Rows 1 to 3 take 4 panels at once instead
 * and rows 4 to 6 take 2, or the additions would wait for each other. In assembly, because gcc 12 moves accumulators to memory
 * and back when they meet instructions that it does not know well; and so that unoptimised and sanitized builds have the same
 * speed.
 *
 * X comes as [block of k][row][256 / HMA_STEP_DEPTH] steps without gaps (pack_x of the including file): rows with a stride of
 * whole pages would fight for the same few lines of the first-level cache.
 */
#ifndef HMA_EVAL_TRANSFORMER_KERNELS_GEMM_TILE512_H
#define HMA_EVAL_TRANSFORMER_KERNELS_GEMM_TILE512_H

#include <immintrin.h>
#include <stdint.h>

#include "eval/transformer/kernels/gemm.h"

enum {
    TILE_ROWS = 12,
    PACKED_ROWS = 8 * TILE_ROWS,    /* of X at once .. */
    PACKED_BLOCKS = 6,              /* .. and so many blocks of k: they stay in the second-level cache */
    CHUNK_COLUMNS = 16 * HMA_PANEL, /* so many columns of Y stay there while k advances */
    STEP_BYTES = HMA_PANEL * 4,     /* of a panel */
    ROW_STEPS = HMA_GEMM_DEPTH / HMA_STEP_DEPTH,
    ROW_BYTES = ROW_STEPS * 4,
    BLOCK_BYTES = PACKED_ROWS * ROW_BYTES
};

/* Up to 256 columns of some rows of X as steps; what is not there is 0. */
static void pack_x(const float *x, size_t ldx, size_t rows, size_t depth, void *to);

/* One row r of a step: its lane of X times both halves of the panel's step, added to accumulators low and high. */
#define ROW_OF(at, r, low, high)                                                                                               \
    "vbroadcastss " #r "*" HMA_ROW_BYTES "+4*" #at "(%[x]), %%zmm2\n\t" HMA_TILE_OP " %%zmm0, %%zmm2, %%zmm" #low              \
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

#define STEP(rows, at) \
    "vmovups 128*" #at "(%[panel]), %%zmm0\n\tvmovups 128*" #at "+64(%[panel]), %%zmm1\n\t" ROWS_##rows(at)

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
    "vaddps %%zmm" #low ", %%zmm0, %%zmm" #low "\n\tvaddps %%zmm" #high ", %%zmm1, %%zmm" #high "\n\t"
#define STORE(low, high)                                                                                              \
    "vmovups %%zmm" #low ", (%[y])%{%[m0]%}\n\tvmovups %%zmm" #high ", 64(%[y])%{%[m1]%}\n\tadd %[ldy], %[y]\n\t"

#define ALL_VECTORS                                                                                                    \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
        "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",    \
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31"

/* Where a tile works. */
typedef struct tile_place {
    const void *x;     /* first row's steps */
    const void *panel; /* [steps][32] */
    const void *next;  /* fetched into the second-level cache meanwhile */
    size_t steps;
    float *y;
    size_t ldy;        /* bytes */
    __mmask16 m0, m1;  /* columns that exist */
    bool add;          /* to what stands in y */
} tile_place;

/* So many lines every 4 steps: all of the next panel while one tile is computed, or a quarter of it. */
#define FETCH_2 "prefetcht1 (%[next])\n\tprefetcht1 64(%[next])\n\tadd $128, %[next]\n\t"
#define FETCH_8                                                                                                        \
    "prefetcht1 (%[next])\n\tprefetcht1 64(%[next])\n\tprefetcht1 128(%[next])\n\tprefetcht1 192(%[next])\n\t"         \
    "prefetcht1 256(%[next])\n\tprefetcht1 320(%[next])\n\tprefetcht1 384(%[next])\n\tprefetcht1 448(%[next])\n\t"     \
    "add $512, %[next]\n\t"

#define DEFINE_TILE(rows, lines)                                                                                            \
    static void tile_##rows##_##lines(const tile_place *p) {                                                           \
        const char *x = p->x, *panel = p->panel, *next = p->next;                                                      \
        float *y = p->y, *to = p->y;                                                                                   \
        size_t fours = p->steps / 4, ones = p->steps % 4;                                                              \
        __asm__ volatile(EACH_##rows(FETCH) EACH_##rows(CLEAR)                                                         \
                         "test %[fours], %[fours]\n\t"                                                                 \
                         "jz 2f\n\t"                                                                                   \
                         ".p2align 5\n"                                                                                \
                         "1:\n\t"                                                                                      \
                         FETCH_##lines                                                                                 \
                         STEP(rows, 0) STEP(rows, 1) STEP(rows, 2) STEP(rows, 3)                                       \
                         "add $16, %[x]\n\tadd $512, %[panel]\n\t"                                                     \
                         "dec %[fours]\n\tjnz 1b\n"                                                                    \
                         "2:\n\t"                                                                                      \
                         "test %[ones], %[ones]\n\tjz 4f\n"                                                            \
                         "3:\n\t" STEP(rows, 0) "add $4, %[x]\n\tadd $128, %[panel]\n\tdec %[ones]\n\tjnz 3b\n"        \
                         "4:\n\t"                                                                                      \
                         "mov %[y], %[to]\n\t"                                                                         \
                         "test %[add], %[add]\n\tjz 5f\n\t" EACH_##rows(ADD) "5:\n\t" EACH_##rows(STORE)               \
                         : [x] "+r"(x), [panel] "+r"(panel), [next] "+r"(next), [y] "+r"(y), [to] "+r"(to),            \
                           [fours] "+r"(fours), [ones] "+r"(ones)                                                      \
                         : [ldy] "r"(p->ldy), [m0] "Yk"(p->m0), [m1] "Yk"(p->m1), [add] "r"((size_t)p->add)            \
                         : "cc", "memory", ALL_VECTORS);                                                               \
    }

DEFINE_TILE(1, 2)
DEFINE_TILE(2, 2)
DEFINE_TILE(3, 2)
DEFINE_TILE(4, 2)
DEFINE_TILE(5, 2)
DEFINE_TILE(6, 2)
DEFINE_TILE(7, 2)
DEFINE_TILE(8, 2)
DEFINE_TILE(9, 2)
DEFINE_TILE(10, 2)
DEFINE_TILE(11, 2)
DEFINE_TILE(12, 2)
DEFINE_TILE(1, 8)
DEFINE_TILE(2, 8)
DEFINE_TILE(3, 8)
DEFINE_TILE(4, 8)
DEFINE_TILE(5, 8)
DEFINE_TILE(6, 8)
DEFINE_TILE(7, 8)
DEFINE_TILE(8, 8)
DEFINE_TILE(9, 8)
DEFINE_TILE(10, 8)
DEFINE_TILE(11, 8)
DEFINE_TILE(12, 8)

/* ---- few rows, 4 panels at once ---- */

/* Weights of one panel of the four, for the rows whose lanes are in zmm2 .. : accumulators are numbered panel by panel. */
#define LANE(r, to) "vbroadcastss " #r "*" HMA_ROW_BYTES "(%[x]), %%zmm" #to "\n\t"
#define WEIGHTS(where) \
    "vmovups " where ", %%zmm0\n\tvmovups 64" where ", %%zmm1\n\tprefetcht0 2048" where "\n\tprefetcht0 2112" where "\n\t"
#define MEET(lane, low, high)                                                 \
    HMA_TILE_OP " %%zmm0, %%zmm" #lane ", %%zmm" #low "\n\t" HMA_TILE_OP      \
                " %%zmm1, %%zmm" #lane ", %%zmm" #high "\n\t"

#define WIDE_1                                                                                                         \
    LANE(0, 2)                                                                                                         \
    WEIGHTS("(%[panel])") MEET(2, 8, 9) WEIGHTS("(%[panel],%[one])") MEET(2, 10, 11)                                   \
    WEIGHTS("(%[panel],%[one],2)") MEET(2, 12, 13) WEIGHTS("(%[panel],%[three])") MEET(2, 14, 15)
#define WIDE_2                                                                                                         \
    LANE(0, 2) LANE(1, 3)                                                                                              \
    WEIGHTS("(%[panel])") MEET(2, 8, 9) MEET(3, 16, 17) WEIGHTS("(%[panel],%[one])") MEET(2, 10, 11) MEET(3, 18, 19)   \
    WEIGHTS("(%[panel],%[one],2)") MEET(2, 12, 13) MEET(3, 20, 21)                                                     \
    WEIGHTS("(%[panel],%[three])") MEET(2, 14, 15) MEET(3, 22, 23)
#define WIDE_3                                                                                                         \
    LANE(0, 2) LANE(1, 3) LANE(2, 4)                                                                                   \
    WEIGHTS("(%[panel])") MEET(2, 8, 9) MEET(3, 16, 17) MEET(4, 24, 25)                                                \
    WEIGHTS("(%[panel],%[one])") MEET(2, 10, 11) MEET(3, 18, 19) MEET(4, 26, 27)                                       \
    WEIGHTS("(%[panel],%[one],2)") MEET(2, 12, 13) MEET(3, 20, 21) MEET(4, 28, 29)                                     \
    WEIGHTS("(%[panel],%[three])") MEET(2, 14, 15) MEET(3, 22, 23) MEET(4, 30, 31)

/* A row of 8 accumulators from `first` on, added to y or not, and stored. */
#define WIDE_ADD(a, b, c, d, e, f, g, h)                                                                               \
    "vaddps (%[to]), %%zmm" #a ", %%zmm" #a "\n\tvaddps 64(%[to]), %%zmm" #b ", %%zmm" #b "\n\t"                       \
    "vaddps 128(%[to]), %%zmm" #c ", %%zmm" #c "\n\tvaddps 192(%[to]), %%zmm" #d ", %%zmm" #d "\n\t"                   \
    "vaddps 256(%[to]), %%zmm" #e ", %%zmm" #e "\n\tvaddps 320(%[to]), %%zmm" #f ", %%zmm" #f "\n\t"                   \
    "vaddps 384(%[to]), %%zmm" #g ", %%zmm" #g "\n\tvaddps 448(%[to]), %%zmm" #h ", %%zmm" #h "\n\t"                   \
    "add %[ldy], %[to]\n\t"
#define WIDE_STORE(a, b, c, d, e, f, g, h)                                                                             \
    "vmovups %%zmm" #a ", (%[y])\n\tvmovups %%zmm" #b ", 64(%[y])\n\t"                                                 \
    "vmovups %%zmm" #c ", 128(%[y])\n\tvmovups %%zmm" #d ", 192(%[y])\n\t"                                             \
    "vmovups %%zmm" #e ", 256(%[y])\n\tvmovups %%zmm" #f ", 320(%[y])\n\t"                                             \
    "vmovups %%zmm" #g ", 384(%[y])\n\tvmovups %%zmm" #h ", 448(%[y])\n\t"                                             \
    "add %[ldy], %[y]\n\t"
#define WIDE_EACH_1(DO) DO(8, 9, 10, 11, 12, 13, 14, 15)
#define WIDE_EACH_2(DO) WIDE_EACH_1(DO) DO(16, 17, 18, 19, 20, 21, 22, 23)
#define WIDE_EACH_3(DO) WIDE_EACH_2(DO) DO(24, 25, 26, 27, 28, 29, 30, 31)

#define DEFINE_WIDE(rows)                                                                                              \
    static void wide_##rows(const tile_place *p) {                                                                     \
        const char *x = p->x, *panel = p->panel;                                                                       \
        float *y = p->y, *to = p->y;                                                                                   \
        size_t steps = p->steps;                                                                                       \
        const size_t one = steps * STEP_BYTES, three = 3 * one;                                                        \
        __asm__ volatile(EACH_12(CLEAR)                                                                                \
                         ".p2align 5\n"                                                                                \
                         "1:\n\t" WIDE_##rows                                                                          \
                         "add $4, %[x]\n\tadd $128, %[panel]\n\tdec %[steps]\n\tjnz 1b\n\t"                            \
                         "test %[add], %[add]\n\tjz 2f\n\t" WIDE_EACH_##rows(WIDE_ADD) "2:\n\t"                        \
                         WIDE_EACH_##rows(WIDE_STORE)                                                                  \
                         : [x] "+r"(x), [panel] "+r"(panel), [y] "+r"(y), [to] "+r"(to), [steps] "+r"(steps)           \
                         : [ldy] "r"(p->ldy), [add] "r"((size_t)p->add), [one] "r"(one), [three] "r"(three)            \
                         : "cc", "memory", ALL_VECTORS);                                                               \
    }

DEFINE_WIDE(1)
DEFINE_WIDE(2)
DEFINE_WIDE(3)

/* ---- 4 to 6 rows, 2 panels at once ---- */

#define PAIR_ROW(r, a, b, c, d)                                                                                        \
    LANE(r, 4)                                                                                                         \
    HMA_TILE_OP " %%zmm0, %%zmm4, %%zmm" #a "\n\t" HMA_TILE_OP " %%zmm1, %%zmm4, %%zmm" #b "\n\t" HMA_TILE_OP         \
                " %%zmm2, %%zmm4, %%zmm" #c "\n\t" HMA_TILE_OP " %%zmm3, %%zmm4, %%zmm" #d "\n\t"
#define PAIR_ROWS_4                                                                                                    \
    PAIR_ROW(0, 8, 9, 10, 11) PAIR_ROW(1, 12, 13, 14, 15) PAIR_ROW(2, 16, 17, 18, 19) PAIR_ROW(3, 20, 21, 22, 23)
#define PAIR_ROWS_5 PAIR_ROWS_4 PAIR_ROW(4, 24, 25, 26, 27)
#define PAIR_ROWS_6 PAIR_ROWS_5 PAIR_ROW(5, 28, 29, 30, 31)
#define PAIR_WEIGHTS                                                                                                   \
    "vmovups (%[panel]), %%zmm0\n\tvmovups 64(%[panel]), %%zmm1\n\t"                                                  \
    "vmovups (%[panel],%[one]), %%zmm2\n\tvmovups 64(%[panel],%[one]), %%zmm3\n\t"                                    \
    "prefetcht0 2048(%[panel])\n\tprefetcht0 2112(%[panel])\n\t"                                                      \
    "prefetcht0 2048(%[panel],%[one])\n\tprefetcht0 2112(%[panel],%[one])\n\t"
#define PAIR_ADD(a, b, c, d)                                                                                           \
    "vaddps (%[to]), %%zmm" #a ", %%zmm" #a "\n\tvaddps 64(%[to]), %%zmm" #b ", %%zmm" #b "\n\t"                       \
    "vaddps 128(%[to]), %%zmm" #c ", %%zmm" #c "\n\tvaddps 192(%[to]), %%zmm" #d ", %%zmm" #d "\n\t"                   \
    "add %[ldy], %[to]\n\t"
#define PAIR_STORE(a, b, c, d)                                                                                         \
    "vmovups %%zmm" #a ", (%[y])\n\tvmovups %%zmm" #b ", 64(%[y])\n\t"                                                 \
    "vmovups %%zmm" #c ", 128(%[y])\n\tvmovups %%zmm" #d ", 192(%[y])\n\t"                                             \
    "add %[ldy], %[y]\n\t"
#define PAIR_EACH_4(DO) DO(8, 9, 10, 11) DO(12, 13, 14, 15) DO(16, 17, 18, 19) DO(20, 21, 22, 23)
#define PAIR_EACH_5(DO) PAIR_EACH_4(DO) DO(24, 25, 26, 27)
#define PAIR_EACH_6(DO) PAIR_EACH_5(DO) DO(28, 29, 30, 31)

#define DEFINE_PAIR(rows)                                                                                              \
    static void pair_##rows(const tile_place *p) {                                                                     \
        const char *x = p->x, *panel = p->panel;                                                                       \
        float *y = p->y, *to = p->y;                                                                                   \
        size_t steps = p->steps;                                                                                       \
        const size_t one = steps * STEP_BYTES;                                                                         \
        __asm__ volatile(EACH_12(CLEAR)                                                                                \
                         ".p2align 5\n"                                                                                \
                         "1:\n\t" PAIR_WEIGHTS PAIR_ROWS_##rows                                                        \
                         "add $4, %[x]\n\tadd $128, %[panel]\n\tdec %[steps]\n\tjnz 1b\n\t"                            \
                         "test %[add], %[add]\n\tjz 2f\n\t" PAIR_EACH_##rows(PAIR_ADD) "2:\n\t"                        \
                         PAIR_EACH_##rows(PAIR_STORE)                                                                  \
                         : [x] "+r"(x), [panel] "+r"(panel), [y] "+r"(y), [to] "+r"(to), [steps] "+r"(steps)           \
                         : [ldy] "r"(p->ldy), [add] "r"((size_t)p->add), [one] "r"(one)                                \
                         : "cc", "memory", ALL_VECTORS);                                                               \
    }

DEFINE_PAIR(4)
DEFINE_PAIR(5)
DEFINE_PAIR(6)

/* ---- all rows ---- */

/* Up to this many rows the next panel is fetched during the first tile: there are not tiles enough to do it by and by. */
enum { FETCH_FIRST = 4 * TILE_ROWS };

typedef void (*tile_fn)(const tile_place *);

static const tile_fn tile_by_rows[TILE_ROWS + 1] = {NULL,     tile_1_2, tile_2_2, tile_3_2,  tile_4_2,  tile_5_2, tile_6_2,
                                                    tile_7_2, tile_8_2, tile_9_2, tile_10_2, tile_11_2, tile_12_2};
static const tile_fn first_by_rows[TILE_ROWS + 1] = {NULL,     tile_1_8, tile_2_8, tile_3_8,  tile_4_8,  tile_5_8, tile_6_8,
                                                     tile_7_8, tile_8_8, tile_9_8, tile_10_8, tile_11_8, tile_12_8};
static const tile_fn wide_by_rows[] = {NULL, wide_1, wide_2, wide_3, pair_4, pair_5, pair_6};

/* Panels at once, or 1 when rows are many. */
static size_t panels_at_once(size_t rows) { return rows <= 3 ? 4 : rows <= 6 ? 2 : 1; }

/* All rows over one panel's steps, or, when `wide`, over those of panels_at_once(). */
static void tiles(tile_place p, size_t m, bool wide) {
    if (wide) {
        wide_by_rows[m](&p);
        return;
    }
    bool first = m <= FETCH_FIRST;
    while (m) {
        const size_t rows = m < TILE_ROWS ? m : TILE_ROWS;
        (first ? first_by_rows : tile_by_rows)[rows](&p);
        m -= rows;
        p.x = (const char *)p.x + rows * ROW_BYTES;
        p.y = (float *)(void *)((char *)p.y + rows * p.ldy);
        p.next = (const char *)p.next + p.steps * (first ? STEP_BYTES : STEP_BYTES / 4);
        first = false;
    }
}

static void set_columns(tile_place *p, size_t count) {
    p->m0 = (__mmask16)(count >= 16 ? 0xffffu : (1u << count) - 1);
    p->m1 = (__mmask16)(count >= 32 ? 0xffffu : count <= 16 ? 0u : (1u << (count - 16)) - 1);
}

/* Depth of the block of k from d0 on. */
static size_t depth_at(size_t k, size_t d0) { return k - d0 < HMA_GEMM_DEPTH ? k - d0 : HMA_GEMM_DEPTH; }

/* A product, and the rows of X that are packed: blocks of k from `packed_from` on. */
typedef struct product {
    const char *weights;
    size_t n, k, first;
    size_t rows, packed_from;
    const char *x;
    float *y; /* of column `first` */
    size_t ldy;
} product;

/* Columns from .. from+count-1 (relative to `first`), one block of k. */
static void multiply_block(const product *m, size_t d0, size_t from, size_t count) {
    const size_t steps = (depth_at(m->k, d0) + HMA_STEP_DEPTH - 1) / HMA_STEP_DEPTH, weight_bytes = 4 / HMA_STEP_DEPTH;
    tile_place p = {.x = m->x + (d0 - m->packed_from) / HMA_GEMM_DEPTH * BLOCK_BYTES,
                    .steps = steps,
                    .ldy = m->ldy * sizeof(float),
                    .add = d0 > 0};
    for (size_t j = from, columns; j < from + count; j += columns) {
        const size_t panels = panels_at_once(m->rows);
        const bool wide = panels > 1 && from + count - j >= panels * HMA_PANEL;
        const char *panel = m->weights + weight_bytes * hma_panel_offset(m->n, m->first + j, d0, steps * HMA_STEP_DEPTH);
        columns = wide ? panels * HMA_PANEL : HMA_PANEL;
        p.panel = panel;
        p.next = panel + steps * STEP_BYTES;
        p.y = m->y + j;
        set_columns(&p, from + count - j);
        tiles(p, m->rows, wide);
    }
}

/* Blocks of k d0 .. end of all columns, a chunk of columns after the other. */
static void multiply_chunks(const product *m, size_t d0, size_t end, size_t count) {
    const size_t chunk = m->rows <= TILE_ROWS ? count : CHUNK_COLUMNS; /* few rows: weights in the order of memory */
    for (size_t from = 0; from < count; from += chunk) {
        for (size_t d = d0; d < end; d += HMA_GEMM_DEPTH) {
            multiply_block(m, d, from, count - from < chunk ? count - from : chunk);
        }
    }
}

static void multiply(const float *x, size_t ldx, size_t m, const void *packed, size_t n, size_t k, size_t first, size_t count,
                     float *y, size_t ldy) {
    _Alignas(64) char rows_of_x[PACKED_BLOCKS * BLOCK_BYTES];
    for (size_t i0 = 0; i0 < m; i0 += PACKED_ROWS) {
        const size_t rows = m - i0 < PACKED_ROWS ? m - i0 : PACKED_ROWS;
        for (size_t d0 = 0, end; d0 < k; d0 = end) {
            end = k - d0 < PACKED_BLOCKS * HMA_GEMM_DEPTH ? k : d0 + PACKED_BLOCKS * HMA_GEMM_DEPTH;
            for (size_t d = d0; d < end; d += HMA_GEMM_DEPTH) {
                pack_x(x + i0 * ldx + d, ldx, rows, depth_at(k, d), rows_of_x + (d - d0) / HMA_GEMM_DEPTH * BLOCK_BYTES);
            }
            const product p = {packed, n, k, first, rows, d0, rows_of_x, y + i0 * ldy, ldy};
            multiply_chunks(&p, d0, end, count);
        }
    }
}

#endif
