/* Methods beside linear: every formula against a naive twin, what they copy, what they draw, and what they refuse. */
#include "merge_models.h"

#include <math.h>

#include "merge/profile.h"
#include "merge/source.h"

/* Several blocks, so that borders and angles are those of a whole tensor and not of a block. */
static const test_tensor large[] = {{"model.layers.0.mlp.up_proj.weight", "F32", "[400,500]", 200000}};
enum { COUNT = 200000 };
#define LARGE "model.layers.0.mlp.up_proj.weight"

typedef struct trio {
    test_pair pair;
    char *base_folder;
    hma_checkpoint *base;
    float *x, *y, *b; /* LARGE of pre, post and base */
} trio;

static float *values_of(const hma_checkpoint *checkpoint, const char *name) {
    const hma_tensor *tensor = hma_checkpoint_find(checkpoint, name);
    assert_non_null(tensor);
    float *values = malloc(tensor->bytes);
    assert_non_null(values);
    assert_ok(hma_checkpoint_read(checkpoint, tensor, 0, tensor->elements, values));
    return values;
}

static trio make_trio(const char *parent) {
    trio t = {.pair = make_pair(parent, large, 1), .base_folder = write_model(parent, "base", MODEL_CONFIG, -0.4, large, 1)};
    const hma_rng_key key = hma_rng_key_for(1, "base");
    t.x = values_of(t.pair.pre, LARGE);
    t.y = values_of(t.pair.post, LARGE);
    t.b = values_of(t.pair.pre, LARGE);
    for (size_t i = 0; i < COUNT; i++) { /* in a direction of its own, so that signs conflict */
        t.b[i] += (float)(0.05 * (hma_rng_double(key, i) - 0.5));
    }
    poke(t.base_folder, LARGE, 0, t.b, COUNT * sizeof *t.b);
    assert_ok(hma_checkpoint_open(&t.base, t.base_folder));
    return t;
}

static void close_trio(trio *t) {
    hma_checkpoint_close(t->base);
    close_pair(&t->pair);
    free(t->base_folder);
    free(t->x);
    free(t->y);
    free(t->b);
}

static hma_source *merge_three(const trio *t, const char *recipe_json) {
    hma_recipe *recipe = parse_recipe(recipe_json);
    hma_source *source;
    assert_ok(hma_source_merged_from(&source, t->pair.pre, t->pair.post, t->base, recipe));
    hma_recipe_free(recipe);
    return source;
}

/* LARGE as the recipe merges it; the caller frees it. */
static float *merged_by(const trio *t, const char *recipe_json) {
    hma_source *source = merge_three(t, recipe_json);
    float *values = read_tensor(source, LARGE);
    hma_source_free(source);
    return values;
}

/* ---- formulas ---- */

static void check_near(const float *merged, size_t i, double wanted) {
    if (!(fabs((double)merged[i] - wanted) <= 1e-7 * fmax(fabs(wanted), 0.01))) {
        fail_msg("element %zu is %.9g, expected %.9g", i, (double)merged[i], wanted);
    }
}

static void extrapolation_goes_on_beyond_post(void **state) {
    trio t = make_trio(((const test_folder *)*state)->path);
    float *merged = merged_by(&t, "{\"method\":\"extrapolate\",\"ratio\":1.5}");
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(merged[i] == (float)((1 - 1.5) * (double)t.x[i] + 1.5 * (double)t.y[i]));
    }
    free(merged);
    merged = merged_by(&t, "{\"method\":\"extrapolate\",\"ratio\":1}");
    assert_memory_equal(merged, t.y, COUNT * sizeof *merged);
    free(merged);
    close_trio(&t);
}

static void slerp_follows_the_angle_of_the_whole_tensor(void **state) {
    trio t = make_trio(((const test_folder *)*state)->path);
    double product = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < COUNT; i++) {
        product += (double)t.x[i] * (double)t.y[i];
        xx += (double)t.x[i] * (double)t.x[i];
        yy += (double)t.y[i] * (double)t.y[i];
    }
    const double angle = acos(product / sqrt(xx * yy)), a = 0.3;
    assert_true(cos(angle) < 0.9995);
    float *merged = merged_by(&t, "{\"method\":\"slerp\",\"ratio\":0.3}");
    for (size_t i = 0; i < COUNT; i++) {
        check_near(merged, i, (sin((1 - a) * angle) * (double)t.x[i] + sin(a * angle) * (double)t.y[i]) / sin(angle));
    }
    free(merged);
    close_trio(&t);
}

