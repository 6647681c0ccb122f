/* The front: who is on it, how sure that is, what is recommended and what is said about it. */
#include "front_by_hand.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void assert_front(const hma_front *front, size_t count, const size_t *expected) {
    assert_int_equal(front->front_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(front->front[i], expected[i]);
    }
    size_t marked = 0;
    for (size_t i = 0; i < front->point_count; i++) {
        marked += front->points[i].on_front;
    }
    assert_int_equal(marked, count);
}

static void staircase(void **state) {
    (void)state;
    const double alignment[] = {0, 1, 2, 1.5, 3}, retention[] = {0.9, 0.85, 0.6, 0.5, 0.4};
    hma_front *front = make_front(5, alignment, retention, 0);
    assert_front(front, 4, (const size_t[]){0, 1, 2, 4});
    assert_near(front->reference_alignment, 0, 1e-12);
    assert_near(front->reference_retention, 0.4, 1e-12);
    /* 1 * 0.45 + 1 * 0.2 + 1 * 0 */
    assert_near(front->hypervolume.value, 0.65, 1e-12);
    assert_near(front->hypervolume.low, 0.65, 1e-9);
    assert_near(front->hypervolume.high, 0.65, 1e-9);
    for (size_t i = 0; i < 5; i++) {
        assert_near(front->points[i].membership, i == 3 ? 0 : 1, 0); /* differences are the same in every resample */
        assert_near(front->axes[0].versus_post[i].mean, alignment[i] - 3, 1e-12);
        assert_near(front->axes[0].versus_post[i].standard_error, 0, 1e-12);
        assert_near(front->axes[1].versus_pre[i].mean, retention[i] - 0.9, 1e-12);
    }
    hma_front_free(front);
}

static void duplicates_share_their_fate(void **state) {
    (void)state;
    const double alignment[] = {0, 2, 1, 2, 1, 3}, retention[] = {0.9, 0.7, 0.6, 0.7, 0.6, 0.1};
    hma_front *front = make_front(6, alignment, retention, 0);
    assert_front(front, 4, (const size_t[]){0, 1, 3, 5});
    assert_near(front->points[1].membership, 1, 0);
    assert_near(front->points[3].membership, 1, 0);
    hma_front_free(front);
}

static void equal_in_one_axis_is_dominated(void **state) {
    (void)state;
    const double alignment[] = {0, 2, 2, 3}, retention[] = {0.9, 0.7, 0.8, 0.8};
    hma_front *front = make_front(4, alignment, retention, 0);
    assert_front(front, 2, (const size_t[]){0, 3});
    hma_front_free(front);
}

static void nan_is_excluded_and_marked(void **state) {
    (void)state;
    const double alignment[] = {0, NAN, 2, 5, 3}, retention[] = {0.9, 0.99, 0.8, NAN, 0.4};
    hma_front *front = make_front(5, alignment, retention, 0);
    assert_front(front, 3, (const size_t[]){0, 2, 4});
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(front->points[i].excluded, i == 1 || i == 3);
    }
    assert_near(front->points[1].membership, 0, 0);
    assert_true(isnan(front->axes[0].point[1].value) && isnan(front->axes[0].versus_post[1].mean));
    assert_true(isnan(front->axes[0].point[1].low) && isnan(front->axes[0].versus_post[1].p));
    hma_front_free(front);
}

static void nan_at_an_endpoint_is_an_error(void **state) {
    (void)state;
    const double broken[] = {0, 1, NAN}, fine[] = {0, 1, 2};
    hma_context *context;
    hma_front *front;
    assert_ok(hma_context_new(&context, NULL));
    assert_fails(make_front_with(&front, context, 3, broken, fine, 0, 100), HMA_NON_FINITE,
                 "post: its alignment is not finite");
    hma_context_free(context);
}

