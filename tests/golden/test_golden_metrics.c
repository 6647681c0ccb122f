/* Metrics against sacrebleu, the SQuAD 2.0 script, DROP and accuracy of lm-evaluation-harness: tests/golden/metrics. */
#include "testing.h"

#include <math.h>

#include "base/json.h"
#include "eval/tasks/metrics.h"
#include "hma/eval.h"

enum { MAX_TEXTS = 64 };
static const double tolerance = 1e-9;
static const char *folder = HMA_TEST_DATA "/golden/metrics";

typedef struct fixture {
    cJSON *in, *out;
    const cJSON *cases, *answers;
} fixture;

static void load(fixture *f, const char *name) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s.in.json", folder, name);
    assert_ok(hma_json_load(&f->in, path, 1 << 20));
    (void)snprintf(path, sizeof path, "%s/%s.out.json", folder, name);
    assert_ok(hma_json_load(&f->out, path, 1 << 20));
    f->cases = hma_json_get(f->in, "cases");
    f->answers = hma_json_get(f->out, "cases");
    assert_true(cJSON_GetArraySize(f->cases) > 0);
    assert_int_equal(cJSON_GetArraySize(f->cases), cJSON_GetArraySize(f->answers));
}

static void unload(fixture *f) {
    cJSON_Delete(f->in);
    cJSON_Delete(f->out);
}