static void slerp_of_nearly_parallel_tensors_is_linear(void **state) {
    const test_folder *folder = *state;
    test_pair pair = open_pair(write_model(folder->path, "pre", MODEL_CONFIG, 0, large, 1),
                               write_model(folder->path, "post", MODEL_CONFIG, 0.02, large, 1));
    hma_source *spherical = merge(&pair, "{\"method\":\"slerp\",\"ratio\":0.3}"), *linear = merge(&pair, "{\"ratio\":0.3}");
    float *a = read_tensor(spherical, LARGE), *b = read_tensor(linear, LARGE);
    assert_memory_equal(a, b, COUNT * sizeof *a);
    free(a);
    free(b);
    hma_source_free(spherical);
    hma_source_free(linear);
    close_pair(&pair);
}

static void task_arithmetic_scales_the_sum_of_deltas(void **state) {
    trio t = make_trio(((const test_folder *)*state)->path);
    float *two = merged_by(&t, "{\"method\":\"task-arithmetic\",\"ratio\":0.7,\"lambda\":1.3}");
    float *three = merged_by(&t, "{\"method\":\"task-arithmetic\",\"ratio\":0.7,\"lambda\":1.3,\"base\":\"model\"}");
    float *plain = merged_by(&t, "{\"method\":\"task-arithmetic\",\"ratio\":0.7,\"base\":\"model\"}");
    float *linear = merged_by(&t, "{\"ratio\":0.7}");
    for (size_t i = 0; i < COUNT; i++) {
        const double x = (double)t.x[i], y = (double)t.y[i], b = (double)t.b[i];
        check_near(two, i, x + 1.3 * 0.7 * (y - x));
        check_near(three, i, b + 1.3 * (0.3 * (x - b) + 0.7 * (y - b)));
    }
    assert_memory_equal(plain, linear, COUNT * sizeof *plain); /* weights that sum to 1: the base cancels out */
    free(two);
    free(three);
    free(plain);
    free(linear);
    close_trio(&t);
}

static int by_size(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return x > y ? -1 : x < y;
}

/* The smallest magnitude that is kept. */
static float border_of(const float *from, const float *to, double density) {
    float *sizes = malloc(COUNT * sizeof *sizes);
    assert_non_null(sizes);
    for (size_t i = 0; i < COUNT; i++) {
        sizes[i] = (float)fabs((double)to[i] - (double)from[i]);
    }
    qsort(sizes, COUNT, sizeof *sizes, by_size);
    const float border = sizes[(size_t)(density * COUNT) - 1];
    free(sizes);
    return border;
}

static double trimmed(float from, float to, float border) {
    const double delta = (double)to - (double)from;
    return (float)fabs(delta) >= border ? delta : 0;
}

static void ties_keeps_the_largest_deltas_and_the_elected_sign(void **state) {
    trio t = make_trio(((const test_folder *)*state)->path);
    float *two = merged_by(&t, "{\"method\":\"ties\",\"ratio\":0.6,\"density\":0.25,\"lambda\":1.5}");
    float *three = merged_by(&t, "{\"method\":\"ties\",\"ratio\":0.6,\"density\":0.25,\"lambda\":1.5,\"base\":\"model\"}");
    const float of_delta = border_of(t.x, t.y, 0.25), of_x = border_of(t.b, t.x, 0.25), of_y = border_of(t.b, t.y, 0.25);
    size_t kept = 0, conflicts = 0;
    for (size_t i = 0; i < COUNT; i++) {
        const double b = (double)t.b[i], delta = trimmed(t.x[i], t.y[i], of_delta);
        const double p = trimmed(t.b[i], t.x[i], of_x), q = trimmed(t.b[i], t.y[i], of_y);
        const double sign = 0.4 * p + 0.6 * q >= 0 ? 1 : -1;
        const double sum = (sign * p > 0 ? 0.4 * p : 0) + (sign * q > 0 ? 0.6 * q : 0);
        const double weight = (sign * p > 0 ? 0.4 : 0) + (sign * q > 0 ? 0.6 : 0);
        kept += delta != 0;
        conflicts += p * q < 0;
        check_near(two, i, (double)t.x[i] + 1.5 * 0.6 * delta);
        check_near(three, i, b + (weight > 0 ? 1.5 * sum / weight : 0));
    }
    assert_true(kept >= COUNT / 4 && kept <= COUNT / 4 + 5); /* equal magnitudes at the border count here and are drawn there */
    assert_true(conflicts > 100);
    free(two);
    free(three);
    close_trio(&t);
}