static void pre_and_post_alone(void **state) {
    (void)state;
    const double alignment[] = {0, 3}, retention[] = {0.9, 0.4};
    hma_front *front = make_front(2, alignment, retention, 0);
    assert_front(front, 2, (const size_t[]){0, 1});
    assert_near(front->hypervolume.value, 0, 0);
    /* pre is called no merge, and giving up all alignment no balance */
    assert_int_equal(front->recommended, front->post);
    assert_int_equal(front->knee, front->post);
    assert_non_null(strstr(front->verdict, "no merge has been scored that could be weighed against post, pre has retention "
                                           "0.9 against 0.4 (+0.5, 95 % interval +0.5 to +0.5) and alignment 0 against 3 (-3"));
    hma_front_free(front);
}

static void pre_is_recommended_where_the_training_brought_nothing(void **state) {
    (void)state;
    const double alignment[] = {3, 3}, retention[] = {0.9, 0.4};
    hma_front *front = make_front(2, alignment, retention, 0);
    assert_int_equal(front->recommended, front->pre);
    assert_non_null(strstr(front->verdict, "no merge has been scored; pre gains retention, 0.9 against 0.4"));
    assert_non_null(strstr(front->verdict, "significant among 1 comparison"));
    hma_front_free(front);
}

static void all_points_equal(void **state) {
    (void)state;
    const double same[] = {0.5, 0.5, 0.5, 0.5};
    hma_front *front = make_front(4, same, same, 0);
    assert_front(front, 4, (const size_t[]){0, 1, 2, 3});
    assert_int_equal(front->recommended, 3);
    assert_non_null(strstr(front->verdict, "no merge is distinguishable from post"));
    for (size_t i = 0; i < 4; i++) {
        assert_near(front->axes[1].versus_post[i].p, 1, 0);
        assert_near(front->points[i].membership, 1, 0);
    }
    hma_front_free(front);
}

static void a_thousand_points(void **state) {
    (void)state;
    enum { POINTS = 1000 };
    static double alignment[POINTS], retention[POINTS];
    const hma_rng_key key = hma_rng_key_for(1, "thousand");
    for (size_t i = 0; i < POINTS; i++) {
        alignment[i] = (double)hma_rng_below(key, 2 * i, 300);
        retention[i] = (double)hma_rng_below(key, 2 * i + 1, 300);
    }
    hma_front *front = make_front(POINTS, alignment, retention, 0);
    for (size_t i = 0; i < POINTS; i++) {
        bool dominated = false;
        for (size_t j = 0; j < POINTS; j++) {
            dominated = dominated || (alignment[j] >= alignment[i] && retention[j] >= retention[i] &&
                                      (alignment[j] > alignment[i] || retention[j] > retention[i]));
        }
        assert_int_equal(front->points[i].on_front, !dominated);
        assert_near(front->points[i].membership, dominated ? 0 : 1, 0);
    }
    hma_front_free(front);
}

/* ---- uncertainty ---- */

static bool same_bits(const void *a, const void *b, size_t bytes) { return memcmp(a, b, bytes) == 0; }

static void threads_do_not_change_a_bit(void **state) {
    (void)state;
    const double alignment[] = {0, 1, 1.4, 1.5, 1.6}, retention[] = {0.6, 0.58, 0.55, 0.5, 0.45};
    hma_front *fronts[3];
    for (unsigned i = 0; i < 3; i++) {
        hma_context *context;
        assert_ok(hma_context_new(&context, &(hma_context_options){.threads = i + 1}));
        assert_ok(make_front_with(&fronts[i], context, 5, alignment, retention, 0.8, 3000));
        hma_context_free(context);
    }
    for (unsigned i = 1; i < 3; i++) {
        assert_int_equal(fronts[i]->axis_count, fronts[0]->axis_count);
        for (size_t axis = 0; axis < fronts[0]->axis_count; axis++) {
            const hma_axis *a = &fronts[0]->axes[axis], *b = &fronts[i]->axes[axis];
            assert_true(same_bits(a->point, b->point, 5 * sizeof *a->point));
            assert_true(same_bits(a->versus_post, b->versus_post, 5 * sizeof *a->versus_post));
            assert_true(same_bits(a->versus_pre, b->versus_pre, 5 * sizeof *a->versus_pre));
        }
        assert_true(same_bits(&fronts[0]->hypervolume, &fronts[i]->hypervolume, sizeof fronts[0]->hypervolume));
        assert_string_equal(fronts[0]->verdict, fronts[i]->verdict);
        for (size_t point = 0; point < 5; point++) {
            assert_true(same_bits(&fronts[0]->points[point].membership, &fronts[i]->points[point].membership, sizeof(double)));
        }
    }
    assert_true(fronts[0]->points[3].membership > 0.01 && fronts[0]->points[3].membership < 1);
    for (unsigned i = 0; i < 3; i++) {
        hma_front_free(fronts[i]);
    }
}

