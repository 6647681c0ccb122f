/*
 * Data files of the task library: the first line of an input names a task and the file's ending ("arc_easy json"), the rest is
 * the file. Accepted: every item has what its task needs, and its texts are UTF-8.
 */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "eval/tasks/fewshot.h"
#include "eval/tasks/library/library.h"
#include "fuzz.h"

enum { LONGEST_HEAD = 60, MOST_ITEMS = 50 };

static void check_text(const char *text) {
    fuzz_check(text && hma_utf8_is_valid(text, strlen(text)), "a text of an item is UTF-8");
}

static void check_item(const hma_builtin *builtin, const hma_item *item) {
    fuzz_check(item->id && *item->id && item->published && item->text_count > 0, "an item has an id, a document and texts");
    for (size_t i = 0; i < item->text_count; i++) {
        check_text(item->texts[i]);
        check_text(hma_item_query(item, i));
    }
    check_text(hma_item_example(item));
    if (builtin->type == HMA_TASK_MULTIPLE_CHOICE) {
        fuzz_check(item->text_count >= 2 && item->gold < item->text_count && item->right[item->gold], "a right choice");
    }
}

static void run(const uint8_t *data, size_t size) {
    char head[LONGEST_HEAD + 1] = {0}, path[4096], digest[65];
    const uint8_t *end = memchr(data, '\n', size);
    const size_t length = end ? (size_t)(end - data) : 0;
    if (length == 0 || length > LONGEST_HEAD) {
        return;
    }
    memcpy(head, data, length);
    char *suffix = strchr(head, ' ');
    if (!suffix) {
        return;
    }
    *suffix++ = 0;
    const hma_builtin *builtin = hma_builtin_find(head);
    if (!builtin || strspn(suffix, "abcdefghijklmnopqrstuvwxyz") != strlen(suffix)) {
        return;
    }
    char name[LONGEST_HEAD + 8];
    (void)snprintf(name, sizeof name, "data.%s", suffix);
    fuzz_write(name, end + 1, size - length - 1);
    (void)snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    hma_items items = {0};
    if (fuzz_succeeded(hma_library_load(&items, builtin, path, NULL, MOST_ITEMS, digest))) {
        fuzz_check(items.count > 0 && items.count <= MOST_ITEMS && strlen(digest) == 64, "items and a digest");
        for (size_t i = 0; i < items.count; i++) {
            check_item(builtin, &items.item[i]);
        }
        hma_items_free(&items);
    }
    fuzz_remove(name);
}

static const char *const words[] = {"arc_easy json\n",
                                    "piqa csv\n",
                                    "race jsonl\n",
                                    "squadv2 json\n",
                                    "drop json\n",
                                    "lambada_openai txt\n",
                                    "\"choices\":",
                                    "\"text\":[",
                                    "\"label\":[",
                                    "\"answerKey\":",
                                    "\"answers\":",
                                    "\"validated_answers\":",
                                    "[{'question': '",
                                    "'answer': 'A'",
                                    "\"qa_pairs\":[",
                                    "\"paragraphs\":[",
                                    "\"spans\":[",
                                    "\"number\":\"3\"",
                                    "\\x41",
                                    "[title]",
                                    "  _  .",
                                    "\"\"",
                                    NULL};

const fuzz_target the_target = {.name = "library", .run = run, .words = words};
