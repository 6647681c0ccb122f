/* eval/tasks: which items are asked - halves for searching and reporting, parts of a random order. */
#include "scratch.h"

#include "base/file.h"
#include "eval/tasks/evaluator.h"
#include "eval/tasks/selection.h"

enum { ITEMS = 41, PROMPTS = 10 };

static FILE *create(const char *name) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", scratch.folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    return file;
}

/* Items with ids first .. first+count-1, backwards when `step` is -1. */
static void put_items(const char *name, size_t first, size_t count, int step) {
    FILE *file = create(name);
    for (size_t i = 0; i < count; i++) {
        const size_t id = step > 0 ? first + i : first + count - 1 - i;
        assert_true(fprintf(file, "{\"id\":\"i%zu\",\"query\":\"q\",\"choices\":[\"a\",\"b\"],\"gold\":0}\n", id) > 0);
    }
    assert_int_equal(fclose(file), 0);
}

static void put_prompts(const char *name, size_t first, size_t count) {
    FILE *file = create(name);
    for (size_t i = first; i < first + count; i++) {
        assert_true(fprintf(file, "{\"id\":\"p%zu\",\"prompt\":\"hello\"}\n", i) > 0);
    }
    assert_int_equal(fclose(file), 0);
}

static hma_suite *load(const char *file, const char *prompts) {
    hma_suite *suite = NULL;
    FILE *out = create("suite.json");
    assert_true(fprintf(out,
                        "{\"tasks\":[{\"name\":\"mc\",\"type\":\"multiple_choice\",\"file\":%s,\"metric\":\"acc\"}],"
                        "\"alignment\":{\"type\":\"implicit\",\"prompts\":%s}}",
                        file, prompts) > 0);
    assert_int_equal(fclose(out), 0);
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/suite.json", scratch.folder);
    assert_ok(hma_suite_load(&suite, path));
    return suite;
}

static hma_suite *load_plain(void) {
    put_items("mc.jsonl", 0, ITEMS, 1);
    put_prompts("search.jsonl", 0, PROMPTS);
    put_prompts("test.jsonl", 100, PROMPTS);
    return load("\"mc.jsonl\"", "{\"search\":\"search.jsonl\",\"test\":\"test.jsonl\"}");
}

static hma_pick pick(const hma_suite *suite, size_t task, hma_selection selection) {
    hma_pick out;
    assert_ok(hma_pick_make(&out, suite, task, &selection, 0));
    return out;
}

/* How often an id is picked. */
static size_t times(const hma_pick *p, const char *id) {
    size_t count = 0;
    for (size_t i = 0; i < p->count; i++) {
        count += strcmp(p->from->item[p->index[i]].id, id) == 0;
    }
    return count;
}

static const char *id_of(const char *prefix, size_t number) {
    static char id[32];
    (void)snprintf(id, sizeof id, "%s%zu", prefix, number);
    return id;
}

static void without_a_split_everything_is_asked_in_order(void **state) {
    (void)state;
    hma_suite *suite = load_plain();
    hma_pick all = pick(suite, 0, (hma_selection){0});
    assert_int_equal(all.count, ITEMS);
    for (size_t i = 0; i < ITEMS; i++) {
        assert_int_equal(all.index[i], i);
    }
    hma_pick_free(&all);
    hma_suite_free(suite);
}

static void one_file_is_divided_into_halves_without_an_item_in_common(void **state) {
    (void)state;
    hma_suite *suite = load_plain();
    hma_pick search = pick(suite, 0, (hma_selection){.items = HMA_ITEMS_SEARCH});
    hma_pick test = pick(suite, 0, (hma_selection){.items = HMA_ITEMS_TEST});
    assert_int_equal(search.count, ITEMS / 2);
    assert_int_equal(test.count, ITEMS - ITEMS / 2);
    size_t alternations = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        assert_int_equal(times(&search, id_of("i", i)) + times(&test, id_of("i", i)), 1);
        alternations += i > 0 && times(&search, id_of("i", i)) != times(&search, id_of("i", i - 1));
    }
    assert_true(alternations > 5); /* not simply the first and the second half */
    hma_pick_free(&search);
    hma_pick_free(&test);
    hma_suite_free(suite);
}