static void membership_is_the_chance_of_not_being_dominated(void **state) {
    (void)state;
    /* a merge as good as post in retention: it is on the front when it is the more aligned one of the two */
    const double alignment[] = {0, 2, 2}, retention[] = {0.9, 0.5, 0.5};
    hma_front *front = make_front(3, alignment, retention, 1);
    const double sum = front->points[1].membership + front->points[2].membership;
    assert_true(front->points[1].membership > 0.5 && front->points[1].membership < 0.95);
    assert_true(sum >= 1); /* never are both dominated */
    hma_front_free(front);
}

static void standard_errors_are_in_closed_form(void **state) {
    (void)state;
    const double alignment[] = {0, 1, 2}, retention[] = {0.9, 0.8, 0.4};
    hma_front *front = make_front(3, alignment, retention, 0);
    const hma_rng_key key = hma_rng_key_for(1, "prompts");
    double squares = 0;
    for (size_t pair = 0; pair < HAND_ITEMS / 2; pair++) {
        squares += 2 * hma_rng_double(key, pair) * hma_rng_double(key, pair);
    }
    const double error = sqrt(squares / (HAND_ITEMS - 1) / HAND_ITEMS);
    assert_near(front->axes[0].point[1].standard_error, error, 1e-12);
    assert_near(front->axes[0].point[1].low, 1 - 1.96 * error, 0.15 * error);
    assert_near(front->axes[0].point[1].high, 1 + 1.96 * error, 0.15 * error);
    hma_front_free(front);
}

/* Of 400 simulated comparisons with a known difference, 95 % intervals hold it in 92 to 97.5 %; p is below 0.05 as often as the
 * interval misses 0. */
static void intervals_cover_what_they_promise(void **state) {
    (void)state;
    enum { ROUNDS = 400, ITEMS = 100, RESAMPLES = 1000 };
    const double difference = 0.2;
    hma_context *context;
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 1}));
    size_t covered = 0, disagreements = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        hma_score_table table;
        const hma_rng_key key = hma_rng_key_with(hma_rng_key_for(1, "coverage"), round);
        assert_ok(hma_score_table_new(&table, 2, 1));
        assert_ok(hma_task_scores_set(&table, 0, "prompts", "", HMA_METRIC_REWARD, true, ITEMS));
        for (size_t i = 0; i < ITEMS; i++) {
            hma_task_scores_of(&table.tasks[0], 0)[i] = hma_rng_double(key, 3 * i) + hma_rng_double(key, 3 * i + 1);
            hma_task_scores_of(&table.tasks[0], 1)[i] =
                hma_rng_double(key, 3 * i) + hma_rng_double(key, 3 * i + 2) + difference;
        }
        hma_front *front = new_front(2);
        assert_ok(hma_front_fill(front, context, &table, RESAMPLES, round));
        const hma_difference *gain = &front->axes[0].versus_pre[1];
        covered += gain->low <= difference && difference <= gain->high;
        disagreements += (gain->p < 0.05) != (gain->low > 0 || gain->high < 0);
        hma_front_free(front);
        hma_score_table_free(&table);
    }
    hma_context_free(context);
    assert_in_range(covered, ROUNDS * 92 / 100, ROUNDS * 975 / 1000);
    assert_in_range(disagreements, 0, ROUNDS / 100);
}