static double number(const cJSON *object, const char *key) {
    const cJSON *item = hma_json_get(object, key);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static size_t texts(const cJSON *list, const char **out) {
    size_t count = 0;
    const cJSON *item;
    if (cJSON_IsString(list)) {
        out[0] = list->valuestring;
        return 1;
    }
    cJSON_ArrayForEach(item, list) {
        assert_true(cJSON_IsString(item) && count < MAX_TEXTS);
        out[count++] = item->valuestring;
    }
    return count;
}

/* Names the case that is off; cmocka alone would only say which line. */
static void expect(const cJSON *one, const char *what, double actual, double expected) {
    if (!(fabs(actual - expected) <= tolerance)) {
        fail_msg("%s: %s is %.17g, expected %.17g", hma_json_get(one, "id")->valuestring, what, actual, expected);
    }
}

static void choices_are_picked_like_numpy_argmax(void **state) {
    (void)state;
    fixture f;
    load(&f, "choices");
    const cJSON *one, *answer = f.answers->child;
    cJSON_ArrayForEach(one, f.cases) {
        const char *choice[MAX_TEXTS];
        double ll[MAX_TEXTS];
        const size_t count = texts(hma_json_get(one, "choices"), choice);
        for (size_t i = 0; i < count; i++) {
            ll[i] = cJSON_GetArrayItem(hma_json_get(one, "lls"), (int)i)->valuedouble;
        }
        const size_t gold = (size_t)number(one, "gold");
        const cJSON *picked = hma_json_get(answer, "picked");
        expect(one, "choice", (double)hma_choice_pick(ll, count), number(picked, "acc"));
        expect(one, "normalised choice", (double)hma_choice_pick_norm(ll, choice, count), number(picked, "acc_norm"));
        expect(one, "acc", hma_choice_pick(ll, count) == gold, number(answer, "acc"));
        expect(one, "acc_norm", hma_choice_pick_norm(ll, choice, count) == gold, number(answer, "acc_norm"));
        answer = answer->next;
    }
    unload(&f);
}

static void squad_agrees_with_the_version_2_script(void **state) {
    (void)state;
    fixture f;
    load(&f, "squad");
    const cJSON *one, *answer = f.answers->child;
    double sum_em = 0, sum_f1 = 0;
    cJSON_ArrayForEach(one, f.cases) {
        const char *answers[MAX_TEXTS];
        double em, f1;
        const size_t count = texts(hma_json_get(one, "answers"), answers);
        assert_ok(hma_squad_score(hma_json_get(one, "prediction")->valuestring, answers, count, &em, &f1));
        expect(one, "em", em, number(answer, "exact"));
        expect(one, "f1", f1, number(answer, "f1_v2"));
        sum_em += em;
        sum_f1 += f1;
        answer = answer->next;
    }
    const double cases = cJSON_GetArraySize(f.cases);
    const cJSON *mean = hma_json_get(f.out, "mean");
    assert_near(100 * hma_metric_value(HMA_METRIC_EM, &sum_em, cases), number(mean, "exact"), tolerance);
    assert_near(100 * hma_metric_value(HMA_METRIC_F1, &sum_f1, cases), number(mean, "f1_v2"), tolerance);
    unload(&f);
}

static void drop_agrees_with_the_harness(void **state) {
    (void)state;
    fixture f;
    load(&f, "drop");
    const cJSON *one, *answer = f.answers->child;
    cJSON_ArrayForEach(one, f.cases) {
        const char *said[MAX_TEXTS], *span[MAX_TEXTS];
        hma_spans reply = {said, texts(hma_json_get(one, "prediction"), said)}, golds[MAX_TEXTS];
        const cJSON *gold;
        size_t count = 0, used = 0;
        cJSON_ArrayForEach(gold, hma_json_get(one, "answers")) {
            golds[count] = (hma_spans){span + used, texts(gold, span + used)};
            used += golds[count++].count;
        }
        double em, f1;
        assert_ok(hma_drop_score(&reply, golds, count, &em, &f1));
        expect(one, "em", em, number(answer, "em"));
        expect(one, "f1", f1, number(answer, "f1"));
        answer = answer->next;
    }
    unload(&f);
}

static void bleu_agrees_with_sacrebleu(void **state) {
    (void)state;
    fixture f;
    load(&f, "bleu");
    const cJSON *one, *answer = f.answers->child;
    cJSON_ArrayForEach(one, f.cases) {
        const cJSON *references = hma_json_get(one, "references"), *reply;
        double sums[HMA_BLEU_WIDTH] = {0};
        int line = 0;
        cJSON_ArrayForEach(reply, hma_json_get(one, "predictions")) {
            const char *reference[MAX_TEXTS];
            double stats[HMA_BLEU_WIDTH];
            const size_t count = texts(cJSON_GetArrayItem(references, line++), reference);
            assert_ok(hma_bleu_statistics(reply->valuestring, reference, count, stats));
            for (size_t i = 0; i < HMA_BLEU_WIDTH; i++) {
                sums[i] += stats[i];
            }
        }
        for (int order = 0; order < HMA_BLEU_ORDER; order++) {
            expect(one, "matches", sums[HMA_BLEU_MATCHES + order],
                   cJSON_GetArrayItem(hma_json_get(answer, "counts"), order)->valuedouble);
            expect(one, "totals", sums[HMA_BLEU_TOTALS + order],
                   cJSON_GetArrayItem(hma_json_get(answer, "totals"), order)->valuedouble);
        }
        expect(one, "length", sums[HMA_BLEU_LENGTH], number(answer, "sys_len"));
        expect(one, "reference length", sums[HMA_BLEU_REFERENCE_LENGTH], number(answer, "ref_len"));
        expect(one, "bleu", 100 * hma_metric_value(HMA_METRIC_BLEU, sums, line), number(answer, "score"));
        answer = answer->next;
    }
    unload(&f);
}

static void chrf_agrees_with_sacrebleu(void **state) {
    (void)state;
    fixture f;
    load(&f, "chrf");
    const cJSON *one, *answer = f.answers->child;
    cJSON_ArrayForEach(one, f.cases) {
        const cJSON *references = hma_json_get(one, "references"), *reply;
        double sums[HMA_CHRF_WIDTH] = {0};
        int line = 0;
        cJSON_ArrayForEach(reply, hma_json_get(one, "predictions")) {
            const char *reference[MAX_TEXTS];
            double stats[HMA_CHRF_WIDTH];
            const size_t count = texts(cJSON_GetArrayItem(references, line++), reference);
            assert_ok(hma_chrf_statistics(reply->valuestring, reference, count, stats));
            for (size_t i = 0; i < HMA_CHRF_WIDTH; i++) {
                sums[i] += stats[i];
            }
        }
        expect(one, "chrf", 100 * hma_metric_value(HMA_METRIC_CHRF, sums, line), number(answer, "score"));
        answer = answer->next;
    }
    unload(&f);
}

static void exact_match_agrees_with_the_harness_and_its_filters(void **state) {
    (void)state;
    static const char *const names[] = {[HMA_EXACT_STRICT] = "strict", [HMA_EXACT_FLEXIBLE] = "flexible"};
    static const char *const matches[] = {"plain_match", "strict_match", "flexible_match"};
    fixture f;
    load(&f, "exact");
    const cJSON *one, *answer = f.answers->child;
    cJSON_ArrayForEach(one, f.cases) {
        const char *reply = hma_json_get(one, "prediction")->valuestring, *gold = hma_json_get(one, "answer")->valuestring;
        for (int filter = HMA_EXACT_PLAIN; filter <= HMA_EXACT_FLEXIBLE; filter++) {
            double match;
            assert_ok(hma_exact_score((hma_exact_filter)filter, reply, &gold, 1, &match));
            expect(one, matches[filter], match, number(answer, matches[filter]));
            if (filter != HMA_EXACT_PLAIN) {
                hma_buffer extracted = {0};
                hma_exact_extract((hma_exact_filter)filter, reply, &extracted);
                assert_string_equal(hma_buffer_cstr(&extracted), hma_json_get(answer, names[filter])->valuestring);
                hma_buffer_free(&extracted);
            }
        }
        answer = answer->next;
    }
    unload(&f);
}

static void perplexities_of_texts_agree_with_the_harness(void **state) {
    (void)state;
    static const hma_metric metrics[] = {HMA_METRIC_WORD_PERPLEXITY, HMA_METRIC_BYTE_PERPLEXITY, HMA_METRIC_BITS_PER_BYTE};
    fixture f;
    load(&f, "texts");
    const cJSON *one, *answer = f.answers->child;
    cJSON_ArrayForEach(one, f.cases) {
        const cJSON *text, *ll = hma_json_get(one, "lls")->child;
        double words[2] = {0}, bytes[2] = {0};
        int line = 0;
        cJSON_ArrayForEach(text, hma_json_get(one, "texts")) {
            const double counted = (double)hma_count_words(text->valuestring);
            expect(one, "words", counted, cJSON_GetArrayItem(hma_json_get(answer, "words"), line)->valuedouble);
            words[0] += ll->valuedouble;
            bytes[0] += ll->valuedouble;
            words[1] += counted;
            bytes[1] += (double)strlen(text->valuestring);
            ll = ll->next;
            line++;
        }
        for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
            const char *name = hma_metric_describe(metrics[i])->name;
            const double value = hma_metric_value(metrics[i], i == 0 ? words : bytes, line), want = number(answer, name);
            expect(one, name, value / want, 1);
        }
        answer = answer->next;
    }
    unload(&f);
}