static void the_half_follows_the_item_not_its_place(void **state) {
    (void)state;
    hma_suite *suite = load_plain();
    put_items("mc.jsonl", 0, ITEMS, -1);
    hma_suite *turned = load("\"mc.jsonl\"", "{\"test\":\"test.jsonl\"}");
    hma_pick a = pick(suite, 0, (hma_selection){.items = HMA_ITEMS_SEARCH});
    hma_pick b = pick(turned, 0, (hma_selection){.items = HMA_ITEMS_SEARCH});
    for (size_t i = 0; i < ITEMS; i++) {
        assert_int_equal(times(&a, id_of("i", i)), times(&b, id_of("i", i)));
    }
    hma_pick_free(&a);
    hma_pick_free(&b);
    hma_suite_free(suite);
    hma_suite_free(turned);
}

static void items_that_share_a_passage_stay_together(void **state) {
    (void)state;
    FILE *file = create("mc.jsonl");
    for (size_t i = 0; i < 40; i++) {
        assert_true(fprintf(file,
                            "{\"id\":\"i%zu\",\"passage\":\"p%zu\",\"query\":\"q\",\"choices\":[\"a\",\"b\"],\"gold\":0}\n", i,
                            i % 7) > 0);
    }
    assert_int_equal(fclose(file), 0);
    put_prompts("test.jsonl", 0, 4);
    hma_suite *suite = load("\"mc.jsonl\"", "{\"test\":\"test.jsonl\"}");
    hma_pick search = pick(suite, 0, (hma_selection){.items = HMA_ITEMS_SEARCH});
    assert_true(search.count > 10 && search.count <= 20);
    for (size_t i = 0; i < 40; i++) {
        const size_t here = times(&search, id_of("i", i));
        assert_int_equal(here, times(&search, id_of("i", i % 7)));
    }
    hma_pick_free(&search);
    hma_suite_free(suite);
}

static void a_file_for_each_is_taken_whole(void **state) {
    (void)state;
    put_items("a.jsonl", 0, 7, 1);
    put_items("b.jsonl", 50, 9, 1);
    put_prompts("search.jsonl", 0, PROMPTS);
    put_prompts("test.jsonl", 100, PROMPTS);
    hma_suite *suite =
        load("{\"search\":\"a.jsonl\",\"test\":\"b.jsonl\"}", "{\"search\":\"search.jsonl\",\"test\":\"test.jsonl\"}");
    assert_int_equal(hma_suite_task(suite, 0)->items, 9);
    hma_pick search = pick(suite, 0, (hma_selection){.items = HMA_ITEMS_SEARCH});
    hma_pick test = pick(suite, 0, (hma_selection){.items = HMA_ITEMS_TEST});
    hma_pick all = pick(suite, 0, (hma_selection){0});
    hma_pick prompts = pick(suite, SIZE_MAX, (hma_selection){.items = HMA_ITEMS_SEARCH});
    assert_int_equal(search.count, 7);
    assert_int_equal(test.count, 9);
    assert_int_equal(all.count, 9);
    assert_int_equal(times(&all, "i50"), 1);
    assert_int_equal(prompts.count, PROMPTS);
    assert_int_equal(times(&prompts, "p0"), 1);
    hma_pick_free(&search);
    hma_pick_free(&test);
    hma_pick_free(&all);
    hma_pick_free(&prompts);
    hma_suite_free(suite);
}

static void the_digest_covers_the_search_file(void **state) {
    (void)state;
    put_items("a.jsonl", 0, 7, 1);
    put_items("b.jsonl", 50, 9, 1);
    put_prompts("test.jsonl", 0, 4);
    const char *files = "{\"search\":\"a.jsonl\",\"test\":\"b.jsonl\"}", *prompts = "{\"test\":\"test.jsonl\"}";
    hma_suite *before = load(files, prompts);
    put_items("a.jsonl", 0, 8, 1);
    hma_suite *after = load(files, prompts);
    assert_string_not_equal(hma_suite_digest(before), hma_suite_digest(after));
    hma_suite_free(before);
    hma_suite_free(after);
}