static void intervals_hold_their_value(void **state) {
    (void)state;
    enum { POINTS = 3, TASKS = 4 };
    hma_context *context;
    assert_ok(hma_context_new(&context, NULL));
    for (size_t items = 2; items < 60; items++) {
        hma_score_table table;
        assert_ok(hma_score_table_new(&table, POINTS, TASKS));
        for (size_t t = 0; t < TASKS; t++) { /* all right, all wrong, half */
            const bool alignment = t + 1 == TASKS;
            const char *name = (const char *const[]){"a", "b", "c", "prompts"}[t];
            assert_ok(
                hma_task_scores_set(&table, t, name, name, alignment ? HMA_METRIC_REWARD : HMA_METRIC_ACC, alignment, items));
            for (size_t i = 0; i < POINTS * items; i++) {
                table.tasks[t].stats[i] = i < items ? 1 : i < 2 * items ? 0 : (double)(i % 2);
            }
        }
        hma_front *front = new_front(POINTS);
        assert_ok(hma_front_fill(front, context, &table, 100, 1));
        for (size_t axis = 0; axis < front->axis_count; axis++) {
            for (size_t point = 0; point < POINTS; point++) {
                const hma_estimate *e = &front->axes[axis].point[point];
                const hma_difference *d = &front->axes[axis].versus_post[point];
                assert_true(e->low <= e->value && e->value <= e->high);
                assert_true(d->low <= d->mean && d->mean <= d->high);
            }
        }
        hma_front_free(front);
        hma_score_table_free(&table);
    }
    hma_context_free(context);
}

static void one_item_gives_no_intervals(void **state) {
    (void)state;
    const double alignment[] = {0, 1, 2}, retention[] = {0.9, 0.8, 0.4};
    hma_context *context;
    hma_score_table table;
    assert_ok(hma_context_new(&context, NULL));
    assert_ok(hma_score_table_new(&table, 3, 2));
    fill_task(&table, 0, "skill", false, 1, retention, 0);
    fill_task(&table, 1, "prompts", true, 1, alignment, 0);
    hma_front *front = new_front(3);
    assert_ok(hma_front_fill(front, context, &table, 500, 1));
    assert_true(isnan(front->axes[1].point[1].standard_error) && isnan(front->axes[1].point[1].low));
    assert_true(isnan(front->axes[1].versus_post[1].p) && isnan(front->hypervolume.low));
    assert_int_equal(front->recommended, front->post); /* one item proves nothing */
    assert_null(strstr(front->verdict, "nan"));
    assert_non_null(strstr(front->verdict, "too few items for an interval"));
    hma_front_free(front);
    hma_score_table_free(&table);
    hma_context_free(context);
}

static void resamples_beyond_the_memory_are_refused(void **state) {
    (void)state;
    const double values[] = {0, 1, 2};
    hma_context *context;
    hma_front *front;
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 1, .memory = 10000}));
    assert_fails(make_front_with(&front, context, 3, values, values, 0, 1000), HMA_FAILURE, "raise --memory");
    hma_context_free(context);
}

/* ---- axes ---- */

