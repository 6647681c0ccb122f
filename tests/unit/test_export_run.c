/* src/export: a run as its exports tell it. */
#include "run_by_hand.h"

#include <dirent.h>

#include "base/json.h"
#include "export/table.h"
#include "hma/export.h"
#include "hma/front.h"

/* A finished run over blocks and one ratio, in which one merge is not finite, and its front. */
typedef struct finished {
    char folder[512];
    hma_context *context;
    hma_run *run;
    hma_front *front;
} finished;

static const char broken[] = "0.4/1/0.4";

static int finish_run(void **state) {
    finished *f = calloc(1, sizeof *f);
    hma_run *run;
    hand_scorer scorer = {.break_label = broken};
    assert_non_null(f);
    open_place(f->folder, &f->context, 1);
    assert_ok(begin_by_hand(&run, f->context, in_folder(f->folder, "run"), &scorer));
    assert_ok(hma_run_add_grid(run, "0:1:0.2"));
    assert_ok(hma_run_add_levels(run, "0.4,1"));
    assert_ok(hma_run_score(run));
    hma_run_close(run);
    assert_ok(hma_run_open(&f->run, in_folder(f->folder, "run")));
    assert_ok(hma_front_compute(&f->front, f->context, f->run, &(hma_front_options){.resamples = 200}));
    *state = f;
    return 0;
}

static int drop_run(void **state) {
    finished *f = *state;
    hma_front_free(f->front);
    hma_run_close(f->run);
    close_place(f->folder, f->context);
    free(f);
    return 0;
}

static size_t entry_count(const char *folder) {
    DIR *listing = opendir(folder);
    size_t count = 0;
    assert_non_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    (void)closedir(listing);
    return count;
}

static void load(const char *path, char **content, size_t *length) {
    assert_ok(hma_file_load(path, 64 << 20, content, length));
    assert_true(*length > 0);
}

static void every_suffix_is_written_and_the_same_again(void **state) {
    const finished *f = *state;
    static const char *const names[] = {"a.h5", "a.csv", "a.json", "a.svg", "a.html", "b.ipynb"};
    const size_t count = sizeof names / sizeof *names;
    for (size_t i = 0; i < count; i++) {
        char *first, *second;
        size_t first_length, second_length;
        const char *path = in_folder(f->folder, names[i]);
        assert_ok(hma_export(f->run, f->front, path));
        load(path, &first, &first_length);
        assert_ok(hma_export(f->run, f->front, path));
        load(path, &second, &second_length);
        assert_int_equal(first_length, second_length);
        assert_memory_equal(first, second, first_length);
        free(first);
        free(second);
    }
    assert_true(hma_path_exists(in_folder(f->folder, "b.h5"))); /* which the notebook opens */
    assert_int_equal(entry_count(f->folder), count + 2);        /* and the run */
}

static void other_suffixes_are_refused_with_the_list(void **state) {
    const finished *f = *state;
    static const char *const names[] = {"front.pdf", "front", ".h5", "front.H5", "h5", "front.json.gz"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_fails(hma_export(f->run, f->front, names[i]), HMA_USAGE, "expected .h5, .csv, .json, .svg, .html or .ipynb");
    }
}

static void a_folder_that_is_not_there_is_an_error_of_the_system(void **state) {
    const finished *f = *state;
    assert_fails(hma_export(f->run, f->front, in_folder(f->folder, "missing/a.h5")), HMA_IO, "missing/a.h5");
    assert_fails(hma_export(f->run, f->front, in_folder(f->folder, "missing/a.ipynb")), HMA_IO, "missing/a.h5");
}

static const cJSON *point_of(const cJSON *front, const char *label) {
    const cJSON *point;
    cJSON_ArrayForEach(point, hma_json_get(front, "points")) {
        if (strcmp(hma_json_get(point, "label")->valuestring, label) == 0) {
            return point;
        }
    }
    fail_msg("no point %s", label);
    return NULL;
}

