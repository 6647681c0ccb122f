/* The names of methods, policies and roundings, in options, JSON and reports. */
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "merge/methods.h"
#include "merge/recipe_parts.h"

static const char *const policies[] = {"full", "linear-only", "uniform-outside", NULL};
static const char *const roundings[] = {"nearest", "stochastic", NULL};
static const char *const bases[] = {"pre", "model", NULL};
static const char *const extra_rows_names[] = {"none", "pre", "post", NULL};

static const char *name_at(const char *const *names, size_t index) {
    for (size_t i = 0; names[i]; i++) {
        if (i == index) {
            return names[i];
        }
    }
    return NULL;
}

static size_t index_of(const char *const *names, const char *name) {
    size_t i = 0;
    while (names[i] && strcmp(names[i], name) != 0) {
        i++;
    }
    return i;
}

static hma_status parse(size_t *out, const char *what, const char *const *names, const char *name) {
    const size_t index = index_of(names, name);
    if (!names[index]) {
        const char *near = hma_nearest(name, names);
        return near ? hma_error(HMA_USAGE, "%s: \"%s\" does not exist (did you mean \"%s\"?): correct it", what, name, near)
                    : hma_error(HMA_USAGE, "%s: \"%s\" does not exist (expected for example \"%s\"): correct it", what, name,
                                names[0]);
    }
    *out = index;
    return HMA_OK;
}

const char *hma_method_name(hma_method method) {
    const hma_method_traits *traits = hma_method_traits_of(method);
    return traits ? traits->name : NULL;
}
const char *hma_policy_name(hma_policy policy) { return name_at(policies, (size_t)policy); }
const char *hma_rounding_name(hma_rounding rounding) { return name_at(roundings, (size_t)rounding); }
const char *hma_base_name(hma_base base) { return name_at(bases, (size_t)base); }
const char *hma_extra_rows_name(hma_extra_rows extra_rows) { return name_at(extra_rows_names, (size_t)extra_rows); }

hma_status hma_method_parse(hma_method *out, const char *name) {
    const char *methods[HMA_METHODS + 1] = {NULL};
    size_t index = 0;
    for (size_t i = 0; i < HMA_METHODS; i++) {
        methods[i] = hma_method_name((hma_method)i);
    }
    const hma_status status = parse(&index, "method", methods, name);
    if (status == HMA_OK) {
        *out = (hma_method)index;
    }
    return status;
}

/* The same for each of the other enumerations: what of a recipe it is, and its names in order. */
#define DEFINE_PARSE(type, what, names)                                                                                        \
    hma_status type##_parse(type *out, const char *name) {                                                                     \
        size_t index = 0;                                                                                                      \
        const hma_status status = parse(&index, what, names, name);                                                            \
        if (status == HMA_OK) {                                                                                                \
            *out = (type)index;                                                                                                \
        }                                                                                                                      \
        return status;                                                                                                         \
    }
DEFINE_PARSE(hma_policy, "policy", policies)
DEFINE_PARSE(hma_rounding, "rounding", roundings)
DEFINE_PARSE(hma_base, "base", bases)
DEFINE_PARSE(hma_extra_rows, "extra_rows", extra_rows_names)
#undef DEFINE_PARSE

const char *hma_recipe_dtype_name(int dtype) { return dtype == HMA_DTYPE_STORED ? "stored" : hma_dtype_name((hma_dtype)dtype); }