static void parts_ask_every_item_once_and_grow_from_the_same_beginning(void **state) {
    (void)state;
    static const uint32_t border[] = {0, 1, 2, 4, 8};
    hma_suite *suite = load_plain();
    hma_pick half = pick(suite, 0, (hma_selection){.items = HMA_ITEMS_TEST});
    hma_pick whole = pick(suite, 0, (hma_selection){.items = HMA_ITEMS_TEST, .last = 8, .parts = 8});
    size_t at = 0, moved = 0;
    for (size_t r = 0; r < 4; r++) {
        hma_pick part =
            pick(suite, 0, (hma_selection){.items = HMA_ITEMS_TEST, .first = border[r], .last = border[r + 1], .parts = 8});
        for (size_t i = 0; i < part.count; i++) {
            assert_int_equal(part.index[i], whole.index[at++]);
        }
        assert_int_equal(at, (half.count * border[r + 1] + 7) / 8);
        hma_pick_free(&part);
    }
    assert_int_equal(at, half.count);
    for (size_t i = 0; i < half.count; i++) {
        assert_int_equal(times(&whole, half.from->item[half.index[i]].id), 1);
        moved += whole.index[i] != half.index[i];
    }
    assert_true(moved > half.count / 2);
    hma_pick_free(&half);
    hma_pick_free(&whole);
    hma_suite_free(suite);
}

static void single_places_of_the_random_order_are_asked(void **state) {
    (void)state;
    static const size_t some[] = {0, 3, 4, 19}, twice[] = {2, 2}, beyond[] = {3, 4000};
    hma_suite *suite = load_plain();
    hma_pick whole = pick(suite, 0, (hma_selection){.items = HMA_ITEMS_TEST, .last = 1, .parts = 1});
    const hma_places only[2] = {{4, some}, {2, some}}, none[2] = {{0, NULL}, {0, NULL}};
    hma_pick part = pick(suite, 0, (hma_selection){.items = HMA_ITEMS_TEST, .only = only});
    assert_int_equal(part.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(part.index[i], whole.index[some[i]]);
    }
    hma_pick_free(&part);
    part = pick(suite, SIZE_MAX, (hma_selection){.items = HMA_ITEMS_TEST, .only = only});
    assert_int_equal(part.count, 2);
    hma_pick_free(&part);
    part = pick(suite, 0, (hma_selection){.items = HMA_ITEMS_TEST, .only = none});
    assert_int_equal(part.count, 0);
    hma_pick_free(&part);
    const hma_places wrong[2][2] = {{{2, twice}, {0, NULL}}, {{2, beyond}, {0, NULL}}};
    for (size_t i = 0; i < 2; i++) {
        const hma_selection selection = {.items = HMA_ITEMS_TEST, .only = wrong[i]};
        assert_fails(hma_pick_make(&part, suite, 0, &selection, 0), HMA_USAGE, "is none (expected rising places");
        hma_pick_free(&part);
    }
    hma_pick_free(&whole);
    hma_suite_free(suite);
}

static void what_cannot_be_divided_is_refused(void **state) {
    (void)state;
    put_items("mc.jsonl", 0, 1, 1);
    put_prompts("test.jsonl", 0, 4);
    hma_suite *suite = load("\"mc.jsonl\"", "{\"test\":\"test.jsonl\"}");
    hma_pick out;
    const hma_selection search = {.items = HMA_ITEMS_SEARCH}, nowhere = {.first = 2, .last = 2, .parts = 4};
    assert_fails(hma_pick_make(&out, suite, 0, &search, 0), HMA_USAGE, "mc: there is nothing to search with");
    hma_pick_free(&out);
    assert_fails(hma_pick_make(&out, suite, 0, &nowhere, 0), HMA_USAGE, "part 2 to 2 of 4 is none");
    hma_pick_free(&out);
    hma_pick prompts = pick(suite, SIZE_MAX, search); /* the only file of prompts is divided as well */
    assert_int_equal(prompts.count, 2);
    hma_pick_free(&prompts);
    hma_suite_free(suite);
}

