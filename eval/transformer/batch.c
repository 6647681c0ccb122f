#include "eval/transformer/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/memory.h"

void hma_batch_free(hma_batch *batch) {
    free(batch->ids);
    free(batch->positions);
    free(batch->store);
    free(batch->runs);
    free(batch->spans);
    free(batch->asked);
    *batch = (hma_batch){0};
}

/* Sequences with the same first `depth` tokens, sorted: order[from .. to-1]. They continue the run `parent`. */
typedef struct branch {
    size_t from, to, depth;
    size_t parent; /* SIZE_MAX: none */
} branch;

typedef struct builder {
    hma_batch batch;
    const hma_ids *sequences;
    size_t *order;
    size_t *leaf;
    branch *stack;
    size_t stack_count, stack_capacity;
    size_t row_capacity;
} builder;

size_t hma_ids_common(const hma_ids *a, const hma_ids *b) {
    const size_t most = hma_min_size(a->count, b->count);
    size_t n = 0;
    while (n < most && a->ids[n] == b->ids[n]) {
        n++;
    }
    return n;
}

int hma_ids_compare(const hma_ids *a, const hma_ids *b) {
    const size_t n = hma_ids_common(a, b);
    if (n < a->count && n < b->count) {
        return a->ids[n] < b->ids[n] ? -1 : 1;
    }
    return a->count < b->count ? -1 : a->count > b->count;
}

static int compare_sequences(const void *a, const void *b, void *user) {
    const hma_ids *const *sequences = user;
    const size_t i = *(const size_t *)a, j = *(const size_t *)b;
    const int order = hma_ids_compare(&(*sequences)[i], &(*sequences)[j]);
    return order ? order : i < j ? -1 : i > j;
}

static hma_status push(builder *b, branch one) {
    if (hma_grow(&b->stack, &b->stack_capacity, b->stack_count + 1, sizeof one)) {
        return HMA_FAILURE;
    }
    b->stack[b->stack_count++] = one;
    return HMA_OK;
}

/* Length of the prefix that all sequences of a branch have in common: sorted, so the first and the last decide. */
static size_t common(const builder *b, const branch *one) {
    return hma_ids_common(&b->sequences[b->order[one->from]], &b->sequences[b->order[one->to - 1]]);
}

/* A run of tokens depth .. end-1 of the sequence, continuing run `parent`. */
static hma_status add_run(builder *b, const hma_ids *sequence, size_t depth, size_t end, size_t parent) {
    hma_batch *t = &b->batch;
    const size_t count = end - depth, inherited = parent == SIZE_MAX ? 0 : t->runs[parent].span_count;
    if (hma_grow(&t->runs, &t->run_capacity, t->run_count + 1, sizeof *t->runs) ||
        hma_grow(&t->spans, &t->span_capacity, t->span_count + inherited + 1, sizeof *t->spans)) {
        return HMA_FAILURE;
    }
    if (inherited) {
        memcpy(t->spans + t->span_count, t->spans + t->runs[parent].span_first, inherited * sizeof *t->spans);
    }
    t->spans[t->span_count + inherited] = (hma_span){.first = t->rows, .count = count, .position = depth};
    t->runs[t->run_count++] = (hma_run_of_rows){.first = t->rows,
                                                .count = count,
                                                .position = depth,
                                                .store = t->rows,
                                                .span_first = t->span_count,
                                                .span_count = inherited + 1};
    t->span_count += inherited + 1;
    for (size_t i = 0; i < count; i++) {
        t->ids[t->rows + i] = sequence->ids[depth + i];
        t->positions[t->rows + i] = (uint32_t)(depth + i);
        t->store[t->rows + i] = t->rows + i;
    }
    t->rows += count;
    t->longest = hma_max_size(t->longest, end);
    return HMA_OK;
}

/* Takes a branch apart: the common tokens become a run, sequences that end with it are done, the others branch by next token.
 */
static hma_status grow_branch(builder *b, branch one) {
    const size_t end = common(b, &one);
    size_t run = one.parent;
    if (end > one.depth) {
        const hma_status status = add_run(b, &b->sequences[b->order[one.from]], one.depth, end, one.parent);
        if (status != HMA_OK) {
            return status;
        }
        run = b->batch.run_count - 1;
    }
    size_t i = one.from;
    while (i < one.to && b->sequences[b->order[i]].count == end) {
        b->leaf[b->order[i++]] = run;
    }
    /* the stack takes the last child first, so that rows come out in sorted order */
    for (size_t to = one.to; to > i;) {
        size_t from = to - 1;
        const int32_t next = b->sequences[b->order[from]].ids[end];
        while (from > i && b->sequences[b->order[from - 1]].ids[end] == next) {
            from--;
        }
        const hma_status status = push(b, (branch){from, to, end, run});
        if (status != HMA_OK) {
            return status;
        }
        to = from;
    }
    return HMA_OK;
}

static hma_status allocate_rows(hma_batch *batch, size_t rows) {
    batch->ids = HMA_NEW(int32_t, rows);
    batch->positions = HMA_NEW(uint32_t, rows);
    batch->store = HMA_NEW(size_t, rows);
    return batch->ids && batch->positions && batch->store ? HMA_OK : HMA_FAILURE;
}

hma_status hma_batch_separate(hma_batch *out, const hma_ids *sequences, size_t count) {
    builder b = {.sequences = sequences};
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += sequences[i].count;
    }
    hma_status status = allocate_rows(&b.batch, total);
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        status = add_run(&b, &sequences[i], 0, sequences[i].count, SIZE_MAX);
    }
    if (status != HMA_OK) {
        hma_batch_free(&b.batch);
        return status;
    }
    b.batch.store_rows = b.batch.rows;
    *out = b.batch;
    return HMA_OK;
}

hma_status hma_batch_forest(hma_batch *out, const hma_ids *sequences, size_t count, size_t *leaf) {
    builder b = {.sequences = sequences, .leaf = leaf};
    hma_status status = HMA_OK;
    size_t total = 0;
    b.order = HMA_NEW(size_t, count);
    for (size_t i = 0; b.order && i < count; i++) {
        b.order[i] = i;
        total += sequences[i].count;
    }
    status = allocate_rows(&b.batch, total);
    if (!b.order || status != HMA_OK) {
        status = HMA_FAILURE;
        goto out;
    }
    qsort_r(b.order, count, sizeof *b.order, compare_sequences, &b.sequences);
    if (count) {
        status = push(&b, (branch){0, count, 0, SIZE_MAX});
    }
    while (status == HMA_OK && b.stack_count) {
        status = grow_branch(&b, b.stack[--b.stack_count]);
    }
    b.batch.store_rows = b.batch.rows;
out:
    free(b.order);
    free(b.stack);
    if (status != HMA_OK) {
        hma_batch_free(&b.batch);
        return status;
    }
    *out = b.batch;
    return HMA_OK;
}

hma_status hma_batch_ask(hma_batch *batch, const size_t *rows, size_t count) {
    batch->asked = HMA_NEW(bool, batch->rows);
    for (size_t i = 0; batch->asked && i < count; i++) {
        batch->asked[rows[i]] = true;
    }
    return batch->asked ? HMA_OK : HMA_FAILURE;
}

size_t hma_batch_row(const hma_batch *batch, size_t leaf, size_t position) {
    const hma_run_of_rows *run = &batch->runs[leaf];
    for (size_t s = run->span_count; s-- > 0;) {
        const hma_span *span = &batch->spans[run->span_first + s];
        if (position >= span->position) {
            return span->first + (position - span->position);
        }
    }
    return 0; /* not reached: the first span begins at position 0 */
}