static void retention_is_the_mean_over_categories(void **state) {
    (void)state;
    static const struct {
        const char *name, *category;
        hma_metric metric;
        bool alignment;
        double pre, post;
    } tasks[] = {{"a", "skill", HMA_METRIC_ACC, false, 0.5, 0.1},
                 {"b", "skill", HMA_METRIC_F1, false, 0.7, 0.3},
                 {"c", "other", HMA_METRIC_EM, false, 0.9, 0.6},
                 {"d", "language", HMA_METRIC_PERPLEXITY, false, -2, -1},
                 {"alignment", "", HMA_METRIC_REWARD, true, -1, 2}};
    hma_context *context;
    hma_score_table table;
    assert_ok(hma_context_new(&context, NULL));
    assert_ok(hma_score_table_new(&table, 2, COUNT(tasks)));
    for (size_t t = 0; t < COUNT(tasks); t++) {
        assert_ok(hma_task_scores_set(&table, t, tasks[t].name, tasks[t].category, tasks[t].metric, tasks[t].alignment, 10));
        for (size_t i = 0; i < 10; i++) {
            const double noise = i % 2 ? 0.05 : -0.05;
            hma_task_scores_of(&table.tasks[t], 0)[i] = tasks[t].pre + noise;
            hma_task_scores_of(&table.tasks[t], 1)[i] = tasks[t].post - noise;
        }
    }
    hma_front *front = new_front(2);
    assert_ok(hma_front_fill(front, context, &table, 500, 1));
    static const char *const names[] = {"alignment", "retention", "category_skill", "category_other",
                                        "task_a",    "task_b",    "task_c",         "task_d"};
    static const double pre[] = {-1, 0.75, 0.6, 0.9, 0.5, 0.7, 0.9, 7.38905609893065};
    assert_int_equal(front->axis_count, COUNT(names));
    for (size_t axis = 0; axis < COUNT(names); axis++) {
        assert_string_equal(front->axes[axis].name, names[axis]);
        assert_near(front->axes[axis].point[0].value, pre[axis], 1e-12);
    }
    assert_false(front->axes[7].higher_is_better);
    /* independent tasks: categories have equal weight, and so have tasks within one */
    const double error = 0.05 * sqrt(10.0 / 9) / sqrt(10.0);
    assert_near(front->axes[4].point[0].standard_error, error, 1e-15);
    assert_near(front->axes[1].point[0].standard_error, error * sqrt(0.25 * 0.25 * 2 + 0.5 * 0.5), 1e-15);
    assert_near(front->axes[1].versus_post[0].mean, 0.75 - 0.4, 1e-12);
    assert_near(front->axes[1].versus_post[0].standard_error, 2 * error * sqrt(0.25 * 0.25 * 2 + 0.5 * 0.5), 1e-15);
    assert_true(front->axes[7].point[0].standard_error > 0); /* from the resamples */
    hma_front_free(front);
    hma_score_table_free(&table);
    hma_context_free(context);
}

static void without_one_of_the_axes_the_front_is_the_best_of_the_other(void **state) {
    (void)state;
    const double values[] = {0.5, 0.9, 0.9, 0.4};
    hma_context *context;
    assert_ok(hma_context_new(&context, NULL));
    for (int alignment = 0; alignment < 2; alignment++) {
        hma_score_table table;
        assert_ok(hma_score_table_new(&table, 4, 1));
        fill_task(&table, 0, "only", alignment, HAND_ITEMS, values, 0);
        hma_front *front = new_front(4);
        assert_ok(hma_front_fill(front, context, &table, 500, 1));
        assert_front(front, 2, (const size_t[]){1, 2});
        assert_true(isnan(front->axes[alignment ? 1 : 0].point[1].value));
        assert_near(front->axes[alignment ? 0 : 1].point[1].value, 0.9, 1e-12);
        assert_true(isnan(front->hypervolume.value));
        assert_int_equal(front->recommended, 2);
        assert_non_null(
            strstr(front->verdict, alignment ? "does not measure retention, so that alignment alone decides: merge has most"
                                             : "does not measure alignment, so that retention alone decides: merge has most"));
        assert_non_null(strstr(front->verdict, "0.9 against 0.4 (+0.5"));
        const char *given = alignment ? "best-reward" : "best-retention", *other = alignment ? "best-retention" : "best-reward";
        size_t point = 99;
        assert_ok(hma_front_find_named(front, given, &point));
        assert_int_equal(point, 2);
        assert_fails(hma_front_find_named(front, other, &point), HMA_FAILURE,
                     alignment ? "a suite that measures retention" : "a suite that measures alignment");
        assert_fails(hma_front_find_named(front, "knee", &point), HMA_FAILURE,
                     alignment ? "a suite that measures retention" : "a suite that measures alignment");
        hma_front_free(front);
        hma_score_table_free(&table);
    }
    hma_context_free(context);
}