/* ---- with a model ---- */

#define DEMO HMA_TEST_DATA "/../eval/demo"

static hma_result *score(hma_evaluator *e, const hma_source *source, hma_selection selection) {
    hma_result *result = NULL;
    assert_ok(hma_evaluator_select(e, &selection));
    assert_ok(hma_evaluator_run(e, source, &result));
    return result;
}

static size_t compare_parts(const hma_task_result *whole, const hma_task_result *part, size_t at) {
    for (size_t i = 0; i < part->items; i++, at++) {
        assert_string_equal(part->item_id[i], whole->item_id[at]);
        assert_string_equal(part->detail[i], whole->detail[at]);
        assert_memory_equal(&part->score[i], &whole->score[at], sizeof(double));
    }
    return at;
}

static void an_items_score_does_not_depend_on_the_selection(void **state) {
    (void)state;
    hma_context *context;
    hma_suite *suite;
    hma_checkpoint *post;
    hma_source *source;
    hma_evaluator *e;
    const hma_eval_options options = {.limit = 5, .items = HMA_ITEMS_SEARCH};
    assert_ok(hma_context_new(&context, &(hma_context_options){.threads = 2}));
    assert_ok(hma_suite_load(&suite, DEMO "/suite.json"));
    assert_ok(hma_checkpoint_open(&post, DEMO "/post"));
    assert_ok(hma_source_plain(&source, post));
    assert_ok(hma_evaluator_new(&e, context, suite, DEMO "/post", &options));
    hma_result *whole = score(e, source, (hma_selection){.items = HMA_ITEMS_SEARCH, .last = 4, .parts = 4});
    hma_result *first = score(e, source, (hma_selection){.items = HMA_ITEMS_SEARCH, .last = 1, .parts = 4});
    hma_result *rest = score(e, source, (hma_selection){.items = HMA_ITEMS_SEARCH, .first = 1, .last = 4, .parts = 4});
    for (size_t task = 0; task < whole->task_count; task++) {
        const size_t at = compare_parts(&whole->tasks[task], &first->tasks[task], 0);
        assert_int_equal(at, 2);
        assert_int_equal(compare_parts(&whole->tasks[task], &rest->tasks[task], at), 5);
    }
    assert_int_equal(compare_parts(&whole->alignment, &rest->alignment, compare_parts(&whole->alignment, &first->alignment, 0)),
                     5);
    static const size_t places[] = {1, 4};
    const hma_places only[4] = {{2, places}, {0, NULL}, {0, NULL}, {2, places}};
    hma_result *some = score(e, source, (hma_selection){.items = HMA_ITEMS_SEARCH, .only = only});
    assert_int_equal(some->tasks[1].items, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(some->tasks[0].item_id[i], whole->tasks[0].item_id[places[i]]);
        assert_string_equal(some->tasks[0].detail[i], whole->tasks[0].detail[places[i]]);
        assert_string_equal(some->alignment.detail[i], whole->alignment.detail[places[i]]);
    }
    hma_result_free(some);
    hma_result_free(whole);
    hma_result_free(first);
    hma_result_free(rest);
    hma_evaluator_free(e);
    hma_source_free(source);
    hma_checkpoint_close(post);
    hma_suite_free(suite);
    hma_context_free(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_split_everything_is_asked_in_order),
        cmocka_unit_test(one_file_is_divided_into_halves_without_an_item_in_common),
        cmocka_unit_test(the_half_follows_the_item_not_its_place),
        cmocka_unit_test(items_that_share_a_passage_stay_together),
        cmocka_unit_test(a_file_for_each_is_taken_whole),
        cmocka_unit_test(the_digest_covers_the_search_file),
        cmocka_unit_test(parts_ask_every_item_once_and_grow_from_the_same_beginning),
        cmocka_unit_test(single_places_of_the_random_order_are_asked),
        cmocka_unit_test(what_cannot_be_divided_is_refused),
        cmocka_unit_test(an_items_score_does_not_depend_on_the_selection),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
