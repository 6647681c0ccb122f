#include "search/facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"

enum { SHOWN = 40, DIGEST = 64, DIGEST_SHOWN = 12 };

void hma_facts_free(hma_facts *facts) {
    for (size_t i = 0; i < facts->count; i++) {
        free(facts->list[i].key);
        free(facts->list[i].value);
    }
    free(facts->list);
    *facts = (hma_facts){0};
}

static hma_fact *find(const hma_facts *facts, const char *key) {
    for (size_t i = 0; i < facts->count; i++) {
        if (strcmp(facts->list[i].key, key) == 0) {
            return &facts->list[i];
        }
    }
    return NULL;
}

const char *hma_facts_get(const hma_facts *facts, const char *key) {
    const hma_fact *fact = find(facts, key);
    return fact ? fact->value : NULL;
}

static hma_fact *add(hma_facts *facts, const char *key) {
    if (hma_grow(&facts->list, &facts->capacity, facts->count + 1, sizeof *facts->list) != 0) {
        return NULL;
    }
    hma_fact *fact = &facts->list[facts->count];
    *fact = (hma_fact){.key = hma_copy_text(key)};
    return fact->key ? (facts->count++, fact) : NULL;
}

hma_status hma_facts_set(hma_facts *facts, hma_fact_kind kind, const char *key, const char *format, ...) {
    char *value;
    va_list arguments;
    va_start(arguments, format);
    const int length = vasprintf(&value, format, arguments);
    va_end(arguments);
    if (length < 0) {
        return hma_error_memory("facts");
    }
    hma_fact *fact = find(facts, key);
    if (!fact && !(fact = add(facts, key))) {
        free(value);
        return HMA_FAILURE;
    }
    free(fact->value);
    fact->value = value;
    fact->kind = kind;
    return HMA_OK;
}

/* Facts that are an option's value under another name than the user knows, and the value that stands for its absence. */
static const struct {
    const char *key, *option, *absent;
} options[] = {
    {"blocks", "--blocks", ""},       {"method", "the merge method", NULL}, {"policy", "--policy", NULL},
    {"rounding", "--rounding", NULL}, {"recipe_seed", "--seed", NULL},      {"dtype", "--dtype", NULL},
    {"overrides", "--tensor", ""},    {"precision", "--precision", NULL},   {"backend", "--backend", NULL},
    {"bos", "--bos", NULL},           {"prompts", "--prompts", NULL},       {"extra_rows", "--extra-rows", NULL},
    {"limit", "--limit", "0"},        {"seed", "the suite's seed", NULL},
};

enum { OPTIONS = sizeof options / sizeof *options };

static size_t option_of(const char *key) {
    size_t i = 0;
    while (i < OPTIONS && strcmp(options[i].key, key) != 0) {
        i++;
    }
    return i;
}

/* A value short enough for a message: of a digest its beginning. */
static void write_value(hma_buffer *text, const char *key, const char *value) {
    const size_t length = value ? strlen(value) : 0, option = option_of(key);
    if (value && option < OPTIONS && options[option].absent && strcmp(value, options[option].absent) == 0) {
        hma_buffer_text(text, "not given");
    } else if (!value || !*value) {
        hma_buffer_text(text, value ? "empty" : "not recorded");
    } else if (length <= SHOWN) {
        hma_buffer_text(text, value);
    } else {
        hma_buffer_add(text, value, length == DIGEST ? DIGEST_SHOWN : SHOWN);
        hma_buffer_text(text, "..");
    }
}

/* Inputs that a run may have or not: a third model, files of an external scorer. */
static bool may_be_missing(const char *key) {
    return strcmp(key, "base_sha256") == 0 || strncmp(key, HMA_RUN_FILE, strlen(HMA_RUN_FILE)) == 0;
}

hma_status hma_facts_compare(const hma_facts *recorded, const hma_facts *now, const char *folder) {
    hma_buffer text = {0};
    for (size_t i = 0; i < now->count; i++) {
        const hma_fact *fact = &now->list[i];
        const char *before = hma_facts_get(recorded, fact->key);
        if (fact->kind == HMA_FACT_FIXED && !(before && strcmp(before, fact->value) == 0)) {
            const size_t option = option_of(fact->key);
            hma_buffer_printf(&text, "%s%s was ", text.length ? "; " : "",
                              option < OPTIONS ? options[option].option : fact->key);
            write_value(&text, fact->key, before);
            hma_buffer_text(&text, " and is now ");
            write_value(&text, fact->key, fact->value);
        }
    }
    for (size_t i = 0; i < recorded->count; i++) {
        const hma_fact *fact = &recorded->list[i];
        if (may_be_missing(fact->key) && !hma_facts_get(now, fact->key)) {
            hma_buffer_printf(&text, "%s%s was ", text.length ? "; " : "", fact->key);
            write_value(&text, fact->key, fact->value);
            hma_buffer_text(&text, " and there is now none");
        }
    }
    hma_status status = hma_buffer_ok(&text);
    if (status == HMA_OK && text.length > 0) {
        status = hma_error(HMA_INCOMPATIBLE,
                           "%s: belongs to another run (%s): give the inputs and options it began with, or another run folder",
                           folder, hma_buffer_cstr(&text));
    }
    hma_buffer_free(&text);
    return status;
}
