/* Gradients while memory runs out: an error that says so, or the same bits as ever; and the objective can be asked again. */
#include "testing.h"

#include "failing_malloc.h"
#include "hma/hma.h"
#include "search/objective.h"
#include "search/solver.h"

#define MODEL HMA_TEST_DATA "/golden/models/llama-gqa-tied-text" /* as both: the derivatives are 0, the work is the same */
enum { BLOCKS = 3 };

static const char texts[] =
    "{\"prompt\":\"Hello\",\"response\":\" to you\",\"ended\":true}\n{\"prompt\":\"Who?\",\"response\":\" Me.\"}\n";

typedef struct answer {
    double value, gradient[BLOCKS];
} answer;

typedef hma_status (*ask_fn)(void *subject, answer *out);

/* Lets every allocation fail in turn. */
static void fail_each_allocation(ask_fn ask, void *subject) {
    answer expected = {0};
    size_t number = 1;
    assert_ok(ask(subject, &expected));
    for (bool failed = true; failed; number++) {
        answer actual = {0};
        fail_allocation(number);
        const hma_status status = ask(subject, &actual);
        failed = allocation_has_failed();
        fail_allocation(0);
        if (status == HMA_OK) {
            assert_memory_equal(&actual, &expected, sizeof actual);
        } else if (!failed || status != HMA_FAILURE || !strstr(hma_error_message(), "memory")) {
            fail_msg("allocation %zu: %s: %s", number, hma_status_name(status), hma_error_message());
        }
    }
    assert_true(number > 5);
}

static hma_status evaluate(void *objective, answer *out) {
    static const double ratios[BLOCKS] = {0.2, 0.5, 0.8};
    return hma_objective_evaluate(objective, ratios, BLOCKS, &out->value, out->gradient);
}

static void an_evaluation_fails_cleanly(void **state) {
    (void)state;
    hma_context *context;
    hma_checkpoint *pre, *post;
    hma_objective *objective;
    hma_objective_options options = hma_objective_options_default();
    options.recipe.blocks = "3";
    options.block_length = 0;
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 1}));
    assert_ok(hma_checkpoint_open(&pre, MODEL));
    assert_ok(hma_checkpoint_open(&post, MODEL));
    assert_ok(hma_objective_new(&objective, context, pre, post, texts, "texts", &options));
    fail_each_allocation(evaluate, objective);
    hma_objective_free(objective);
    hma_checkpoint_close(pre);
    hma_checkpoint_close(post);
    hma_context_free(context);
}

/* ---- the solver, on something cheap ---- */

static hma_status hill(void *user, const double *x, size_t count, double *value, double *gradient) {
    (void)user;
    *value = 0;
    for (size_t i = 0; i < count; i++) {
        const double off = x[i] - 0.3 * (double)i;
        *value -= off * off;
        if (gradient) {
            gradient[i] = -2 * off;
        }
    }
    return HMA_OK;
}

static hma_status solve(void *subject, answer *out) {
    hma_solution solution;
    const hma_status status = hma_solve(&solution, ((void **)subject)[0], BLOCKS, 0.4, hill, NULL, ((void **)subject)[1]);
    if (status == HMA_OK) {
        out->value = solution.value;
        memcpy(out->gradient, solution.ratios, sizeof out->gradient);
        hma_solution_clear(&solution);
    }
    return status;
}

static void the_solver_fails_cleanly(void **state) {
    (void)state;
    hma_context *context;
    hma_solver_options polytope = {.starts = 2}, paper = {.parametrization = HMA_PAPER, .steps = 5};
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 1}));
    fail_each_allocation(solve, (void *[]){context, &polytope});
    fail_each_allocation(solve, (void *[]){context, &paper});
    hma_context_free(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_evaluation_fails_cleanly),
                                       cmocka_unit_test(the_solver_fails_cleanly)};
    return cmocka_run_group_tests_name("gradients without memory", tests, NULL, NULL);
}
