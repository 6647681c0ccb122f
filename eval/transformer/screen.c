#include "eval/transformer/screen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "eval/transformer/kernels/bf16.h"

struct hma_screen {
    const hma_screen_kernel *kernel;
    const hma_gemm *gemm;
    hma_matrix head; /* that it was made of */
    size_t rows, columns;
    int8_t *packed;          /* [panels][columns / 4][HMA_PANEL][4] */
    hma_screen_panel of_row; /* [panels * HMA_PANEL] each */
    float longest;           /* row of the head */
};

/* ---- making one ---- */

/* Below this a head costs next to nothing, above it sums in fp32 are not exact enough for the bounds. */
enum { LEAST_ROWS = 64, MOST_COLUMNS = 16384 };

static const hma_screen_kernel *kernel_for(const hma_gemm *gemm, size_t rows, size_t columns) {
    const bool fits = gemm->unpack && gemm->invariant && rows >= LEAST_ROWS && columns % 4 == 0 && columns <= MOST_COLUMNS;
    return !fits ? NULL : hma_screen_avx512_runs() ? &hma_screen_avx512 : hma_screen_avx2_runs() ? &hma_screen_avx2 : NULL;
}

static size_t vector_bytes(size_t rows) { return hma_packed_rows(rows) * sizeof(float); }

uint64_t hma_screen_bytes(const hma_gemm *gemm, size_t rows, size_t columns) {
    return kernel_for(gemm, rows, columns) ? (uint64_t)hma_packed_rows(rows) * columns + 4 * (uint64_t)vector_bytes(rows) : 0;
}

hma_status hma_screen_new(hma_screen **out, const hma_gemm *gemm, size_t rows, size_t columns) {
    hma_screen *s = HMA_NEW(hma_screen, 1);
    if (!s) {
        return HMA_FAILURE;
    }
    *s = (hma_screen){.kernel = kernel_for(gemm, rows, columns), .gemm = gemm, .rows = rows, .columns = columns};
    s->packed = hma_new_aligned(hma_packed_rows(rows) * columns, 1);
    s->of_row = (hma_screen_panel){hma_new_aligned(vector_bytes(rows), 1), hma_new_aligned(vector_bytes(rows), 1),
                                   hma_new_aligned(vector_bytes(rows), 1), hma_new_aligned(vector_bytes(rows), 1)};
    if (!s->packed || !s->of_row.scale || !s->of_row.offset || !s->of_row.reach || !s->of_row.length) {
        hma_screen_free(s);
        return HMA_FAILURE;
    }
    *out = s;
    return HMA_OK;
}

void hma_screen_free(hma_screen *s) {
    if (s) {
        free(s->packed);
        free(s->of_row.scale);
        free(s->of_row.offset);
        free(s->of_row.reach);
        free(s->of_row.length);
        free(s);
    }
}

/* What is kept of the rows from the panel's first on. */
static hma_screen_panel panel_at(const hma_screen *s, size_t row) {
    return (hma_screen_panel){s->of_row.scale + row, s->of_row.offset + row, s->of_row.reach + row, s->of_row.length + row};
}

typedef struct making {
    hma_screen *screen;
    float **panels; /* [threads]: [columns][HMA_PANEL] */
} making;

static hma_status make_panel(void *argument, size_t index, size_t worker) {
    const making *m = argument;
    const hma_screen *s = m->screen;
    const size_t row = index * HMA_PANEL;
    const hma_screen_panel out = panel_at(s, row);
    s->gemm->unpack(s->head.packed, s->columns, row, m->panels[worker]);
    s->kernel->pack(m->panels[worker], s->columns, s->packed + row * s->columns, &out);
    return HMA_OK;
}

hma_status hma_screen_make(hma_screen *s, hma_pool *pool, const hma_matrix *head) {
    const size_t threads = hma_pool_threads(pool);
    making m = {s, HMA_NEW(float *, threads)};
    hma_status status = m.panels ? HMA_OK : HMA_FAILURE;
    s->head = *head;
    s->longest = 0;
    for (size_t t = 0; status == HMA_OK && t < threads; t++) {
        m.panels[t] = hma_new_aligned(s->columns * HMA_PANEL, sizeof(float));
        status = m.panels[t] ? HMA_OK : HMA_FAILURE;
    }
    if (status == HMA_OK) {
        status = hma_pool_run(pool, hma_packed_rows(s->rows) / HMA_PANEL, make_panel, &m);
    }
    for (size_t i = 0; status == HMA_OK && i < s->rows; i++) {
        /* what overflowed while it was turned is not bounded by anything */
        s->longest = fmaxf(s->longest, isfinite(s->of_row.length[i]) ? s->of_row.length[i] : INFINITY);
    }
    for (size_t t = 0; m.panels && t < threads; t++) {
        free(m.panels[t]);
    }
    free(m.panels);
    return status;
}

/* ---- using it ---- */

/* Below this logits over temperature may overflow, and ties of infinities are another matter. */
static const double least_temperature = 1e-6;