/* ---- draws ---- */

static void dare_is_unbiased_and_has_the_density(void **state) {
    trio t = make_trio(((const test_folder *)*state)->path);
    const double density = 0.25, ratio = 0.8;
    double sum = 0, variance = 0;
    size_t kept = 0;
    float *merged = merged_by(&t, "{\"method\":\"dare\",\"ratio\":0.8,\"density\":0.25,\"seed\":3}");
    for (size_t i = 0; i < COUNT; i++) {
        const double x = (double)t.x[i], delta = (double)t.y[i] - x;
        const bool is_kept = merged[i] != t.x[i];
        kept += is_kept;
        check_near(merged, i, is_kept ? x + ratio * delta / density : x);
        sum += (double)merged[i] - (x + ratio * delta);
        variance += ratio * ratio * delta * delta * (1 / density - 1);
    }
    assert_true(fabs((double)kept - density * COUNT) < 5 * sqrt(density * (1 - density) * COUNT));
    assert_true(fabs(sum) < 5 * sqrt(variance));
    free(merged);
    close_trio(&t);
}

static void dare_from_a_base_draws_for_each_model_by_itself(void **state) {
    trio t = make_trio(((const test_folder *)*state)->path);
    size_t counts[2][2] = {{0}};
    float *merged = merged_by(&t, "{\"method\":\"dare\",\"ratio\":0.4,\"density\":0.5,\"lambda\":1.2,\"base\":\"model\"}");
    for (size_t i = 0; i < COUNT; i++) {
        const double b = (double)t.b[i], p = 1.2 * 0.6 * ((double)t.x[i] - b) / 0.5, q = 1.2 * 0.4 * ((double)t.y[i] - b) / 0.5;
        size_t x = 0, y = 0;
        double nearest = INFINITY;
        for (size_t k = 0; k < 4; k++) { /* which of the four it is */
            const double distance = fabs((double)merged[i] - (b + (k & 1 ? p : 0) + (k & 2 ? q : 0)));
            if (distance < nearest) {
                nearest = distance;
                x = k & 1;
                y = k >> 1;
            }
        }
        assert_true(nearest < 1e-6);
        counts[x][y]++;
    }
    for (size_t k = 0; k < 4; k++) {
        assert_true(fabs((double)counts[k & 1][k >> 1] - COUNT / 4.0) < 5 * sqrt(COUNT * 0.25 * 0.75) + 200);
    }
    free(merged);
    close_trio(&t);
}

static void draws_follow_the_seed_and_are_nested_in_density(void **state) {
    trio t = make_trio(((const test_folder *)*state)->path);
    float *one = merged_by(&t, "{\"method\":\"dare\",\"ratio\":1,\"density\":0.3,\"seed\":1}");
    float *again = merged_by(&t, "{\"method\":\"dare\",\"ratio\":1,\"density\":0.3,\"seed\":1}");
    float *other = merged_by(&t, "{\"method\":\"dare\",\"ratio\":1,\"density\":0.3,\"seed\":2}");
    float *more = merged_by(&t, "{\"method\":\"dare\",\"ratio\":1,\"density\":0.6,\"seed\":1}");
    assert_memory_equal(one, again, COUNT * sizeof *one);
    assert_memory_not_equal(one, other, COUNT * sizeof *one);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(one[i] == t.x[i] || more[i] != t.x[i]); /* what 0.3 keeps, 0.6 keeps too */
    }
    free(one);
    free(again);
    free(other);
    free(more);
    close_trio(&t);
}

