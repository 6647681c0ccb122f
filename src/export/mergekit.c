/*
 * A point as a mergekit configuration: linear averaging with constant weights in slices of layers.
 *
 * How mergekit reads it: a tensor outside the layers takes the parameters of the first slice (embeddings) or of the last one
 * (final norm and head). A parameter may be a list of filters, each a part of a tensor's name; the first that occurs in the
 * name counts. Ratios by policy are therefore written as filters wherever they differ from their slice's.
 */
#include <string.h>

#include "base/error_set.h"
#include "base/utf8.h"
#include "export/text.h"
#include "export/writers.h"
#include "merge/recipe_parts.h"

/* Tensors that a policy may treat in their own way. */
typedef enum kind { EMBEDDING, FINAL_NORM, HEAD, BESIDE_MATRICES } kind;

/* How they are called, in the order in which filters are tried: what contains another filter comes before it. */
static const struct {
    const char *filter;
    kind kind;
} filters[] = {
    {"lm_head", HEAD},
    {"embed_out", HEAD},
    {"model.norm", FINAL_NORM},
    {"ln_f", FINAL_NORM},
    {"gpt_neox.final_layer_norm", FINAL_NORM},
    {"decoder.final_layer_norm", FINAL_NORM},
    {"embed", EMBEDDING},
    {"wte", EMBEDDING},
    {"wpe", EMBEDDING},
    {"norm", BESIDE_MATRICES},
    {"ln_", BESIDE_MATRICES},
    {".bias", BESIDE_MATRICES},
};

typedef struct configuration {
    hma_buffer *out;
    const hma_table *table;
    const hma_recipe *recipe;
    hma_policy_ratios policy;
} configuration;

typedef struct slice {
    size_t first, end; /* layers */
    bool is_last;
    double ratio;
} slice;

/* ---- text ---- */

/* What YAML does not take as it is, even between quotes. */
static bool needs_escape(uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE || c == 0xFFFF;
}

static void put_quoted(hma_buffer *out, const char *text) {
    hma_buffer clean = {0};
    hma_put_text(&clean, text);
    const char *from = hma_buffer_cstr(&clean);
    hma_buffer_char(out, '"');
    for (size_t i = 0; i < clean.length;) {
        uint32_t c = 0;
        const size_t n = hma_utf8_decode(from + i, clean.length - i, &c);
        if (needs_escape(c)) {
            hma_buffer_printf(out, "\\u%04x", (unsigned)c);
        } else {
            hma_buffer_text(out, c == '"' || c == '\\' ? "\\" : "");
            hma_buffer_add(out, from + i, n);
        }
        i += n;
    }
    hma_buffer_char(out, '"');
    hma_end_part(out, &clean);
}

/* ---- weights ---- */

/* The last slice also has the final norm and the head, the first one the embeddings. */
static bool holds(const slice *s, kind what) {
    return what == BESIDE_MATRICES || (what == EMBEDDING ? s->first == 0 : s->is_last);
}

static double ratio_of(const configuration *c, const slice *s, kind what) {
    switch (what) {
    case EMBEDDING: return c->policy.embedding;
    case FINAL_NORM: return c->policy.final_norm;
    case HEAD: return c->policy.head;
    case BESIDE_MATRICES: break;
    }
    return c->policy.layer_matrices_only ? 0 : s->ratio;
}

static void put_value(const configuration *c, double ratio, bool is_post) {
    hma_buffer_json_double(c->out, is_post ? ratio : 1 - ratio);
    hma_buffer_char(c->out, '\n');
}

static void put_filter(const configuration *c, const char *filter, double ratio, bool is_post) {
    hma_buffer_text(c->out, "            - filter: ");
    put_quoted(c->out, filter);
    hma_buffer_text(c->out, "\n              value: ");
    put_value(c, ratio, is_post);
}

/* A glob that is a literal between optional stars, without them. */
static hma_status literal_of(const char *glob, hma_buffer *literal) {
    const size_t lead = strspn(glob, "*");
    size_t length = strlen(glob + lead);
    while (length > 0 && glob[lead + length - 1] == '*') {
        length--;
    }
    hma_buffer_add(literal, glob + lead, length);
    if (literal->failed) {
        return hma_buffer_ok(literal);
    }
    if (length == 0 || strpbrk(hma_buffer_cstr(literal), "*?[")) {
        return hma_error(HMA_USAGE,
                         "--mergekit: the override \"%s\" cannot be written (expected a plain part of a name, as "
                         "mergekit's filters are): write the model with hma merge instead",
                         glob);
    }
    return HMA_OK;
}

/* In hma the last override that matches wins, in mergekit the first filter: the order is turned round. */
static hma_status put_overrides(const configuration *c, bool is_post) {
    const hma_overrides *overrides = &c->recipe->overrides;
    hma_status status = HMA_OK;
    for (size_t i = overrides->count; i-- > 0 && status == HMA_OK;) {
        hma_buffer literal = {0};
        status = literal_of(overrides->list[i].glob, &literal);
        if (status == HMA_OK) {
            put_filter(c, hma_buffer_cstr(&literal), overrides->list[i].ratio, is_post);
        }
        hma_buffer_free(&literal);
    }
    return status;
}

