/* Adding candidates: one recipe, the lines of a file. */
#include "search/candidates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "hma/text.h"
#include "search/parts.h"

enum { LONGEST_LABEL = 200, LONGEST_FILE = 1 << 26 };

/* ---- labels ---- */

/* "0.4/0.7/1", or "0.4" when all blocks have the same ratio. */
static void write_ratios(hma_buffer *text, const hma_recipe *recipe) {
    const size_t blocks = hma_recipe_blocks(recipe);
    bool uniform = true;
    for (size_t k = 1; k < blocks; k++) {
        uniform = uniform && hma_recipe_block_ratio(recipe, k) == hma_recipe_block_ratio(recipe, 0);
    }
    for (size_t k = 0; k < (uniform ? 1 : blocks); k++) {
        char number[HMA_DOUBLE_TEXT];
        hma_buffer_printf(text, "%s%s", k ? "/" : "", hma_double_text(hma_recipe_block_ratio(recipe, k), number));
    }
}

/* Of its ratios, and of its id where another recipe has the same ratios. */
static hma_status make_label(char **out, const hma_run *run, const hma_recipe *recipe) {
    hma_buffer text = {0};
    bool taken = false;
    write_ratios(&text, recipe);
    if (text.length > LONGEST_LABEL) {
        hma_buffer_clear(&text);
        hma_buffer_printf(&text, "%zu ratios, mean %.4g", hma_recipe_blocks(recipe), hma_recipe_mean_ratio(recipe));
    }
    hma_status status = hma_buffer_ok(&text);
    if (status == HMA_OK) {
        status = hma_journal_has_candidate(run->journal, "label", hma_buffer_cstr(&text), &taken);
    }
    if (taken) {
        hma_buffer_printf(&text, " (%s)", hma_recipe_id(recipe));
    }
    if (status == HMA_OK) {
        *out = hma_buffer_release(&text);
        status = *out ? HMA_OK : HMA_FAILURE;
    }
    hma_buffer_free(&text);
    return status;
}

hma_status hma_candidates_check_label(const hma_run *run, const char *label) {
    const size_t length = strlen(label);
    static const char *const reserved[] = {"recommended", "knee", "best-retention", "best-reward"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (strcmp(label, reserved[i]) == 0) {
            return hma_error(HMA_USAGE, "label \"%s\": is the name of a point of every front: choose another", label);
        }
    }
    bool taken = false, printable = length > 0 && length <= LONGEST_LABEL && hma_utf8_is_valid(label, length);
    for (size_t i = 0; i < length; i++) {
        printable = printable && (unsigned char)label[i] >= 0x20 && label[i] != 0x7f;
    }
    if (!printable) {
        return hma_error(HMA_USAGE,
                         "label \"%.40s\": is not usable (expected 1 to %d bytes of printable UTF-8): choose another", label,
                         LONGEST_LABEL);
    }
    const hma_status status = hma_journal_has_candidate(run->journal, "label", label, &taken);
    return status == HMA_OK && taken
               ? hma_error(HMA_USAGE, "label \"%s\": belongs to another candidate of %s: choose another", label, run->folder)
               : status;
}

/* ---- one candidate, within a transaction ---- */

static hma_status put(hma_run *run, const hma_recipe *recipe, hma_origin origin, const char *label) {
    hma_recipe *copy;
    char *json;
    hma_status status = hma_recipe_json(recipe, &json);
    if (status != HMA_OK) {
        return status;
    }
    status =
        hma_journal_put_candidate(run->journal, run->entry_count, hma_recipe_id(recipe), label, hma_origin_name(origin), json);
    hma_text_free(json);
    if (status == HMA_OK) {
        status = hma_recipe_copy(&copy, recipe);
    }
    return status == HMA_OK ? hma_run_append(run, copy, origin, label) : status;
}

static hma_status check_room(const hma_run *run) {
    if (run->entry_count >= HMA_MOST_CANDIDATES) {
        return hma_error(HMA_USAGE, "%s: has %d candidates already (expected at most so many): leave some out", run->folder,
                         HMA_MOST_CANDIDATES);
    }
    return HMA_OK;
}

/* What a search found and left behind is scored when somebody asks for it by name. */
static hma_status reopen(hma_run *run, const char *id) {
    size_t index;
    hma_status status = hma_run_find(run, id, &index);
    if (status == HMA_OK && run->entries[index].candidate.searched) {
        status = hma_parts_set_status(run->journal, index, "waiting", NULL);
        run->entries[index].candidate.searched = false;
        run->reopened = true;
    }
    return status;
}

hma_status hma_candidates_add(hma_run *run, const hma_recipe *recipe, hma_origin origin, const char *label) {
    bool known;
    char *made = NULL;
    hma_status status = hma_journal_has_candidate(run->journal, "id", hma_recipe_id(recipe), &known);
    if (status == HMA_OK && known && origin != HMA_ORIGIN_SEARCH) {
        return reopen(run, hma_recipe_id(recipe));
    }
    if (status != HMA_OK || known) {
        return status;
    }
    status = check_room(run);
    if (status != HMA_OK) {
        return status;
    }
    status = run->scorer.check ? run->scorer.check(run->scorer.user, recipe) : HMA_OK;
    if (status == HMA_OK) {
        status = label ? hma_candidates_check_label(run, label) : make_label(&made, run, recipe);
    }
    if (status == HMA_OK) {
        status = put(run, recipe, origin, label ? label : made);
    }
    free(made);
    return status;
}