/* Deltas of bf16 models are a few units in the last place: most are equal to others. */
static void equal_magnitudes_at_the_border_are_drawn(void **state) {
    const test_folder *folder = *state;
    test_pair pair = make_pair(folder->path, large, 1);
    float *x = values_of(pair.pre, LARGE);
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = i % 4 == 0 ? 1 : i % 4 == 1 ? 1.5F : i % 4 == 2 ? 0.5F : 3;
    }
    poke(pair.post_folder, LARGE, 0, x, COUNT * sizeof *x);
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = 1;
    }
    poke(pair.pre_folder, LARGE, 0, x, COUNT * sizeof *x);
    hma_source *source = merge(&pair, "{\"method\":\"ties\",\"ratio\":1,\"density\":0.5}");
    float *merged = read_tensor(source, LARGE);
    size_t large_kept = 0, halves_kept = 0, first_half = 0;
    for (size_t i = 0; i < COUNT; i++) {
        large_kept += merged[i] == 3;
        halves_kept += merged[i] == 0.5F || merged[i] == 1.5F;
        first_half += i < COUNT / 2 && (merged[i] == 0.5F || merged[i] == 1.5F);
    }
    assert_int_equal(large_kept, COUNT / 4);
    /* half of the 100000 that are equal, from everywhere */
    assert_true(fabs((double)halves_kept - COUNT / 4.0) < 5 * sqrt(COUNT / 2.0 * 0.25));
    assert_true(fabs((double)first_half - COUNT / 8.0) < 5 * sqrt(COUNT / 4.0 * 0.25));
    free(x);
    free(merged);
    hma_source_free(source);
    close_pair(&pair);
}

/* ---- the same bits, however they are asked for ---- */

static const char *const all_recipes[] = {
    "{\"method\":\"extrapolate\",\"ratio\":1.3}",
    "{\"method\":\"slerp\",\"ratio\":0.3}",
    "{\"method\":\"task-arithmetic\",\"ratio\":0.3,\"lambda\":0.8,\"base\":\"model\"}",
    "{\"method\":\"ties\",\"ratio\":0.3}",
    "{\"method\":\"ties\",\"ratio\":0.3,\"base\":\"model\"}",
    "{\"method\":\"dare\",\"ratio\":0.3,\"dtype\":\"BF16\"}",
    "{\"method\":\"dare\",\"ratio\":0.3,\"base\":\"model\",\"dtype\":\"BF16\",\"rounding\":\"stochastic\"}",
};
enum { RECIPES = sizeof all_recipes / sizeof *all_recipes };

static void the_bytes_do_not_depend_on_how_a_tensor_is_cut(void **state) {
    trio t = make_trio(((const test_folder *)*state)->path);
    for (size_t r = 0; r < RECIPES; r++) {
        hma_source *source = merge_three(&t, all_recipes[r]), *other = merge_three(&t, all_recipes[r]);
        const hma_tensor *tensor = hma_source_find(source, LARGE), *same = hma_source_find(other, LARGE);
        const size_t size = hma_dtype_size(tensor->dtype);
        unsigned char *whole = read_tensor(source, LARGE), *pieces = malloc(tensor->bytes);
        assert_non_null(pieces);
        for (uint64_t last = tensor->elements, step = 3; last > 0; step = step * 5 + 3) { /* from the end */
            const uint64_t n = step < last ? step : last;
            last -= n;
            assert_ok(hma_source_read(other, same, last, n, pieces + last * size));
        }
        assert_memory_equal(whole, pieces, tensor->bytes);
        free(whole);
        free(pieces);
        hma_source_free(source);
        hma_source_free(other);
    }
    close_trio(&t);
}