static void shares_and_bytes_agree_with_the_harness(void **state) {
    (void)state;
    fixture f;
    load(&f, "mc2");
    const cJSON *one, *answer = f.answers->child;
    cJSON_ArrayForEach(one, f.cases) {
        const char *choice[MAX_TEXTS];
        double ll[MAX_TEXTS];
        bool right[MAX_TEXTS];
        const size_t count = texts(hma_json_get(one, "choices"), choice);
        for (size_t i = 0; i < count; i++) {
            ll[i] = cJSON_GetArrayItem(hma_json_get(one, "lls"), (int)i)->valuedouble;
            right[i] = cJSON_GetArrayItem(hma_json_get(one, "labels"), (int)i)->valuedouble == 1;
        }
        expect(one, "mc2", hma_choice_right_share(ll, right, count), number(answer, "mc2"));
        expect(one, "choice by bytes", (double)hma_choice_pick_bytes(ll, choice, count), number(answer, "acc_bytes"));
        answer = answer->next;
    }
    unload(&f);
}

static void means_have_the_harness_standard_error(void **state) {
    (void)state;
    fixture f;
    load(&f, "means");
    const cJSON *one, *answer = f.answers->child;
    cJSON_ArrayForEach(one, f.cases) {
        const cJSON *values = hma_json_get(one, "values");
        double stats[512];
        hma_measure measure = {.metric = HMA_METRIC_REWARD, .items = (size_t)cJSON_GetArraySize(values), .stats = stats};
        assert_true(measure.items <= 512);
        for (size_t i = 0; i < measure.items; i++) {
            stats[i] = cJSON_GetArrayItem(values, (int)i)->valuedouble;
        }
        hma_result result = {.has_alignment = true,
                             .alignment = {.items = measure.items, .measure_count = 1, .measures = &measure}};
        assert_ok(hma_result_summarize(&result, 1));
        expect(one, "mean", measure.value, number(answer, "mean"));
        if (hma_json_get(answer, "stderr")) {
            expect(one, "standard error", measure.standard_error, number(answer, "stderr"));
        } else {
            assert_true(isnan(measure.standard_error));
        }
        free(result.alignment.score);
        answer = answer->next;
    }
    unload(&f);
}

/* With an argument: the metrics of another golden set. */
int main(int argc, char **argv) {
    folder = argc > 1 ? argv[1] : folder;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_are_picked_like_numpy_argmax),
        cmocka_unit_test(squad_agrees_with_the_version_2_script),
        cmocka_unit_test(drop_agrees_with_the_harness),
        cmocka_unit_test(bleu_agrees_with_sacrebleu),
        cmocka_unit_test(chrf_agrees_with_sacrebleu),
        cmocka_unit_test(exact_match_agrees_with_the_harness_and_its_filters),
        cmocka_unit_test(perplexities_of_texts_agree_with_the_harness),
        cmocka_unit_test(shares_and_bytes_agree_with_the_harness),
        cmocka_unit_test(means_have_the_harness_standard_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
