/* Journals that are empty, foreign, cut, changed or from another version: one clear line, nothing changed, never a crash. */
#include "run_by_hand.h"

#include "hma/front.h"

typedef struct fixture {
    char folder[512]; /* temporary */
    char run[600];    /* a finished run */
    char journal[700];
    char *bytes; /* its journal */
    size_t length;
    hma_context *context;
} fixture;

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    open_place(f->folder, &f->context, 1);
    (void)snprintf(f->run, sizeof f->run, "%s/run", f->folder);
    (void)snprintf(f->journal, sizeof f->journal, "%s/journal.sqlite", f->run);
    finish_by_hand(f->run);
    assert_ok(hma_file_load(f->journal, 1 << 24, &f->bytes, &f->length));
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    close_place(f->folder, f->context);
    free(f->bytes);
    free(f);
    return 0;
}

static void put_journal(const fixture *f, const void *bytes, size_t length) {
    assert_ok(hma_file_store(f->journal, bytes, length));
}
static void restore_journal(const fixture *f) { put_journal(f, f->bytes, f->length); }

static void assert_journal_is(const fixture *f, const void *bytes, size_t length) {
    char *now;
    size_t now_length;
    assert_ok(hma_file_load(f->journal, 1 << 24, &now, &now_length));
    assert_int_equal(now_length, length);
    assert_memory_equal(now, bytes, length);
    free(now);
}

/* Readers and writers refuse it with this message. */
static void assert_refused(const fixture *f, hma_status status, const char *message) {
    hma_run *run;
    char *report;
    hand_scorer scorer = {0};
    assert_fails(hma_run_open(&run, f->run), status, message);
    assert_fails(hma_run_verify(f->run, &report), status, message);
    assert_fails(begin_by_hand(&run, f->context, f->run, &scorer), status, message);
    assert_null(strchr(hma_error_message(), '\n'));
    assert_non_null(strstr(hma_error_message(), "journal.sqlite: "));
}

/* ---- other files ---- */