bool hma_screen_serves(const hma_generation *r) {
    return !(r->temperature > 0) || (r->temperature >= least_temperature && r->top_k == 0 && !(r->top_p < 1));
}

/* From row to row of bytes: not whole pages, or rows of a tile would fight for the same lines of a cache. */
static size_t stride_of(const hma_screen *s) { return s->columns + (s->columns % 1024 == 0 ? 64 : 0); }

static size_t tops_of(const hma_screen *s) { return (s->rows + HMA_SCREEN_TOP - 1) / HMA_SCREEN_TOP; }

hma_status hma_screening_new(hma_screening *out, const hma_screen *screen, size_t most, size_t threads) {
    hma_screening g = {.screen = screen};
    g.bytes = hma_new_aligned(most * stride_of(screen), 1);
    g.rows = HMA_NEW(hma_screen_row, most);
    g.turned = hma_new_aligned(threads * screen->columns, sizeof *g.turned);
    g.tops = hma_new_aligned(most * tops_of(screen), sizeof *g.tops);
    if (!g.bytes || !g.rows || !g.turned || !g.tops) {
        hma_screening_free(&g);
        return HMA_FAILURE;
    }
    *out = g;
    return HMA_OK;
}

void hma_screening_free(hma_screening *g) {
    free(g->bytes);
    free(g->rows);
    free(g->turned);
    free(g->tops);
    *g = (hma_screening){0};
}

typedef struct rounding {
    const hma_screening *g;
    bool *impossible;
} rounding;

static hma_status round_row(void *argument, size_t index, size_t worker) {
    const rounding *r = argument;
    const hma_screening *g = r->g;
    const hma_screen *s = g->screen;
    float *x = g->turned + worker * s->columns;
    const float *from = g->hidden + index * s->columns;
    for (size_t d = 0; d < s->columns; d++) {
        x[d] = s->gemm->rounds_x ? hma_bf16_round(from[d]) : from[d];
    }
    r->impossible[index] = !s->kernel->round_row(x, s->columns, g->bytes + index * stride_of(s), &g->rows[index]) ||
                           !(g->rows[index].room * s->longest < 1e30f);
    return HMA_OK;
}

/* Columns that a thread takes at a time: few enough to share out, whose dots are in its cache when they become bounds. */
enum { AT_ONCE = 16 * HMA_PANEL };

typedef struct bounding {
    const hma_screening *g;
    size_t count;
    float *most;
} bounding;

static hma_status bound_some(void *argument, size_t index, size_t worker) {
    const bounding *b = argument;
    const hma_screening *g = b->g;
    const hma_screen *s = g->screen;
    const size_t first = index * AT_ONCE, wide = hma_min_size(AT_ONCE, s->rows - first);
    const hma_screen_panel panel = panel_at(s, first);
    (void)worker;
    s->kernel->multiply(g->bytes, stride_of(s), b->count, s->packed, s->columns, first, wide, b->most + first, s->rows);
    s->kernel->bound(&panel, g->rows, b->count, wide, b->most + first, s->rows, g->tops + first / HMA_SCREEN_TOP, tops_of(s));
    return HMA_OK;
}

hma_status hma_screening_bound(hma_screening *g, hma_pool *pool, const float *hidden, size_t count, float *most,
                               bool *possible) {
    bool *impossible = HMA_NEW(bool, count);
    rounding r = {g, impossible};
    bounding b = {g, count, most};
    g->hidden = hidden;
    hma_status status = impossible ? hma_pool_run(pool, count, round_row, &r) : HMA_FAILURE;
    *possible = true;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        *possible = *possible && !impossible[i];
    }
    if (status == HMA_OK && *possible) {
        status = hma_pool_run(pool, (g->screen->rows + AT_ONCE - 1) / AT_ONCE, bound_some, &b);
    }
    free(impossible);
    return status;
}

/* A logit of one position, as the head's product has it; its panel's others lie by for the next. */
typedef struct looking {
    const hma_screen *screen;
    const float *hidden;
    size_t panel;
    float logits[HMA_PANEL];
} looking;

static float exact_logit(void *user, size_t index) {
    looking *l = user;
    const hma_screen *s = l->screen;
    const size_t panel = index / HMA_PANEL, first = panel * HMA_PANEL;
    if (panel != l->panel) {
        s->gemm->multiply(l->hidden, s->columns, 1, s->head.packed, s->rows, s->columns, first,
                          hma_min_size(HMA_PANEL, s->rows - first), l->logits, HMA_PANEL);
        l->panel = panel;
    }
    return l->logits[index - first];
}

int32_t hma_screening_draw(const hma_screening *g, const hma_vector *vector, const hma_generation *request, size_t position,
                           size_t index, const float *most) {
    const hma_screen *s = g->screen;
    looking l = {.screen = s, .hidden = g->hidden + index * s->columns, .panel = SIZE_MAX};
    const hma_screened row = {most, g->tops + index * tops_of(s), exact_logit, &l};
    return hma_sample_screened(vector, request, position, &row, s->rows);
}
