#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "checkpoint/buffers.h"
#include "checkpoint/compare.h"

/* Names that a line shows before it only counts. */
enum { SHOWN = 4 };

/* Things of one kind: the first few as text, the others as a number. */
typedef struct listing {
    hma_buffer text;
    size_t count;
} listing;

/* Begins another entry; false when it is only counted. */
static bool list_another(listing *list) {
    const bool shown = list->count++ < SHOWN;
    if (shown && list->count > 1) {
        hma_buffer_text(&list->text, ", ");
    }
    return shown;
}

/* The text of a finished listing. */
static const char *listed(listing *list) {
    if (list->count > SHOWN) {
        hma_buffer_printf(&list->text, " and %zu more", list->count - SHOWN);
    }
    return hma_buffer_cstr(&list->text);
}

static void add_shape(hma_buffer *text, const hma_tensor *t) {
    hma_buffer_char(text, '[');
    for (size_t i = 0; i < t->rank; i++) {
        hma_buffer_printf(text, "%s%" PRIu64, i ? ", " : "", t->shape[i]);
    }
    hma_buffer_char(text, ']');
}

static bool same_shape_from(const hma_tensor *a, const hma_tensor *b, size_t first) {
    return a->rank == b->rank && a->rank >= first &&
           memcmp(a->shape + first, b->shape + first, (a->rank - first) * sizeof *a->shape) == 0;
}

typedef struct tensor_differences {
    listing only_pre, only_post, shapes, types, vocabulary;
    uint64_t rows_pre, rows_post; /* of the vocabulary, where it differs */
} tensor_differences;

static void compare_pair(tensor_differences *d, const hma_tensor *pre, const hma_tensor *post) {
    if (pre->dtype != post->dtype && list_another(&d->types)) {
        hma_buffer_printf(&d->types.text, "%.120s %s and %s", pre->name, hma_dtype_name(pre->dtype),
                          hma_dtype_name(post->dtype));
    }
    if (same_shape_from(pre, post, 0)) {
        return;
    }
    if (hma_tensor_has_vocabulary_rows(pre->name) && pre->rank > 0 && same_shape_from(pre, post, 1)) {
        d->rows_pre = pre->shape[0];
        d->rows_post = post->shape[0];
        if (list_another(&d->vocabulary)) {
            hma_buffer_printf(&d->vocabulary.text, "%.120s", pre->name);
        }
    } else if (list_another(&d->shapes)) {
        hma_buffer_printf(&d->shapes.text, "%.120s ", pre->name);
        add_shape(&d->shapes.text, pre);
        hma_buffer_text(&d->shapes.text, " and ");
        add_shape(&d->shapes.text, post);
    }
}

static void note_single(listing *list, const hma_checkpoint *owner, const hma_tensor *tensor) {
    if (!hma_tensor_is_buffer(tensor->name) && !hma_tensor_is_tied_copy(owner, tensor->name) && list_another(list)) {
        hma_buffer_printf(&list->text, "%.120s", tensor->name);
    }
}

/* Two sorted lists, walked together. */
static void find_differences(tensor_differences *d, const hma_checkpoint *pre, const hma_checkpoint *post) {
    size_t i = 0, j = 0;
    for (;;) {
        const hma_tensor *a = hma_checkpoint_tensor(pre, i), *b = hma_checkpoint_tensor(post, j);
        if (!a && !b) {
            return;
        }
        const int order = !a ? 1 : !b ? -1 : strcmp(a->name, b->name);
        if (order < 0) {
            note_single(&d->only_pre, pre, a);
        } else if (order > 0) {
            note_single(&d->only_post, post, b);
        } else {
            compare_pair(d, a, b);
        }
        i += order <= 0;
        j += order >= 0;
    }
}

static void report(hma_problems *problems, tensor_differences *d) {
    const struct {
        listing *list;
        const char *whose;
    } only[] = {{&d->only_pre, "pre"}, {&d->only_post, problems->other}};
    for (size_t i = 0; i < 2; i++) {
        if (only[i].list->count) {
            hma_problem_add(problems, "%zu %s only in %s: %s (expected the same tensors in both): average checkpoints of the "
                            "same model", only[i].list->count, only[i].list->count == 1 ? "tensor is" : "tensors are",
                            only[i].whose, listed(only[i].list));
        }
    }
    if (d->vocabulary.count && !problems->common_rows) {
        hma_problem_add(problems, "the vocabulary has %" PRIu64 " rows in pre and %" PRIu64 " in %s: %s (expected the same "
                        "tokens in both): merge the rows that both have and take the others from the larger one "
                        "(--extra-rows %s)", d->rows_pre, d->rows_post, problems->other, listed(&d->vocabulary),
                        d->rows_pre > d->rows_post ? "pre" : problems->other);
    }
    if (d->shapes.count) {
        hma_problem_add(problems, "%zu %s another shape in %s: %s (expected equal shapes): average checkpoints of the same "
                        "model", d->shapes.count, d->shapes.count == 1 ? "tensor has" : "tensors have", problems->other,
                        listed(&d->shapes));
    }
    if (d->types.count) {
        hma_problem_add(problems, "%zu %s another element type in %s: %s (expected equal types): load one of the two with "
                        "the other's torch_dtype and save it again", d->types.count,
                        d->types.count == 1 ? "tensor has" : "tensors have", problems->other, listed(&d->types));
    }
}

hma_status hma_compare_tensors(hma_problems *problems, const hma_checkpoint *pre, const hma_checkpoint *post) {
    tensor_differences d = {0};
    find_differences(&d, pre, post);
    report(problems, &d);
    listing *all[] = {&d.only_pre, &d.only_post, &d.shapes, &d.types, &d.vocabulary};
    hma_status status = HMA_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (status == HMA_OK) {
            status = hma_buffer_ok(&all[i]->text);
        }
        hma_buffer_free(&all[i]->text);
    }
    return status;
}