static void files_that_are_no_journals(void **state) {
    const fixture *f = *state;
    static const struct {
        const char *text;
        size_t length;
        const char *message;
    } files[] = {{"", 0, "is empty"},
                 {"SQLite", 6, "is no SQLite file"},
                 {"version https://git-lfs.github.com/spec/v1\n", 43, "is no SQLite file"},
                 {"SQLite format 3\0", 16, "is damaged"},
                 {"SQLite format 3\0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 98,
                  "is damaged"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        put_journal(f, files[i].text, files[i].length);
        assert_refused(f, HMA_BAD_DATA, files[i].message);
        assert_journal_is(f, files[i].text, files[i].length);
    }
}

static void things_that_are_no_files(void **state) {
    const fixture *f = *state;
    assert_int_equal(unlink(f->journal), 0);
    assert_int_equal(mkdir(f->journal, 0777), 0);
    assert_refused(f, HMA_BAD_DATA, "is a folder");
    assert_int_equal(rmdir(f->journal), 0);
    assert_int_equal(mkfifo(f->journal, 0666), 0);
    assert_refused(f, HMA_BAD_DATA, "is a named pipe");
    assert_int_equal(unlink(f->journal), 0);
    assert_int_equal(symlink("nowhere", f->journal), 0);
    assert_refused(f, HMA_BAD_DATA, "leads nowhere");
}

static void folders_that_are_no_runs(void **state) {
    const fixture *f = *state;
    hma_run *run;
    hand_scorer scorer = {0};
    assert_fails(hma_run_open(&run, f->folder), HMA_IO, "holds no journal.sqlite");
    assert_fails(hma_run_open(&run, in_folder(f->folder, "none")), HMA_IO, "there is no such folder");
    assert_fails(begin_by_hand(&run, f->context, in_folder(f->folder, "none/run"), &scorer), HMA_IO, "cannot make the folder");
    assert_fails(begin_by_hand(&run, f->context, f->journal, &scorer), HMA_USAGE, "is a file");
}

static void databases_of_other_programs_and_versions(void **state) {
    const fixture *f = *state;
    assert_int_equal(unlink(f->journal), 0);
    (void)query_journal(f->run, "CREATE TABLE t (x)");
    assert_refused(f, HMA_BAD_DATA, "is a SQLite file of another program");
    restore_journal(f);
    (void)query_journal(f->run, "PRAGMA user_version = 99");
    assert_refused(f, HMA_INCOMPATIBLE, "is a journal of a newer hma (schema 99, this one knows 5)");
    (void)query_journal(f->run, "PRAGMA user_version = 0");
    assert_refused(f, HMA_BAD_DATA, "schema number");
}

/* ---- damage ---- */

static void cut_journals(void **state) {
    const fixture *f = *state;
    for (size_t sixteenth = 1; sixteenth < 16; sixteenth++) {
        const size_t length = f->length * sixteenth / 16;
        put_journal(f, f->bytes, length);
        assert_refused(f, HMA_BAD_DATA, "is damaged");
        assert_journal_is(f, f->bytes, length);
    }
    restore_journal(f);
    hma_run *run;
    assert_ok(hma_run_open(&run, f->run));
    hma_run_close(run);
}

/* Everything that reads; each may refuse, but only for reasons that a damaged file can give. */
static void read_everything(const fixture *f) {
    hma_run *run;
    char *report;
    const hma_status verified = hma_run_verify(f->run, &report);
    assert_true(verified == HMA_OK || verified == HMA_BAD_DATA || verified == HMA_INCOMPATIBLE);
    if (verified == HMA_OK) {
        hma_text_free(report);
    }
    const hma_status opened = hma_run_open(&run, f->run);
    assert_true(opened == HMA_OK || opened == HMA_BAD_DATA || opened == HMA_INCOMPATIBLE);
    if (opened != HMA_OK) {
        return;
    }
    hma_front *front;
    if (hma_front_compute(&front, f->context, run, &(hma_front_options){.resamples = 20}) == HMA_OK) {
        hma_front_free(front);
    }
    for (size_t i = 0; i < hma_run_candidate_count(run); i++) {
        hma_result *result;
        if (hma_run_result(run, i, &result) == HMA_OK) {
            hma_result_free(result);
        }
    }
    hma_run_close(run);
}

static void bytes_that_were_changed_at_random(void **state) {
    const fixture *f = *state;
    const hma_rng_key key = hma_rng_key_for(1, "damage");
    char *copy = malloc(f->length);
    assert_non_null(copy);
    const int descriptor = open(f->journal, O_WRONLY | O_CLOEXEC);
    assert_true(descriptor >= 0);
    for (uint64_t round = 0; round < 300; round++) {
        memcpy(copy, f->bytes, f->length);
        for (uint64_t i = 0; i < 1 + round % 20; i++) {
            const hma_rng_key change = hma_rng_key_with(key, round * 100 + i);
            /* half of the changes in the first page, where the file's own description is */
            copy[hma_rng_below(change, 0, i % 2 ? f->length : 4096)] = (char)hma_rng_u64(change, 1);
        }
        assert_int_equal(pwrite(descriptor, copy, f->length, 0), f->length);
        read_everything(f);
    }
    assert_int_equal(close(descriptor), 0);
    free(copy);
}

static void schemas_that_were_changed(void **state) {
    const fixture *f = *state;
    static const char *const changes[] = {
        "DROP TABLE stat",
        "ALTER TABLE fact RENAME TO truth",
        "ALTER TABLE candidate ADD COLUMN extra",
        "DROP INDEX scored_once",
        "DROP TABLE digest",
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        restore_journal(f);
        (void)query_journal(f->run, changes[i]);
        assert_refused(f, HMA_BAD_DATA, "is not as hma makes it");
    }
    restore_journal(f);
    (void)query_journal(f->run, "CREATE TRIGGER spy AFTER INSERT ON stat BEGIN DELETE FROM stat; END");
    assert_refused(f, HMA_BAD_DATA, "it has triggers");
    /* a view that never ends in the place of a table */
    restore_journal(f);
    (void)query_journal(f->run, "DROP TABLE fact");
    (void)query_journal(f->run,
                        "CREATE VIEW fact (key, value) AS WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
                        "SELECT x, x FROM n");
    assert_refused(f, HMA_BAD_DATA, "table fact is not as hma makes it");
}

/* ---- rows that do not fit together ---- */

static void a_sound_journal_is_verified(void **state) {
    const fixture *f = *state;
    char *report;
    assert_ok(hma_run_verify(f->run, &report));
    assert_non_null(strstr(report, "intact: 6 candidates, 6 scored, 0 failed, 0 waiting; 216 scores of items"));
    hma_text_free(report);
}

static void rows_that_were_changed_are_found(void **state) {
    const fixture *f = *state;
    static const struct {
        const char *change, *message;
        bool opens; /* only verification finds it */
    } cases[] = {
        {"DELETE FROM fact WHERE key = 'layers'", "number of layers is missing", false},
        {"UPDATE fact SET value = '99999999999' WHERE key = 'layers'", "number of layers is missing", false},
        {"UPDATE fact SET value = '7' WHERE key = 'layers'", "does not have its id", false},
        {"UPDATE candidate SET recipe = replace(recipe, '0.4', '0.3') WHERE label = '0.4'", "does not have its id", false},
        {"UPDATE candidate SET recipe = '{' WHERE label = '0.4'", "journal.sqlite", false},
        {"UPDATE candidate SET origin = 'heaven' WHERE label = '0.4'", "origin is not known", false},
        {"UPDATE candidate SET status = 'perhaps' WHERE label = '0.4'", "status is not known", false},
        {"DELETE FROM candidate WHERE label = '0.4'", "candidates are missing", false},
        {"UPDATE candidate SET origin = 'grid' WHERE label = 'post'", "pre and post are missing", false},
        {"DELETE FROM stat WHERE candidate = 3 AND item = 5", "scores of candidate 3 in task sense are missing", true},
        {"DELETE FROM answer WHERE candidate = 3 AND task = 1 AND item = 11", "items that were never answered", true},
        {"UPDATE stat SET s0 = s0 + 1 WHERE candidate = 3 AND task = 0 AND item = 5", "do not follow from their statistics",
         true},
        {"UPDATE answer SET score = NULL WHERE candidate = 3 AND task = 2 AND item = 5", "do not follow from their statistics",
         true},
        {"UPDATE candidate SET status = 'waiting' WHERE number = 4", "was recorded as scored and has no scores", true},
        {"DELETE FROM event WHERE candidate = 4", "was never recorded as scored", true},
        {"UPDATE measure SET metric = 'luck' WHERE task = 1", "there is no such metric", true},
        {"DELETE FROM measure WHERE task = 1", "a task has no measure", true},
        {"DELETE FROM task WHERE number = 0", "tasks are missing", true},
        {"UPDATE task SET alignment = 1", "not the last task", true},
        {"DELETE FROM item WHERE task = 0 AND number = 11", "scores of items that are not in the suite", true},
        /* what fits together and is not what was written */
        {"UPDATE fact SET value = '2' WHERE key = 'seed'", "table fact is not as it was written", true},
        {"UPDATE task SET name = 'nonsense' WHERE number = 0", "table task is not as it was written", true},
        {"UPDATE item SET id = 'x' WHERE task = 0 AND number = 3", "table item is not as it was written", true},
        {"INSERT INTO item_cluster VALUES (0, 3, 'a')", "table item_cluster is not as it was written", true},
        {"UPDATE candidate SET seconds = 9 WHERE number = 4", "of candidate 4, 0.6, in table candidate are not as they", true},
        {"UPDATE answer SET detail = '{}' WHERE candidate = 3 AND item = 5", "of candidate 3, 0.4, in table answer are not",
         true},
        {"UPDATE answer SET detail = replace(detail, '\"', CAST(x'ff' AS TEXT)) WHERE candidate = 3 AND item = 5",
         "of candidate 3, 0.4, in table answer are not", true},
        {"UPDATE stat SET s0 = s0 + 1 WHERE candidate = 3 AND task = 0 AND measure = 1 AND item = 5",
         "of candidate 3, 0.4, in table stat are", true},
        {"UPDATE event SET time = 'then' WHERE number = 2", "row 2 of table event is not as it was written", true},
        {"DELETE FROM event WHERE number = 1", "row 1 of table event is not as it was written", true},
        {"UPDATE digest SET name = 'tasks' WHERE name = 'task'", "there is a digest of no table", true},
        {"UPDATE digest SET number = 1 WHERE name = 'journal'", "there is a digest of no table", true},
        {"DELETE FROM digest WHERE name = 'stat' AND number = 3", "digests of table stat are missing", true},
        {"UPDATE digest SET sha256 = '' WHERE name = 'stat' AND number = 3", "of candidate 3, 0.4, in table stat are", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hma_run *run;
        char *report;
        restore_journal(f);
        (void)query_journal(f->run, cases[i].change);
        assert_fails(hma_run_verify(f->run, &report), HMA_BAD_DATA, cases[i].message);
        assert_int_equal(hma_run_open(&run, f->run) == HMA_OK, cases[i].opens);
        if (cases[i].opens) {
            hma_run_close(run);
            read_everything(f);
        }
    }
}

static void another_suite_beside_the_journal_is_found(void **state) {
    const fixture *f = *state;
    char *report;
    assert_ok(hma_file_store(in_folder(f->run, "suite.json"), "{}", 2));
    assert_fails(hma_run_verify(f->run, &report), HMA_BAD_DATA, "is not the suite that was scored");
    assert_int_equal(unlink(in_folder(f->run, "suite.json")), 0);
    assert_fails(hma_run_verify(f->run, &report), HMA_IO, "suite.json");
}

/* ---- leftovers ---- */

static void leftovers_of_dead_processes_do_no_harm(void **state) {
    const fixture *f = *state;
    char *report;
    /* somebody deleted the journal, but not the files that belonged to it */
    assert_int_equal(unlink(f->journal), 0);
    assert_ok(hma_file_store(in_folder(f->run, "journal.sqlite-journal"), f->bytes, f->length));
    assert_ok(hma_file_store(in_folder(f->run, "journal.sqlite.new"), f->bytes, f->length / 2));
    assert_ok(hma_file_store(in_folder(f->run, "journal.sqlite.new-journal"), f->bytes, f->length));
    assert_ok(hma_file_store(in_folder(f->run, "lock"), "process 1 on nowhere\n", 21));
    finish_by_hand(f->run);
    assert_ok(hma_run_verify(f->run, &report));
    hma_text_free(report);
    assert_false(hma_path_exists(in_folder(f->run, "journal.sqlite-journal")));
    assert_false(hma_path_exists(in_folder(f->run, "journal.sqlite.new")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_that_are_no_journals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(things_that_are_no_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_that_are_no_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(databases_of_other_programs_and_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cut_journals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_that_were_changed_at_random, set_up, tear_down),
        cmocka_unit_test_setup_teardown(schemas_that_were_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sound_journal_is_verified, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_that_were_changed_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_suite_beside_the_journal_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leftovers_of_dead_processes_do_no_harm, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("search: damaged journals", tests, NULL, NULL);
}
