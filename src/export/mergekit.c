/*
 * A point as a mergekit configuration with constant weights in slices of layers: linear averaging, slerp, task arithmetic,
 * ties. What mergekit computes otherwise, or not at all, is refused.
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
#include "merge/methods.h"
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

/* How a method is said in mergekit's words. */
typedef enum form {
    WEIGHTED,  /* linear: both models have a weight */
    SPHERICAL, /* slerp: a slice has a t */
    FROM_PRE,  /* deltas of post from the base model pre: post has a weight */
    FROM_BASE  /* deltas of both from a third model */
} form;

typedef struct configuration {
    form form;
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

/* Parameters of slerp stand in the slice, weights in its sources. */
static int indent_of(const configuration *c) { return c->form == SPHERICAL ? 6 : 10; }

static void put_filter(const configuration *c, const char *filter, double ratio, bool is_post) {
    hma_buffer_printf(c->out, "%*s- filter: ", indent_of(c) + 2, "");
    put_quoted(c->out, filter);
    hma_buffer_printf(c->out, "\n%*svalue: ", indent_of(c) + 4, "");
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
    hma_buffer_printf(c->out, "%*s%s:", indent_of(c), "", c->form == SPHERICAL ? "t" : "weight");
    if (!needs_filters(c, s)) {
        hma_buffer_char(c->out, ' ');
        put_value(c, s->ratio, is_post);
        return HMA_OK;
    }
    hma_buffer_char(c->out, '\n');
    const hma_status status = put_overrides(c, is_post);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (holds(s, filters[i].kind) && (filters[i].kind != BESIDE_MATRICES || c->policy.layer_matrices_only)) {
            put_filter(c, filters[i].filter, ratio_of(c, s, filters[i].kind), is_post);
        }
    }
    hma_buffer_printf(c->out, "%*s- value: ", indent_of(c) + 2, "");
    put_value(c, s->ratio, is_post);
    return status;
}

static void put_model(const configuration *c, const slice *s, const char *model) {
    hma_buffer_text(c->out, "      - model: ");
    put_quoted(c->out, model);
    hma_buffer_printf(c->out, "\n        layer_range: [%zu, %zu]\n", s->first, s->end);
}

static hma_status put_source(const configuration *c, const slice *s, bool is_post) {
    put_model(c, s, is_post ? c->table->post : c->table->pre);
    hma_buffer_text(c->out, "        parameters:\n");
    return put_weight(c, s, is_post);
}

/* The models of a slice, with what each form says of them. */
static hma_status put_sources(const configuration *c, const slice *s) {
    hma_status status;
    switch (c->form) {
    case SPHERICAL:
        put_model(c, s, c->table->pre);
        put_model(c, s, c->table->post);
        hma_buffer_text(c->out, "    parameters:\n");
        return put_weight(c, s, true);
    case FROM_PRE: put_model(c, s, c->table->pre); return put_source(c, s, true);
    case FROM_BASE: put_model(c, s, c->table->base); break;
    case WEIGHTED: break;
    }
    status = put_source(c, s, false);
    return status == HMA_OK ? put_source(c, s, true) : status;
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
        status = put_sources(c, &s);
    }
    return status;
}

/* ---- the rest ---- */

static void put_head(const configuration *c, size_t point) {
    hma_buffer_text(c->out, "# hma point: ");
    put_quoted(c->out, hma_table_label(c->table, point));
    hma_buffer_printf(c->out, ", id %s\n", hma_text_or_empty(c->table->front->points[point].id));
    hma_buffer_text(c->out,
                    "# The weight of post, or slerp's t, is hma's ratio.\n"
                    "# mergekit gives embeddings the weights of the first slice, final norm and head those of the last;\n"
                    "# a filter is a part of a tensor's name, and the first that matches counts.\n"
                    "# hma computes in fp64 and rounds once, mergekit in fp32: single elements may differ by one unit in\n"
                    "# the last place.\n");
    if (c->recipe->method == HMA_TIES && c->form != WEIGHTED && c->recipe->density < 1) {
        hma_buffer_text(c->out, "# Of equal deltas at the border of what is kept, hma draws some and mergekit takes others.\n");
    }
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

static form form_of(const hma_recipe *recipe) {
    if (hma_recipe_is_linear(recipe)) {
        return WEIGHTED;
    }
    return recipe->method == HMA_SLERP ? SPHERICAL : recipe->base == HMA_BASE_PRE ? FROM_PRE : FROM_BASE;
}

static hma_status refuse(const char *what, const char *why) {
    return hma_error(HMA_USAGE, "--mergekit: %s cannot be written (%s): write the model with hma merge instead", what, why);
}

static hma_status check_writable(const configuration *c) {
    const hma_recipe *recipe = c->recipe;
    if (recipe->extra_rows != HMA_EXTRA_ROWS_NONE) {
        return refuse("a merge with extra rows", "mergekit cuts vocabularies to the rows that both have");
    }
    if (c->form == WEIGHTED || c->form == SPHERICAL) {
        return HMA_OK;
    }
    if (recipe->method == HMA_DARE) {
        return refuse("the method dare", "mergekit draws other masks and rescales to the L1 norm instead of by the density");
    }
    if (c->form == FROM_BASE && c->policy.layer_matrices_only) {
        return refuse("policy linear-only from a third model", "no weight makes mergekit keep the tensors of pre");
    }
    return HMA_OK;
}

/* Method, base model and what holds for all slices. The base model is also the donor of config and tokenizer. */
static void put_method(const configuration *c) {
    static const char *const names[] = {[HMA_TASK_ARITHMETIC] = "task_arithmetic", [HMA_TIES] = "ties"};
    const hma_recipe *recipe = c->recipe;
    const bool deltas = c->form == FROM_PRE || c->form == FROM_BASE;
    hma_buffer_printf(c->out, "merge_method: %s\nbase_model: ",
                      deltas                 ? names[recipe->method]
                      : c->form == SPHERICAL ? "slerp"
                                             : "linear");
    put_quoted(c->out, c->form == WEIGHTED ? c->table->post : c->form == FROM_BASE ? c->table->base : c->table->pre);
    hma_buffer_char(c->out, '\n');
    if (c->form != WEIGHTED) {
        hma_buffer_text(c->out, "# config and tokenizer come from the base model; hma merge takes post's\n");
    }
    if (c->form == SPHERICAL) {
        return;
    }
    /* of a single delta the weight would cancel out */
    const bool normalize = c->form == FROM_BASE && recipe->method == HMA_TIES;
    hma_buffer_printf(c->out, "parameters:\n  normalize: %s\n", normalize ? "true" : "false");
    if (deltas) {
        hma_buffer_text(c->out, "  lambda: ");
        hma_buffer_json_double(c->out, recipe->lambda);
        hma_buffer_char(c->out, '\n');
    }
    if (deltas && recipe->method == HMA_TIES) {
        hma_buffer_text(c->out, "  density: ");
        hma_buffer_json_double(c->out, recipe->density);
        hma_buffer_char(c->out, '\n');
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
    const configuration c = {
        .form = form_of(recipe), .out = out, .table = table, .recipe = recipe, .policy = hma_recipe_policy_ratios(recipe)};
    const hma_status refused = check_writable(&c);
    if (refused != HMA_OK) {
        return refused;
    }
    put_head(&c, point);
    put_method(&c);
    put_types(&c, stored);
    const hma_status status = put_slices(&c);
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}