static void one_axis_alone_recommends_what_is_significant(void **state) {
    (void)state;
    const double values[] = {0.41, 0.42, 0.4};
    hma_context *context;
    hma_score_table table;
    assert_ok(hma_context_new(&context, NULL));
    assert_ok(hma_score_table_new(&table, 3, 1));
    fill_task(&table, 0, "skill", false, HAND_ITEMS, values, 2);
    hma_front *front = new_front(3);
    assert_ok(hma_front_fill(front, context, &table, 500, 1));
    assert_front(front, 1, (const size_t[]){1});
    assert_int_equal(front->recommended, front->post);
    assert_non_null(strstr(front->verdict, "no merge is distinguishable from post in retention: the best, merge, has 0.42"));
    hma_front_free(front);
    hma_score_table_free(&table);
    hma_context_free(context);
}

/* ---- recommendation ---- */

static void recommends_the_most_retaining_merge_that_stays_aligned(void **state) {
    (void)state;
    /* point 2 loses 0.1 of the 3 that post gained: tolerated; point 1 loses 1 */
    const double alignment[] = {0, 2, 2.9, 2.95, 3}, retention[] = {0.9, 0.85, 0.8, 0.7, 0.4};
    hma_front *front = make_front(5, alignment, retention, 0);
    assert_int_equal(front->recommended, 2);
    assert_non_null(strstr(front->verdict, "merge gains retention, 0.8 against 0.4 (+0.4"));
    assert_non_null(strstr(front->verdict, "loses at most 5 % of the alignment that post gained, 2.9 against 3 (-0.1"));
    hma_front_free(front);
}

static void a_loss_within_the_noise_is_no_loss(void **state) {
    (void)state;
    const double alignment[] = {0, 1.97, 2}, retention[] = {9, 8, 4};
    hma_front *front = make_front(3, alignment, retention, 1);
    assert_int_equal(front->recommended, 1);
    assert_non_null(strstr(front->verdict, "loses no alignment significantly"));
    hma_front_free(front);
}

static void recommends_the_knee_when_all_lose_alignment(void **state) {
    (void)state;
    const double alignment[] = {0, 2, 2.5, 4}, retention[] = {0.9, 0.85, 0.6, 0.4};
    hma_front *front = make_front(4, alignment, retention, 0);
    assert_int_equal(front->recommended, 1);
    assert_non_null(strstr(front->verdict, "no merge retains more than post without losing alignment; the best balance"));
    hma_front_free(front);
}

/* Post, between whose axes and pre's nothing better lies, stays: the knee says the same. */
static void a_worse_balance_than_post_is_not_recommended(void **state) {
    (void)state;
    const double alignment[] = {0, 1, 2.5, 4}, retention[] = {0.9, 0.5, 0.45, 0.4};
    hma_front *front = make_front(4, alignment, retention, 0);
    assert_int_equal(front->recommended, front->post);
    assert_int_equal(front->knee, front->post);
    assert_non_null(strstr(front->verdict, "no merge retains more than post without losing alignment, nor balances both better "
                                           "than post; the best balance of those that retain more, merge, gains retention"));
    hma_front_free(front);
}

static void points_have_names(void **state) {
    (void)state;
    /* 1 retains almost what pre does and gains most per tax; 3 loses no reward; 2 is the knee */
    const double alignment[] = {0, 0.5, 2.5, 3, 3}, retention[] = {0.9, 0.9, 0.8, 0.5, 0.4};
    hma_front *front = make_front(5, alignment, retention, 0);
    assert_int_equal(front->knee, 2);
    assert_int_equal(front->best_reward, 1);
    assert_int_equal(front->best_retention, 3);
    static const char *const names[] = {"recommended", "knee", "best-retention", "best-reward"};
    const size_t expected[] = {front->recommended, 2, 3, 1};
    for (size_t i = 0; i < 4; i++) {
        size_t point = 99;
        assert_ok(hma_front_find_named(front, names[i], &point));
        assert_int_equal(point, expected[i]);
    }
    size_t point;
    assert_fails(hma_front_find_named(front, "kne", &point), HMA_USAGE, "expected recommended, knee");
    hma_front_free(front);
}

