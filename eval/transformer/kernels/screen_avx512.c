/*
 * The 8-bit products with AVX-512 VNNI: four multiply-adds for each of 16 columns in one instruction, at the rate at which fp32
 * does one. Tiles as in gemm_tile512.h, over fours of k.
 */
#include "eval/transformer/kernels/screen_body.h"

#define HMA_TILE_OP "vpdpbusd"
#define HMA_TILE_ADD "vpaddd"
#define HMA_STEP_DEPTH 4
#include "eval/transformer/kernels/gemm_tile512.h"

static void multiply(const uint8_t *x, size_t ldx, size_t m, const int8_t *packed, size_t k, size_t first, size_t count,
                     float *dots, size_t ldy) {
    static const format bytes = {true, NULL, sizeof(int8_t)};
    for (size_t rows; m; m -= rows, x += rows * ldx, dots += rows * ldy) {
        rows = m < PACKED_ROWS ? m : PACKED_ROWS;
        const product p = {&bytes, (const char *)packed + first * k, k, rows, 0, k, (const char *)x, ldx, HMA_GEMM_DEPTH, dots,
                           ldy};
        multiply_columns(&p, count);
    }
}

const hma_screen_kernel hma_screen_avx512 = {"avx512-vnni", pack, round_row, multiply, bound};
