/*
 * A suite and its data: what stands before the first line "@@" is suite.json, the rest is a.jsonl. Accepted: every item has
 * what its task needs, and loading again gives the same digest.
 */
#include <stdio.h>
#include <string.h>

#include "eval/tasks/suite.h"
#include "fuzz.h"
#include "hma/eval.h"

static void check_item(const hma_task_spec *spec, const hma_item *item) {
    fuzz_check(item->id && *item->id && item->query && item->text_count > 0, "an item has an id, a query and texts");
    if (spec->task.type == HMA_TASK_MULTIPLE_CHOICE) {
        fuzz_check(item->text_count >= 2 && item->gold < item->text_count, "gold is one of at least two choices");
    }
    for (size_t i = 0; i < item->answer_count; i++) {
        fuzz_check(item->answers[i].count > 0 &&
                       item->answers[i].text + item->answers[i].count <= item->texts + item->text_count,
                   "the spans of answers are among the texts");
    }
}

static void check_task(const hma_task_spec *spec) {
    fuzz_check(*spec->task.name && !strchr(spec->task.name, '/') && *spec->task.name != '.',
               "a name can be part of a file name");
    fuzz_check(spec->task.items > 0 && spec->task.items == spec->items.count, "a task has items");
    fuzz_check(hma_metric_describe(spec->task.metric) != NULL, "a task has a metric");
    fuzz_check(spec->task.type != HMA_TASK_GENERATE || spec->max_tokens >= 1, "a generation makes something");
    for (size_t i = 0; i < spec->items.count; i++) {
        check_item(spec, &spec->items.item[i]);
    }
}

static void check_alignment(const hma_suite *suite) {
    const hma_alignment_spec *spec = &suite->alignment;
    fuzz_check(suite->prompts[0].count + suite->prompts[1].count > 0, "alignment has prompts");
    fuzz_check(spec->samples >= 1 && spec->max_tokens >= 1 && spec->temperature >= 0 && spec->top_p > 0,
               "replies can be drawn");
    fuzz_check(spec->type != HMA_ALIGNMENT_SCORES || *spec->command[0], "a scorer has a program");
    fuzz_check(spec->type != HMA_ALIGNMENT_REWARD_MODEL || hma_suite_reward_folder(suite), "a reward model has a folder");
}

static void write_files(const uint8_t *data, size_t size) {
    static const char mark[] = "\n@@\n";
    const uint8_t *split = memmem(data, size, mark, sizeof mark - 1);
    const size_t length = split ? (size_t)(split - data) : size;
    fuzz_write("suite.json", data, length);
    fuzz_write("a.jsonl", split ? split + sizeof mark - 1 : data, split ? size - length - (sizeof mark - 1) : 0);
}

static void run(const uint8_t *data, size_t size) {
    char path[4096], digest[65];
    hma_suite *suite;
    write_files(data, size);
    (void)snprintf(path, sizeof path, "%s/suite.json", fuzz_folder());
    const hma_status status = hma_suite_load(&suite, path);
    if (status == HMA_IO || !fuzz_succeeded(status)) { /* HMA_IO: it names files that are not there */
        return;
    }
    for (size_t i = 0; i < suite->task_count; i++) {
        check_task(&suite->tasks[i]);
    }
    if (suite->has_alignment) {
        check_alignment(suite);
    }
    (void)snprintf(digest, sizeof digest, "%s", hma_suite_digest(suite));
    hma_suite_free(suite);
    fuzz_check(hma_suite_load(&suite, path) == HMA_OK && strcmp(hma_suite_digest(suite), digest) == 0, "a digest stays");
    hma_suite_free(suite);
}

static const char *const words[] = {FUZZ_JSON_WORDS,
                                    "\n",
                                    "\n@@\n",
                                    "\"tasks\":[",
                                    "\"name\":\"a\",",
                                    "\"type\":\"multiple_choice\",",
                                    "\"type\":\"generate\",",
                                    "\"type\":\"loglikelihood\",",
                                    "\"file\":\"a.jsonl\",",
                                    "\"metric\":\"acc\"",
                                    "\"metric\":\"bleu\"",
                                    "\"metric\":\"drop_f1\"",
                                    "\"limit\":1",
                                    "\"until\":[\"x\"]",
                                    "\"alignment\":{",
                                    "\"type\":\"implicit\",",
                                    "\"type\":\"scores\",",
                                    "\"command\":[\"x\"],",
                                    "\"model\":\"m\",",
                                    "\"prompts\":{\"test\":\"a.jsonl\"}",
                                    "\"query\":\"q\"",
                                    "\"choices\":[\"a\",\"b\"]",
                                    "\"gold\":1",
                                    "\"answers\":[\"a\",[\"b\",\"c\"]]",
                                    "\"target\":\"t\"",
                                    "\"prompt\":\"p\"",
                                    "\"id\":1",
                                    NULL};

const fuzz_target the_target = {.name = "suite", .run = run, .words = words};