/* Its label unless it is given: a mixture's is its weight. */
static hma_status put_source(hma_run *run, const hma_run_source *source, const char *id, const char *label) {
    char made[64], number[HMA_DOUBLE_TEXT];
    hma_status status = HMA_OK;
    if (!label) {
        (void)snprintf(made, sizeof made, "mixture %s", hma_double_text(source->ratio, number));
        label = made;
    }
    status = hma_candidates_check_label(run, label);
    if (status == HMA_OK) {
        status = hma_journal_put_candidate(run->journal, run->entry_count, id, label, hma_origin_name(HMA_ORIGIN_EXTRA), "");
    }
    if (status == HMA_OK) {
        status = hma_journal_put_source(run->journal, run->entry_count, hma_candidate_kind_name(source->kind), source->ratio,
                                        source->sha256, source->folder);
    }
    return status == HMA_OK ? hma_run_append_source(run, source, HMA_ORIGIN_EXTRA, label) : status;
}

hma_status hma_candidates_add_source(hma_run *run, const hma_run_source *source, const char *label) {
    char id[65];
    bool known = false;
    hma_status status = hma_run_source_id(source, id);
    if (status == HMA_OK) {
        status = hma_journal_has_candidate(run->journal, "id", id, &known);
    }
    if (status == HMA_OK && !known) {
        status = check_room(run);
    }
    return status == HMA_OK && !known ? put_source(run, source, id, label) : status;
}

hma_status hma_candidates_add_line(hma_run *run, const char *line, size_t length, const char *name, hma_origin origin) {
    hma_recipe *recipe;
    char *label = NULL;
    hma_status status = hma_candidate_parse(&recipe, &label, run, line, length, name);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_candidates_add(run, recipe, origin, label);
    hma_recipe_free(recipe);
    free(label);
    return status;
}

/* ---- several candidates: all or none ---- */

hma_status hma_candidates_add_together(hma_run *run, hma_candidates_fn add_all, const void *what) {
    if (!run->context) {
        return hma_error(HMA_USAGE, "%s: was opened for reading (expected hma_run_begin)", run->folder);
    }
    const size_t before = run->entry_count;
    run->reopened = false;
    hma_status status = hma_journal_begin(run->journal);
    if (status == HMA_OK) {
        status = add_all(run, what);
    }
    if (status == HMA_OK) {
        status = hma_journal_commit(run->journal, "save candidates");
    }
    if (status != HMA_OK) {
        hma_journal_roll_back(run->journal);
        hma_run_truncate(run, before);
        return status;
    }
    return run->entry_count > before || run->reopened ? hma_run_note_line(run) : HMA_OK;
}

/* ---- a recipe ---- */

struct single {
    const hma_recipe *recipe;
    hma_origin origin;
    const char *label;
};

static hma_status add_single(hma_run *run, const void *what) {
    const struct single *single = what;
    if (hma_recipe_layers(single->recipe) != run->layers) {
        return hma_error(HMA_USAGE, "recipe: is for %zu layers (expected %zu as in %s)", hma_recipe_layers(single->recipe),
                         run->layers, run->folder);
    }
    return hma_candidates_add(run, single->recipe, single->origin, single->label);
}

hma_status hma_run_add(hma_run *run, const hma_recipe *recipe, hma_origin origin, const char *label) {
    return hma_candidates_add_together(run, add_single, &(struct single){recipe, origin, label});
}

/* ---- a file ---- */

struct file {
    const char *path, *text;
    size_t length;
};

static bool is_blank(const char *line, size_t length) { return strspn(line, " \t\r") >= length; }

static hma_status add_file_line(hma_run *run, const struct file *file, const char *line, size_t length, size_t number) {
    hma_buffer name = {0};
    hma_buffer_printf(&name, "%s: line %zu", file->path, number);
    hma_status status = hma_buffer_ok(&name);
    if (status == HMA_OK) {
        status = hma_candidates_add_line(run, line, length, hma_buffer_cstr(&name), HMA_ORIGIN_EXTRA);
    }
    if (status == HMA_USAGE) {
        status =
            hma_error(HMA_BAD_DATA, "%s: %s", hma_buffer_cstr(&name), hma_error_message()); /* what the file says is data */
    }
    hma_buffer_free(&name);
    return status;
}

static hma_status add_file(hma_run *run, const void *what) {
    const struct file *file = what;
    hma_status status = HMA_OK;
    size_t number = 1;
    for (size_t at = 0; at < file->length && status == HMA_OK; number++) {
        const char *line = file->text + at, *end = memchr(line, '\n', file->length - at);
        const size_t length = end ? (size_t)(end - line) : file->length - at;
        if (!is_blank(line, length)) {
            status = add_file_line(run, file, line, length, number);
        }
        at += length + 1;
    }
    return status;
}

hma_status hma_run_add_file(hma_run *run, const char *path) {
    char *text;
    size_t length;
    hma_status status = hma_file_load(path, LONGEST_FILE, &text, &length);
    if (status == HMA_OK) {
        status = hma_candidates_add_together(run, add_file, &(struct file){path, text, length});
        free(text);
    }
    return status;
}