/* The best point of all is another checkpoint: alone on the front, told of in the verdict, never recommended or named. */
static void what_is_no_merge_is_shown_and_not_recommended(void **state) {
    (void)state;
    const double alignment[] = {0, 2.9, 3.5, 3}, retention[] = {0.9, 0.7, 0.95, 0.4};
    hma_context *context;
    hma_score_table table;
    assert_ok(hma_context_new(&context, NULL));
    assert_ok(hma_score_table_new(&table, 4, 2));
    fill_task(&table, 0, "skill", false, HAND_ITEMS, retention, 0);
    fill_task(&table, 1, "prompts", true, HAND_ITEMS, alignment, 0);
    hma_front *front = new_front(4);
    front->points[2].kind = HMA_CANDIDATE_CHECKPOINT;
    front->points[2].label = "early";
    front->points[2].mean_ratio = NAN;
    assert_ok(hma_front_fill(front, context, &table, 500, 1));
    assert_front(front, 1, (const size_t[]){2});
    assert_int_equal(front->recommended, 1);
    assert_int_equal(front->knee, 1);
    assert_non_null(strstr(front->verdict, "early, which is no merge, has at least as much of both"));
    hma_front_free(front);
    hma_score_table_free(&table);
    hma_context_free(context);
}

/* ---- against plain averaging ---- */

static hma_recipe *three_blocks(double a, double b, double c, hma_policy policy) {
    const double ratios[] = {a, b, c};
    hma_recipe_spec spec = hma_recipe_spec_default();
    hma_recipe *recipe = NULL;
    spec.layers = 3;
    spec.blocks = "3";
    spec.ratios = ratios;
    spec.ratio_count = 3;
    spec.policy = policy;
    assert_ok(hma_recipe_new(&recipe, &spec));
    return recipe;
}

/* Scored at the same mean, between two that were scored, too far from any, merged otherwise. */
static void merges_of_several_ratios_are_compared_with_their_mean(void **state) {
    (void)state;
    enum { POINTS = 8 };
    static const double ratios[POINTS][3] = {{0, 0, 0},       {0.4, 0.4, 0.4}, {0.2, 0.4, 0.6}, {0.2, 0.4, 0.6},
                                             {0.3, 0.5, 0.7}, {0.6, 0.6, 0.6}, {0.6, 0.8, 1},   {1, 1, 1}};
    static const double alignment[POINTS] = {0, 1, 1.5, 1.5, 2, 2.5, 2.75, 3};
    static const double retention[POINTS] = {0.9, 0.8, 0.85, 0.85, 0.7, 0.7, 0.6, 0.5};
    hma_context *context;
    hma_score_table table;
    hma_recipe *recipes[POINTS];
    assert_ok(hma_context_new(&context, NULL));
    assert_ok(hma_score_table_new(&table, POINTS, 2));
    fill_task(&table, 0, "skill", false, HAND_ITEMS, retention, 0);
    fill_task(&table, 1, "prompts", true, HAND_ITEMS, alignment, 0);
    hma_front *front = new_front(POINTS);
    for (size_t i = 0; i < POINTS; i++) {
        recipes[i] = three_blocks(ratios[i][0], ratios[i][1], ratios[i][2], i == 3 ? HMA_POLICY_LINEAR_ONLY : HMA_POLICY_FULL);
        front->points[i].recipe = recipes[i];
        front->points[i].mean_ratio = hma_recipe_mean_ratio(recipes[i]);
        front->points[i].origin = i == 0 || i + 1 == POINTS ? HMA_ORIGIN_ENDPOINT : HMA_ORIGIN_GRID;
    }
    assert_ok(hma_front_fill(front, context, &table, 500, 1));
    const hma_axis *r = &front->axes[1], *a = &front->axes[0];
    assert_int_equal(front->points[2].uniform.below, 1);
    assert_int_equal(front->points[2].uniform.above, 1);
    assert_near(r->versus_uniform[2].mean, 0.05, 1e-12);
    assert_near(a->versus_uniform[2].mean, 0.5, 1e-12);
    assert_int_equal(front->points[4].uniform.below, 1);
    assert_int_equal(front->points[4].uniform.above, 5);
    assert_near(front->points[4].uniform.weight, 0.5, 1e-12);
    assert_near(r->versus_uniform[4].mean, -0.05, 1e-12);
    assert_near(a->versus_uniform[4].mean, 0.25, 1e-12);
    for (size_t i = 0; i < POINTS; i++) { /* uniform ones, the other policy, and the one between 0.6 and 1 */
        if (i != 2 && i != 4) {
            assert_true(front->points[i].uniform.below == SIZE_MAX && isnan(r->versus_uniform[i].p));
        }
    }
    /* 4 is more aligned but retains less; 2 is better in both */
    assert_non_null(strstr(front->blocks_verdict, "1 of 2 merges with different ratios for their blocks is better"));
    hma_front_free(front);
    hma_score_table_free(&table);
    hma_context_free(context);
    for (size_t i = 0; i < POINTS; i++) {
        hma_recipe_free(recipes[i]);
    }
}