/* True when some tensor of a slice has another ratio than its matrices. */
static bool needs_filters(const configuration *c, const slice *s) {
    bool needs = c->recipe->overrides.count > 0;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        needs = needs || (holds(s, filters[i].kind) && ratio_of(c, s, filters[i].kind) != s->ratio);
    }
    return needs;
}

static hma_status put_weight(const configuration *c, const slice *s, bool is_post) {
    if (!needs_filters(c, s)) {
        hma_buffer_text(c->out, "          weight: ");
        put_value(c, s->ratio, is_post);
        return HMA_OK;
    }
    hma_buffer_text(c->out, "          weight:\n");
    const hma_status status = put_overrides(c, is_post);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (holds(s, filters[i].kind) && (filters[i].kind != BESIDE_MATRICES || c->policy.layer_matrices_only)) {
            put_filter(c, filters[i].filter, ratio_of(c, s, filters[i].kind), is_post);
        }
    }
    hma_buffer_text(c->out, "            - value: ");
    put_value(c, s->ratio, is_post);
    return status;
}

static hma_status put_source(const configuration *c, const slice *s, bool is_post) {
    hma_buffer_text(c->out, "      - model: ");
    put_quoted(c->out, is_post ? c->table->post : c->table->pre);
    hma_buffer_printf(c->out, "\n        layer_range: [%zu, %zu]\n        parameters:\n", s->first, s->end);
    return put_weight(c, s, is_post);
}

/* Neighbouring layers with one ratio are one slice. */
static hma_status put_slices(const configuration *c) {
    hma_status status = HMA_OK;
    hma_buffer_text(c->out, "slices:\n");
    for (slice s = {.end = 0}; s.end < c->recipe->layers && status == HMA_OK;) {
        s.first = s.end++;
        s.ratio = hma_recipe_layer_ratio(c->recipe, s.first);
        while (s.end < c->recipe->layers && hma_recipe_layer_ratio(c->recipe, s.end) == s.ratio) {
            s.end++;
        }
        s.is_last = s.end == c->recipe->layers;
        hma_buffer_text(c->out, "  - sources:\n");
        status = put_source(c, &s, false);
        if (status == HMA_OK) {
            status = put_source(c, &s, true);
        }
    }
    return status;
}

/* ---- the rest ---- */

static void put_head(const configuration *c, size_t point) {
    hma_buffer_text(c->out, "# hma point: ");
    put_quoted(c->out, hma_table_label(c->table, point));
    hma_buffer_printf(c->out, ", id %s\n", hma_text_or_empty(c->table->front->points[point].id));
    hma_buffer_text(c->out,
                    "# The weight of the second model of a slice (post) is hma's ratio.\n"
                    "# mergekit gives embeddings the weights of the first slice, final norm and head those of the last;\n"
                    "# a filter is a part of a tensor's name, and the first that matches counts.\n"
                    "# hma computes in fp64 and rounds once, mergekit in fp32: single elements may differ by one unit in\n"
                    "# the last place.\n");
    if (hma_recipe_rounding(c->recipe) == HMA_ROUND_STOCHASTIC) {
        hma_buffer_text(c->out, "# The recipe rounds stochastically; mergekit can only round to nearest.\n");
    }
}

static const char *torch_name(const char *dtype) {
    static const char *const names[][2] = {{"F32", "float32"}, {"F16", "float16"}, {"BF16", "bfloat16"}};
    for (size_t i = 0; dtype && i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i][0], dtype) == 0) {
            return names[i][1];
        }
    }
    return NULL;
}

static void put_types(const configuration *c, const char *stored) {
    const int dtype = hma_recipe_dtype(c->recipe);
    const char *name = torch_name(dtype == HMA_DTYPE_STORED ? stored : hma_dtype_name((hma_dtype)dtype));
    hma_buffer_text(c->out, "dtype: float32\n");
    if (name) {
        hma_buffer_printf(c->out, "out_dtype: %s\n", name);
    } else {
        hma_buffer_text(c->out, "# out_dtype: the type in which the two models are stored; without it the output is float32\n");
    }
}

hma_status hma_write_mergekit(hma_buffer *out, const hma_table *table, size_t point, const char *stored) {
    const hma_recipe *recipe = table->front->points[point].recipe;
    if (!recipe) {
        return hma_error(HMA_USAGE,
                         "point \"%s\": is no merge of pre and post (expected a point with a recipe): mergekit has nothing to "
                         "make",
                         hma_table_label(table, point));
    }
    if (hma_recipe_method(recipe) != HMA_LINEAR) {
        return hma_error(HMA_USAGE,
                         "--mergekit: the method %s cannot be written (expected linear): write the model with hma merge "
                         "instead",
                         hma_method_name(hma_recipe_method(recipe)));
    }
    const configuration c = {.out = out, .table = table, .recipe = recipe, .policy = hma_recipe_policy_ratios(recipe)};
    put_head(&c, point);
    hma_buffer_text(out, "merge_method: linear\nbase_model: ");
    put_quoted(out, table->post); /* the donor of config and tokenizer, as in hma merge */
    hma_buffer_text(out, "\nparameters:\n  normalize: false\n");
    put_types(&c, stored);
    const hma_status status = put_slices(&c);
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}