static void what_one_merge_has_found_serves_the_next(void **state) {
    trio t = make_trio(((const test_folder *)*state)->path);
    static const char *const pairs[][2] = {
        {"{\"method\":\"slerp\",\"ratio\":0.3}", "{\"method\":\"slerp\",\"ratio\":0.8}"},
        {"{\"method\":\"ties\",\"ratio\":0.3,\"base\":\"model\"}",
         "{\"method\":\"ties\",\"ratio\":0.8,\"lambda\":2,\"base\":\"model\",\"seed\":4}"},
        {"{\"method\":\"ties\",\"ratio\":0.3}",
         "{\"method\":\"ties\",\"ratio\":0.8,\"density\":0.4}"}, /* not the same border */
        {"{\"method\":\"ties\",\"ratio\":0.3}", "{\"method\":\"slerp\",\"ratio\":0.3}"},
        {"{\"ratio\":0.3}", "{\"method\":\"ties\",\"ratio\":0.3}"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        hma_source *first = merge_three(&t, pairs[i][0]), *next = merge_three(&t, pairs[i][1]);
        float *of_first = read_tensor(first, LARGE), *alone = merged_by(&t, pairs[i][1]);
        hma_source_take_findings(next, first);
        hma_source_free(first);
        float *merged = read_tensor(next, LARGE);
        assert_memory_equal(merged, alone, COUNT * sizeof *merged);
        free(of_first);
        free(alone);
        free(merged);
        hma_source_free(next);
    }
    close_trio(&t);
}

static void a_merge_of_one_model_is_that_model(void **state) {
    trio t = make_trio(((const test_folder *)*state)->path);
    const trio thrice = {.pair = {t.pair.pre_folder, t.pair.pre_folder, t.pair.pre, t.pair.pre}, .base = t.pair.pre};
    static const char *const recipes[] = {
        "{\"method\":\"extrapolate\",\"ratio\":1.7}",
        "{\"method\":\"slerp\",\"ratio\":0.3}",
        "{\"method\":\"task-arithmetic\",\"ratio\":0.3,\"lambda\":0.7,\"base\":\"model\"}",
        "{\"method\":\"ties\",\"ratio\":0.3,\"lambda\":0.7,\"base\":\"model\"}",
        "{\"method\":\"dare\",\"ratio\":0.3,\"lambda\":0.7}",
        "{\"method\":\"dare\",\"ratio\":0.3,\"lambda\":0.7,\"base\":\"model\"}",
    };
    for (size_t r = 0; r < sizeof recipes / sizeof *recipes; r++) {
        float *merged = merged_by(&thrice, recipes[r]);
        assert_memory_equal(merged, t.x, COUNT * sizeof *merged);
        free(merged);
    }
    close_trio(&t);
}

static void ratios_0_and_1_copy_where_the_formula_says_so(void **state) {
    trio t = make_trio(((const test_folder *)*state)->path);
    static const struct {
        const char *recipe;
        bool post; /* else pre */
    } copies[] = {
        {"{\"method\":\"slerp\",\"ratio\":0}", false},
        {"{\"method\":\"slerp\",\"ratio\":1}", true},
        {"{\"method\":\"task-arithmetic\",\"ratio\":0,\"lambda\":2}", false},
        {"{\"method\":\"task-arithmetic\",\"ratio\":1,\"base\":\"model\"}", true},
        {"{\"method\":\"ties\",\"ratio\":0}", false},
        {"{\"method\":\"ties\",\"ratio\":1,\"density\":1}", true},
        {"{\"method\":\"ties\",\"ratio\":0,\"density\":1,\"base\":\"model\"}", false},
        {"{\"method\":\"ties\",\"ratio\":1,\"density\":1,\"base\":\"model\"}", true},
        {"{\"method\":\"dare\",\"ratio\":0}", false},
        {"{\"method\":\"dare\",\"ratio\":1,\"density\":1,\"base\":\"model\"}", true},
    };
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        float *merged = merged_by(&t, copies[i].recipe);
        assert_memory_equal(merged, copies[i].post ? t.y : t.x, COUNT * sizeof *merged);
        free(merged);
    }
    /* what a policy keeps stays pre, also where ratio 0 would not be pre */
    hma_source *source = merge_three(&t, "{\"method\":\"ties\",\"ratio\":0.5,\"policy\":\"linear-only\",\"base\":\"model\"}");
    const hma_tensor *norm = hma_checkpoint_find(t.pair.pre, "model.norm.weight");
    uint16_t kept[4], *merged = read_tensor(source, norm->name);
    assert_ok(hma_checkpoint_read(t.pair.pre, norm, 0, 4, kept));
    assert_memory_equal(merged, kept, sizeof kept);
    free(merged);
    hma_source_free(source);
    close_trio(&t);
}

/* ---- refusals ---- */

static void a_third_model_must_be_there_and_fit(void **state) {
    const test_folder *folder = *state;
    trio t = make_trio(folder->path);
    hma_recipe *recipe = parse_recipe("{\"method\":\"ties\",\"ratio\":0.5,\"base\":\"model\"}");
    hma_source *source = NULL;
    assert_fails(hma_source_merged(&source, t.pair.pre, t.pair.post, recipe), HMA_USAGE, "from a third model");
    char *smaller_folder = write_model(folder->path, "smaller", MODEL_CONFIG, 0, NULL, 0);
    hma_checkpoint *smaller;
    assert_ok(hma_checkpoint_open(&smaller, smaller_folder));
    assert_fails(hma_source_merged_from(&source, t.pair.pre, t.pair.post, smaller, recipe), HMA_INCOMPATIBLE, "only in pre");
    assert_null(source);
    hma_checkpoint_close(smaller);
    free(smaller_folder);
    hma_recipe_free(recipe);
    close_trio(&t);
}