static void json_says_what_the_run_says(void **state) {
    const finished *f = *state;
    char *text;
    cJSON *front;
    size_t index;
    assert_ok(hma_export_json(f->run, f->front, &text));
    assert_ok(hma_json_parse(&front, "front", text, strlen(text)));
    assert_int_equal(cJSON_GetArraySize(hma_json_get(front, "points")), hma_run_candidate_count(f->run));
    assert_string_equal(hma_json_get(front, "history")->valuestring, hma_run_fact(f->run, "command_line"));
    const cJSON *point = point_of(front, "1/0.4/0.4"), *ratios = hma_json_get(point, "ratios");
    assert_ok(hma_run_find(f->run, "1/0.4/0.4", &index));
    assert_int_equal(cJSON_GetArraySize(ratios), 3);
    for (int block = 0; block < 3; block++) {
        assert_true(cJSON_GetArrayItem(ratios, block)->valuedouble == hma_run_ratio(f->run, index, (size_t)block));
    }
    assert_int_equal(cJSON_GetArraySize(hma_json_get(point_of(front, "post"), "ratios")), 3);
    assert_string_equal(hma_json_get(point, "id")->valuestring, hma_run_candidate(f->run, index)->id);
    assert_true(cJSON_IsTrue(hma_json_get(point_of(front, "0.2"), "uniform")));
    const cJSON *failed = point_of(front, broken);
    assert_non_null(strstr(hma_json_get(failed, "failure")->valuestring, "is NaN at 3"));
    assert_null(hma_json_get(hma_json_get(failed, "alignment"), "value"));
    assert_true(cJSON_IsTrue(hma_json_get(failed, "excluded")));
    cJSON_Delete(front);
    hma_text_free(text);
}

/* Scores and texts of one task of the table and of the journal. */
static void assert_same_items(const hma_table *table, const hma_table_task *task, const hma_task_result *result, size_t point) {
    assert_string_equal(task->name, result->name);
    assert_int_equal(task->items, result->items);
    for (size_t item = 0; item < task->items; item++) {
        const size_t at = point * task->items + item;
        assert_string_equal(task->id[item], result->item_id[item]);
        assert_memory_equal(&task->score[at], &result->score[item], sizeof(double));
        if (!table->points[point].failure) {
            char expected[128];
            (void)snprintf(expected, sizeof expected, "{\"text\":\"%s\"}", task->text[at]);
            assert_string_equal(expected, result->detail[item]);
        }
    }
}

static void items_are_those_of_the_journal(void **state) {
    const finished *f = *state;
    hma_table table;
    assert_ok(hma_table_gather(&table, f->run, f->front, true));
    assert_int_equal(table.task_count, 3);
    assert_true(table.tasks[0].is_alignment && !table.tasks[1].is_alignment);
    for (size_t point = 0; point < f->front->point_count; point++) {
        hma_result *result;
        assert_ok(hma_run_result(f->run, f->front->points[point].candidate, &result));
        assert_same_items(&table, &table.tasks[0], &result->alignment, point);
        assert_same_items(&table, &table.tasks[1], &result->tasks[0], point);
        assert_same_items(&table, &table.tasks[2], &result->tasks[1], point);
        hma_result_free(result);
    }
    hma_table_free(&table);
}

static void points_are_written_for_mergekit_without_the_models(void **state) {
    const finished *f = *state;
    const char *path = in_folder(f->folder, "point.yml");
    char *text;
    size_t length;
    assert_ok(hma_export_mergekit(f->run, f->front, f->front->post, path));
    load(path, &text, &length);
    assert_non_null(strstr(text, "# hma point: \"post\""));
    assert_non_null(strstr(text, "layer_range: [0, 6]"));
    free(text);
    assert_fails(hma_export_mergekit(f->run, f->front, f->front->point_count, path), HMA_USAGE, "--point: there is no point");
    assert_int_equal(unlink(path), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suffix_is_written_and_the_same_again),
        cmocka_unit_test(other_suffixes_are_refused_with_the_list),
        cmocka_unit_test(a_folder_that_is_not_there_is_an_error_of_the_system),
        cmocka_unit_test(json_says_what_the_run_says),
        cmocka_unit_test(items_are_those_of_the_journal),
        cmocka_unit_test(points_are_written_for_mergekit_without_the_models),
    };
    return cmocka_run_group_tests(tests, finish_run, drop_run);
}
