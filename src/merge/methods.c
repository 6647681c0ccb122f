#include "merge/methods.h"

#include "base/error_set.h"
#include "base/number.h"
#include "merge/recipe_parts.h"

static const hma_method_traits traits[] = {
    [HMA_LINEAR] = {.name = "linear", .most_ratio = 1, .formula = {"(1-a) pre + a post"}},
    [HMA_EXTRAPOLATE] = {.name = "extrapolate", .most_ratio = HMA_MOST_RATIO, .formula = {"(1-a) pre + a post, a up to 2"}},
    [HMA_SLERP] = {.name = "slerp",
                   .most_ratio = 1,
                   .formula = {"(sin((1-a)W) pre + sin(aW) post) / sin W, W the angle between the two tensors"}},
    [HMA_TASK_ARITHMETIC] = {.name = "task-arithmetic",
                             .most_ratio = 1,
                             .has_lambda_and_base = true,
                             .formula = {"pre + lambda a (post - pre)",
                                         "base + lambda ((1-a) (pre - base) + a (post - base))"}},
    /* the papers' own: the top 20 %; a drop rate of 0.9 */
    [HMA_TIES] =
        {.name = "ties",
         .most_ratio = 1,
         .density = 0.2,
         .has_lambda_and_base = true,
         .draws = true,
         .formula = {"pre + lambda a trim(post - pre)",
                     "base + lambda times the mean, weights 1-a and a, of trim(pre - base) and trim(post - base) where "
                     "they have the elected sign"}},
    [HMA_DARE] = {.name = "dare",
                  .most_ratio = 1,
                  .density = 0.1,
                  .has_lambda_and_base = true,
                  .draws = true,
                  .formula = {"pre + lambda a mask (post - pre) / density",
                              "base + lambda ((1-a) mask (pre - base) + a mask' (post - base)) / density"}},
};

const hma_method_traits *hma_method_traits_of(hma_method method) {
    return (unsigned)method < HMA_METHODS ? &traits[method] : NULL;
}

bool hma_method_has_base(hma_method method) { return (unsigned)method < HMA_METHODS && traits[method].has_lambda_and_base; }
bool hma_method_has_density(hma_method method) { return (unsigned)method < HMA_METHODS && traits[method].density > 0; }
bool hma_method_has_lambda(hma_method method) { return hma_method_has_base(method); }
double hma_method_most_ratio(hma_method method) { return (unsigned)method < HMA_METHODS ? traits[method].most_ratio : 1; }

/* Whether all ratios are `low` or `high`, which copy; what a policy fixes at 0 is not counted. */
static bool only_copies(const hma_recipe *recipe, double low, double high) {
    bool copies = recipe->mean_ratio == low || recipe->mean_ratio == high; /* of mixed ones the mean lies between */
    for (size_t k = 0; k < recipe->blocks.count; k++) {
        copies = copies && (recipe->ratio[k] == low || recipe->ratio[k] == high);
    }
    for (size_t i = 0; i < recipe->overrides.count; i++) {
        copies = copies && (recipe->overrides.list[i].ratio == low || recipe->overrides.list[i].ratio == high);
    }
    return copies;
}

bool hma_recipe_is_linear(const hma_recipe *recipe) {
    const bool plain = recipe->lambda == 1 && recipe->density == 1;
    switch (recipe->method) {
    case HMA_SLERP: return only_copies(recipe, 0, 1);
    case HMA_TASK_ARITHMETIC:
    case HMA_DARE: return plain || (recipe->base == HMA_BASE_PRE && only_copies(recipe, 0, 0));
    case HMA_TIES: return recipe->base == HMA_BASE_PRE && (plain || only_copies(recipe, 0, 0));
    default: return true;
    }
}

bool hma_recipe_uses_seed(const hma_recipe *recipe) {
    return recipe->rounding == HMA_ROUND_STOCHASTIC ||
           (traits[recipe->method].draws && recipe->density < 1 && !hma_recipe_is_linear(recipe));
}

static hma_status not_of(const char *what, const char *method, const char *expected) {
    return hma_error(HMA_USAGE, "%s: does not belong to method %s (expected %s): leave it out or choose another method", what,
                     method, expected);
}

static hma_status check_number(const char *what, double value, double most) {
    char text[HMA_DOUBLE_TEXT], limit[HMA_DOUBLE_TEXT];
    return value > 0 && value <= most
               ? HMA_OK
               : hma_error(HMA_USAGE, "%s: %s is not usable (expected a number above 0, at most %s): correct it", what,
                           hma_double_text(value, text), hma_double_text(most, limit));
}

hma_status hma_method_settings_check(hma_recipe_spec *spec) {
    const hma_method_traits *t = &traits[spec->method];
    hma_status status = HMA_OK;
    if (spec->density != 0) {
        status = t->density > 0 ? check_number("density", spec->density, 1) : not_of("density", t->name, "ties or dare");
    }
    if (status == HMA_OK && spec->lambda != 0) {
        status = t->has_lambda_and_base ? check_number("lambda", spec->lambda, HMA_MOST_LAMBDA)
                                        : not_of("lambda", t->name, "task-arithmetic, ties or dare");
    }
    if (status == HMA_OK && spec->base == HMA_BASE_MODEL && !t->has_lambda_and_base) {
        status = not_of("base", t->name, "task-arithmetic, ties or dare");
    }
    if (status == HMA_OK && (!hma_base_name(spec->base) || !hma_extra_rows_name(spec->extra_rows))) {
        status = hma_error(HMA_USAGE, "recipe: base or extra rows is not one that exists (expected the enumerations' values): "
                                      "correct it");
    }
    if (status == HMA_OK) {
        spec->density = spec->density != 0 ? spec->density : t->density > 0 ? t->density : 1;
        spec->lambda = spec->lambda != 0 ? spec->lambda : 1;
    }
    return status;
}
