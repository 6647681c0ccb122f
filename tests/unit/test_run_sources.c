/* Candidates that are no recipe: other checkpoints and logit mixtures on the same axes. */
#include "run_by_hand.h"

#include "hma/front.h"

#define EARLY HMA_TEST_DATA "/golden/merge/llama-gqa-tied/pre"
#define LATE HMA_TEST_DATA "/golden/merge/llama-gqa-tied/post"

static void checkpoints_are_candidates_without_a_recipe(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    hma_front *front;
    char id[32];
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    assert_ok(hma_run_add_grid(run, "0.5:0.5:0.1"));
    assert_ok(hma_run_add_extra(run, "early", EARLY));
    const hma_candidate *early = hma_run_candidate(run, 3);
    assert_int_equal(early->kind, HMA_CANDIDATE_CHECKPOINT);
    assert_int_equal(early->origin, HMA_ORIGIN_EXTRA);
    assert_string_equal(hma_candidate_method(early), "checkpoint");
    assert_string_equal(hma_candidate_method(hma_run_candidate(run, 2)), "linear");
    assert_null(early->recipe);
    assert_true(isnan(early->mean_ratio) && isnan(hma_run_ratio(run, 3, 0)));
    assert_int_equal(strlen(early->sha256), 64);
    (void)snprintf(id, sizeof id, "%s", early->id);
    assert_int_equal(strlen(id), strlen(hma_run_candidate(run, 2)->id));
    assert_ok(hma_run_score(run));
    assert_int_equal(f->scorer.calls, 4);
    hma_run_close(run);

    assert_ok(hma_run_open(&run, f->run));
    size_t found;
    assert_ok(hma_run_find(run, id, &found));
    assert_int_equal(found, 3);
    assert_string_equal(hma_run_candidate(run, 3)->folder, EARLY);
    assert_ok(hma_front_compute(&front, f->context, run, NULL));
    assert_int_equal(front->point_count, 4);
    assert_string_equal(front->points[3].label, "early"); /* behind all that have a ratio */
    assert_true(isnan(front->points[3].mean_ratio));
    assert_true(front->recommended != 3);
    hma_front_free(front);
    hma_run_close(run);
}

static void a_name_stays_with_its_checkpoint(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    assert_ok(hma_run_add_extra(run, "early", EARLY));
    assert_ok(hma_run_add_extra(run, "early", EARLY));
    assert_ok(hma_run_add_extra(run, "same", EARLY)); /* known by what it is */
    assert_int_equal(hma_run_candidate_count(run), 3);
    assert_fails(hma_run_add_extra(run, "early", LATE), HMA_INCOMPATIBLE, "extra \"early\": was another checkpoint");
    assert_fails(hma_run_add_extra(run, "post", LATE), HMA_USAGE, "is the name of another candidate");
    hma_run_close(run);
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    assert_fails(hma_run_add_extra(run, "early", LATE), HMA_INCOMPATIBLE, "was another checkpoint");
    assert_ok(hma_run_add_extra(run, "late", LATE));
    assert_int_equal(hma_run_candidate_count(run), 4);
    hma_run_close(run);
}

static void what_cannot_be_scored_is_refused(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    assert_fails(hma_run_add_extra(run, "x", in_folder(f->folder, "none")), HMA_IO, "none");
    assert_ok(hma_facts_set(&run->facts, HMA_FACT_FIXED, "tokenizer_sha256", "%s", "0"));
    assert_fails(hma_run_add_extra(run, "x", HMA_TEST_DATA "/golden/merge/llama-gqa-tied"), HMA_BAD_DATA, "has no config.json");
    assert_int_equal(hma_run_candidate_count(run), 2);
    hma_run_close(run);
    assert_ok(hma_run_open(&run, f->run));
    assert_fails(hma_run_add_extra(run, "x", EARLY), HMA_USAGE, "opened for reading");
    hma_run_close(run);
}

static void mixtures_are_candidates_with_a_weight(void **state) {
    run_fixture *f = *state;
    hma_run *run;
    assert_ok(begin_by_hand(&run, f->context, f->run, &f->scorer));
    assert_fails(hma_run_add_mixtures(run, "0:2:0.1"), HMA_USAGE, "mixture \"0:2:0.1\": is not usable");
    assert_ok(hma_run_add_mixtures(run, "0:1:0.25"));
    assert_ok(hma_run_add_mixtures(run, "0.5:0.5:0.1")); /* is there */
    assert_ok(hma_run_add_mixtures(run, "0:1:1"));       /* pre and post */
    assert_int_equal(hma_run_candidate_count(run), 5);
    assert_ok(hma_run_score(run));
    hma_run_close(run);
    assert_ok(hma_run_open(&run, f->run));
    static const char *const labels[] = {"mixture 0.25", "mixture 0.5", "mixture 0.75"};
    for (size_t i = 0; i < 3; i++) {
        const hma_candidate *candidate = hma_run_candidate(run, 2 + i);
        assert_string_equal(candidate->label, labels[i]);
        assert_string_equal(hma_candidate_method(candidate), "logit-mixture");
        assert_int_equal(candidate->origin, HMA_ORIGIN_EXTRA);
        assert_near(candidate->mean_ratio, 0.25 * (double)(i + 1), 0);
        assert_near(hma_run_ratio(run, 2 + i, 0), candidate->mean_ratio, 0);
        assert_null(candidate->recipe);
        assert_null(candidate->folder);
    }
    hma_run_close(run);
}

static void tampered_sources_are_damage(void **state) {
    static const char *const changes[] = {"UPDATE source SET sha256 = 'f' || substr(sha256, 2)",
                                          "UPDATE source SET kind = 'merge'", "UPDATE source SET kind = 'nothing'",
                                          "DELETE FROM source", "UPDATE candidate SET recipe = '{}' WHERE number = 2"};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        run_fixture *f = *state;
        char path[700];
        hma_run *run;
        (void)snprintf(path, sizeof path, "%s-%zu", f->run, i);
        assert_ok(begin_by_hand(&run, f->context, path, &f->scorer));
        assert_ok(hma_run_add_extra(run, "early", LATE));
        hma_run_close(run);
        (void)query_journal(path, changes[i]);
        assert_int_equal(hma_run_open(&run, path), HMA_BAD_DATA);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_a_run(checkpoints_are_candidates_without_a_recipe),
        with_a_run(a_name_stays_with_its_checkpoint),
        with_a_run(what_cannot_be_scored_is_refused),
        with_a_run(mixtures_are_candidates_with_a_weight),
        with_a_run(tampered_sources_are_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