static void values_that_are_not_finite_are_found_in_every_model(void **state) {
    const test_folder *folder = *state;
    const float bad = NAN;
    trio t = make_trio(folder->path);
    poke(t.base_folder, LARGE, 150000, &bad, sizeof bad);
    hma_source *ties = merge_three(&t, "{\"method\":\"ties\",\"ratio\":0.5,\"base\":\"model\"}");
    hma_source *dare = merge_three(&t, "{\"method\":\"dare\",\"ratio\":0.5,\"base\":\"model\"}");
    hma_source *slerp = merge_three(&t, "{\"method\":\"slerp\",\"ratio\":0.5}");
    float *values = malloc(COUNT * sizeof *values);
    assert_non_null(values);
    /* the border is one of the whole tensor: its first element cannot be told either */
    assert_fails(hma_source_read(ties, hma_source_find(ties, LARGE), 0, 1, values), HMA_NON_FINITE, "index 150000");
    assert_ok(hma_source_read(dare, hma_source_find(dare, LARGE), 0, 1, values));
    assert_fails(hma_source_read(dare, hma_source_find(dare, LARGE), 0, COUNT, values), HMA_NON_FINITE, "index 150000");
    assert_ok(hma_source_read(slerp, hma_source_find(slerp, LARGE), 0, COUNT, values));
    poke(t.pair.post_folder, LARGE, 199999, &bad, sizeof bad);
    hma_source_free(slerp);
    slerp = merge_three(&t, "{\"method\":\"slerp\",\"ratio\":0.5}");
    assert_fails(hma_source_read(slerp, hma_source_find(slerp, LARGE), 0, 1, values), HMA_NON_FINITE, "index 199999");
    free(values);
    hma_source_free(ties);
    hma_source_free(dare);
    hma_source_free(slerp);
    close_trio(&t);
}

/* ---- which merges begin alike ---- */

static size_t common_layers(const trio *t, const char *a, const char *b) {
    hma_recipe *x = parse_recipe(a), *y = parse_recipe(b);
    hma_profile p, q;
    assert_ok(hma_profile_make(&p, x, t->pair.pre));
    assert_ok(hma_profile_make(&q, y, t->pair.pre));
    const size_t common = hma_profile_common(&p, &q);
    hma_profile_free(&p);
    hma_profile_free(&q);
    hma_recipe_free(x);
    hma_recipe_free(y);
    return common;
}

static void leading_layers_are_shared_by_equal_methods_only(void **state) {
    trio t = make_trio(((const test_folder *)*state)->path);
#define TIES(more) "{\"method\":\"ties\",\"policy\":\"linear-only\",\"ratios\":[0.5," more "}"
    assert_int_equal(common_layers(&t, TIES("0.5]"), TIES("0.7]")), 1);
    assert_int_equal(common_layers(&t, TIES("0.5]"), TIES("0.5],\"density\":0.3")), 0);
    assert_int_equal(common_layers(&t, TIES("0.5]"), TIES("0.5],\"lambda\":0.3")), 0);
    assert_int_equal(common_layers(&t, TIES("0.5]"), TIES("0.5],\"base\":\"model\"")), 0);
    assert_int_equal(common_layers(&t, TIES("0.5]"), TIES("0.5],\"seed\":1")), 0);
    assert_int_equal(common_layers(&t, "{\"ratio\":0.5}", "{\"ratio\":0.5,\"method\":\"slerp\"}"), 0);
    assert_int_equal(common_layers(&t, "{\"ratio\":0.5}", "{\"ratio\":0.5,\"method\":\"extrapolate\"}"), 2);
    close_trio(&t);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(extrapolation_goes_on_beyond_post),
        TEST(slerp_follows_the_angle_of_the_whole_tensor),
        TEST(slerp_of_nearly_parallel_tensors_is_linear),
        TEST(task_arithmetic_scales_the_sum_of_deltas),
        TEST(ties_keeps_the_largest_deltas_and_the_elected_sign),
        TEST(dare_is_unbiased_and_has_the_density),
        TEST(dare_from_a_base_draws_for_each_model_by_itself),
        TEST(draws_follow_the_seed_and_are_nested_in_density),
        TEST(equal_magnitudes_at_the_border_are_drawn),
        TEST(the_bytes_do_not_depend_on_how_a_tensor_is_cut),
        TEST(what_one_merge_has_found_serves_the_next),
        TEST(a_merge_of_one_model_is_that_model),
        TEST(ratios_0_and_1_copy_where_the_formula_says_so),
        TEST(a_third_model_must_be_there_and_fit),
        TEST(values_that_are_not_finite_are_found_in_every_model),
        TEST(leading_layers_are_shared_by_equal_methods_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
