/* The names of methods, policies and roundings, in options, JSON and reports. */
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "merge/recipe_parts.h"

static const char *const methods[] = {"linear", NULL};
static const char *const policies[] = {"full", "linear-only", "uniform-outside", NULL};
static const char *const roundings[] = {"nearest", "stochastic", NULL};

/* Known to users of other tools; refused by name, so that nobody looks for a misspelling. */
static const char *const planned_methods[] = {"slerp", "task-arithmetic", "ties", "dare", "extrapolate", NULL};

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

const char *hma_method_name(hma_method method) { return name_at(methods, (size_t)method); }
const char *hma_policy_name(hma_policy policy) { return name_at(policies, (size_t)policy); }
const char *hma_rounding_name(hma_rounding rounding) { return name_at(roundings, (size_t)rounding); }

hma_status hma_method_parse(hma_method *out, const char *name) {
    size_t index = 0;
    if (planned_methods[index_of(planned_methods, name)]) {
        return hma_error(HMA_USAGE, "method: \"%s\" is not available in this version (expected \"linear\"): use linear", name);
    }
    const hma_status status = parse(&index, "method", methods, name);
    if (status == HMA_OK) {
        *out = (hma_method)index;
    }
    return status;
}

hma_status hma_policy_parse(hma_policy *out, const char *name) {
    size_t index = 0;
    const hma_status status = parse(&index, "policy", policies, name);
    if (status == HMA_OK) {
        *out = (hma_policy)index;
    }
    return status;
}

hma_status hma_rounding_parse(hma_rounding *out, const char *name) {
    size_t index = 0;
    const hma_status status = parse(&index, "rounding", roundings, name);
    if (status == HMA_OK) {
        *out = (hma_rounding)index;
    }
    return status;
}

const char *hma_recipe_dtype_name(int dtype) {
    return dtype == HMA_DTYPE_STORED ? "stored" : hma_dtype_name((hma_dtype)dtype);
}
