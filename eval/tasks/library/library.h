/*
 * The task library: data sets in the layouts in which they are published become items of a suite, with the prompts of
 * lm-evaluation-harness 0.4.13. A task is an entry of the table in builtins.c: its settings, its prompt, and two functions.
 */
#ifndef HMA_TASKS_LIBRARY_H
#define HMA_TASKS_LIBRARY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "eval/tasks/items.h"
#include "hma/error.h"
#include "hma/eval.h"

/* Measures that a task reports, and stop strings that it has. */
enum { HMA_MOST_MEASURES = 5, HMA_BUILTIN_STOPS = 3 };

typedef struct hma_builtin hma_builtin;

/*
 * From a value of the file to documents in one layout (the Hugging Face data set's), appended to `docs`; takes values out of
 * `record`, which is the caller's. NULL: each record is a document.
 */
typedef hma_status (*hma_expand_fn)(cJSON *docs, cJSON *record, const char *where);

/* From a document to an item of a suite, an object that is empty so far. */
typedef hma_status (*hma_make_fn)(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);

struct hma_builtin {
    const char *name;     /* lm-evaluation-harness's */
    const char *category; /* unless the suite says otherwise */
    hma_task_type type;
    hma_metric metrics[HMA_MOST_MEASURES]; /* the first one counts */
    size_t metric_count;
    const char *prompt;                   /* of the query, {field} by {field}; NULL: `make` writes it */
    const char *until[HMA_BUILTIN_STOPS]; /* generate */
    const char *delimiter;                /* between a query and its answer */
    size_t shots;                         /* worked examples by default */
    bool no_shots;                        /* the prompt has its own examples: there are never others */
    bool leaves_own_out;                  /* draws one example more and leaves out the document that is asked */
    bool draws_from_test;   /* without a file for examples, draws from the documents that are asked, as they are */
    const char *line_key;   /* the field that a line of a text file is; NULL: no text files */
    const char *answer_key; /* the field that the lines of a second file are; NULL: there is no second file */
    const char *version;    /* of the harness's task */
    const char *data;       /* which files, for the message when they are missing */
    hma_expand_fn expand;
    hma_make_fn make;
};

/* NULL when there is none of that name. */
const hma_builtin *hma_builtin_find(const char *name);
/* One after the other, from 0 on; NULL after the last. */
const hma_builtin *hma_builtin_at(size_t index);

/*
 * Reads the documents of a file (and of its second file, NULL when there is none) and makes the first `limit` into items.
 * @return HMA_IO naming the data set when the file is not there; HMA_BAD_DATA naming file and document.
 */
hma_status hma_library_load(hma_items *out, const hma_builtin *builtin, const char *path, const char *answers_path,
                            size_t limit, char digest[65]);

/* ---- choices.c, articles.c, texts.c: what the table refers to ---- */

hma_status hma_expand_stem(cJSON *docs, cJSON *record, const char *where);
hma_status hma_make_lettered(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);
hma_status hma_make_commonsense(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);
hma_status hma_make_piqa(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);
hma_status hma_make_boolq(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);
hma_status hma_make_hellaswag(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);
hma_status hma_make_winogrande(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);
hma_status hma_expand_truthfulqa(cJSON *docs, cJSON *record, const char *where);
hma_status hma_make_truthfulqa_mc1(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);
hma_status hma_make_truthfulqa_mc2(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);

hma_status hma_expand_race(cJSON *docs, cJSON *record, const char *where);
hma_status hma_make_race(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);
hma_status hma_expand_squad(cJSON *docs, cJSON *record, const char *where);
hma_status hma_make_squad(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);
hma_status hma_expand_drop(cJSON *docs, cJSON *record, const char *where);
hma_status hma_make_drop(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);

hma_status hma_make_lambada(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);
hma_status hma_make_gsm8k(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);
/* What `answer_key` names is the translation. */
hma_status hma_expand_translation(cJSON *docs, cJSON *record, const char *where);
hma_status hma_make_translation(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);

/* Appends the "id" of a document to its item, when it is a text or a number. */
hma_status hma_make_id(cJSON *item, const cJSON *doc, const char *key);
/* Appends the text that the item shares with others, when there is one. */
hma_status hma_make_cluster(cJSON *item, const cJSON *passage);
/* Appends the builtin's prompt, filled, as "query". */
hma_status hma_make_query(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where);

#endif