static void recommends_post_when_nothing_is_significant(void **state) {
    (void)state;
    const double alignment[] = {0, 1.9, 2}, retention[] = {0.45, 0.42, 0.4};
    hma_front *front = make_front(3, alignment, retention, 2);
    assert_int_equal(front->recommended, front->post);
    assert_non_null(strstr(front->verdict, "no merge is distinguishable from post in retention"));
    assert_non_null(strstr(front->verdict, "not significant among 2 comparisons"));
    hma_front_free(front);
}

/* One merge alone would be significant; the best of many merges that do not differ from post is not. */
static void many_comparisons_demand_more(void **state) {
    (void)state;
    enum { POINTS = 40 };
    double alignment[POINTS], retention[POINTS];
    for (size_t i = 0; i < POINTS; i++) {
        alignment[i] = i == 0 ? 0 : 2;
        retention[i] = i == 1 ? 0.54 : 0.4; /* about 2.4 standard errors */
    }
    retention[0] = 0.3;
    hma_front *front = make_front(POINTS, alignment, retention, 1);
    assert_true(front->axes[1].versus_post[1].low > 0);
    assert_int_equal(front->recommended, front->post);
    hma_front_free(front);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(staircase),
        cmocka_unit_test(duplicates_share_their_fate),
        cmocka_unit_test(equal_in_one_axis_is_dominated),
        cmocka_unit_test(nan_is_excluded_and_marked),
        cmocka_unit_test(nan_at_an_endpoint_is_an_error),
        cmocka_unit_test(pre_and_post_alone),
        cmocka_unit_test(pre_is_recommended_where_the_training_brought_nothing),
        cmocka_unit_test(all_points_equal),
        cmocka_unit_test(a_thousand_points),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(membership_is_the_chance_of_not_being_dominated),
        cmocka_unit_test(standard_errors_are_in_closed_form),
        cmocka_unit_test(intervals_cover_what_they_promise),
        cmocka_unit_test(intervals_hold_their_value),
        cmocka_unit_test(one_item_gives_no_intervals),
        cmocka_unit_test(resamples_beyond_the_memory_are_refused),
        cmocka_unit_test(retention_is_the_mean_over_categories),
        cmocka_unit_test(without_one_of_the_axes_the_front_is_the_best_of_the_other),
        cmocka_unit_test(one_axis_alone_recommends_what_is_significant),
        cmocka_unit_test(recommends_the_most_retaining_merge_that_stays_aligned),
        cmocka_unit_test(a_loss_within_the_noise_is_no_loss),
        cmocka_unit_test(recommends_the_knee_when_all_lose_alignment),
        cmocka_unit_test(a_worse_balance_than_post_is_not_recommended),
        cmocka_unit_test(points_have_names),
        cmocka_unit_test(what_is_no_merge_is_shown_and_not_recommended),
        cmocka_unit_test(merges_of_several_ratios_are_compared_with_their_mean),
        cmocka_unit_test(recommends_post_when_nothing_is_significant),
        cmocka_unit_test(many_comparisons_demand_more),
    };
    return cmocka_run_group_tests_name("search: front", tests, NULL, NULL);
}
