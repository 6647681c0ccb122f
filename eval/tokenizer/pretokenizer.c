#include "eval/tokenizer/pretokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "eval/tokenizer/byte_alphabet.h"
#include "eval/tokenizer/components.h"
#include "eval/tokenizer/split_family.h"
#include "eval/tokenizer/unicode_table.h"

enum { MOST_STEPS = 256 };

/* ---- reading ---- */

static hma_status add_step(hma_pretokenizer *p, hma_prestep step, const char *name) {
    if (p->count >= MOST_STEPS) {
        return hma_error(HMA_BAD_DATA, "%s: more than %d steps (expected a few): replace the file", name, MOST_STEPS);
    }
    if (hma_grow(&p->steps, &p->capacity, p->count + 1, sizeof *p->steps)) {
        return HMA_FAILURE;
    }
    p->steps[p->count++] = step;
    return HMA_OK;
}

/* Takes the pattern over, also on failure. */
static hma_status add_split(hma_pretokenizer *p, hma_pattern *pattern, hma_split_behavior behavior, bool invert,
                            const char *name) {
    const hma_prestep step = {.kind = HMA_PRESTEP_SPLIT, .split = {.pattern = pattern, .behavior = behavior, .invert = invert}};
    const hma_status status = add_step(p, step, name);
    if (status != HMA_OK) {
        hma_pattern_free(pattern);
    }
    return status;
}

static hma_status add_class_split(hma_pretokenizer *p, unsigned flags, hma_split_behavior behavior, const char *name) {
    hma_pattern *pattern = NULL;
    const hma_status status = hma_pattern_new_class(&pattern, flags);
    return status == HMA_OK ? add_split(p, pattern, behavior, false, name) : status;
}

static hma_status read_byte_level(hma_pretokenizer *p, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "add_prefix_space", "trim_offsets", "use_regex", NULL};
    bool space = false, regex = true;
    hma_pattern *pattern = NULL;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status == HMA_OK && (status = hma_json_get_bool(json, name, "add_prefix_space", true, &space)) == HMA_OK) {
        status = hma_json_get_bool(json, name, "use_regex", false, &regex);
    }
    if (status == HMA_OK && space) {
        status = add_step(p, (hma_prestep){.kind = HMA_PRESTEP_SPACE}, name);
    }
    if (status == HMA_OK && regex && (status = hma_pattern_new_regex(&pattern, hma_split_gpt2, name)) == HMA_OK) {
        status = add_split(p, pattern, HMA_SPLIT_ISOLATED, false, name);
    }
    return status == HMA_OK ? add_step(p, (hma_prestep){.kind = HMA_PRESTEP_BYTES}, name) : status;
}

static hma_status read_split(hma_pretokenizer *p, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "pattern", "behavior", "invert", NULL};
    hma_split_behavior behavior = HMA_SPLIT_ISOLATED;
    bool invert = false;
    hma_pattern *pattern = NULL;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status == HMA_OK && (status = hma_split_behavior_from_json(&behavior, json, name, true)) == HMA_OK &&
        (status = hma_json_get_bool(json, name, "invert", true, &invert)) == HMA_OK &&
        (status = hma_pattern_from_json(&pattern, json, name)) == HMA_OK) {
        status = add_split(p, pattern, behavior, invert, name);
    }
    return status;
}

static hma_status read_digits(hma_pretokenizer *p, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "individual_digits", NULL};
    bool individual = false;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status == HMA_OK && (status = hma_json_get_bool(json, name, "individual_digits", true, &individual)) == HMA_OK) {
        status = add_class_split(p, HMA_UNICODE_NUMERIC, individual ? HMA_SPLIT_ISOLATED : HMA_SPLIT_CONTIGUOUS, name);
    }
    return status;
}

static hma_status read_punctuation(hma_pretokenizer *p, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "behavior", NULL};
    hma_split_behavior behavior = HMA_SPLIT_ISOLATED;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status == HMA_OK && (status = hma_split_behavior_from_json(&behavior, json, name, false)) == HMA_OK) {
        status = add_class_split(p, HMA_UNICODE_PUNCTUATION, behavior, name);
    }
    return status;
}

static hma_status read_whitespace(hma_pretokenizer *p, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", NULL};
    hma_pattern *pattern = NULL;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status == HMA_OK && (status = hma_pattern_new_words(&pattern)) == HMA_OK) {
        status = add_split(p, pattern, HMA_SPLIT_REMOVED, true, name);
    }
    return status;
}

static hma_status read_whitespace_split(hma_pretokenizer *p, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", NULL};
    const hma_status status = hma_json_known_keys(json, name, known);
    return status == HMA_OK ? add_class_split(p, HMA_UNICODE_SPACE, HMA_SPLIT_REMOVED, name) : status;
}

/* A text of exactly one character. */
static hma_status read_character(char utf8[5], const cJSON *json, const char *key, const char *name) {
    const char *text = NULL;
    const hma_status status = hma_json_get_text(json, name, key, true, &text);
    if (status != HMA_OK) {
        return status;
    }
    const size_t n = strlen(text);
    if (n == 0 || n > 4 || hma_utf8_length(text, n) != n) {
        return hma_error(HMA_BAD_DATA, "%s: \"%s\" is \"%s\" (expected one character): correct the file", name, key, text);
    }
    memcpy(utf8, text, n + 1);
    return HMA_OK;
}

static hma_status read_delimiter(hma_pretokenizer *p, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "delimiter", NULL};
    char delimiter[5];
    hma_pattern *pattern = NULL;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status == HMA_OK && (status = read_character(delimiter, json, "delimiter", name)) == HMA_OK &&
        (status = hma_pattern_new_text(&pattern, delimiter)) == HMA_OK) {
        status = add_split(p, pattern, HMA_SPLIT_REMOVED, false, name);
    }
    return status;
}

hma_status hma_metaspace_from_json(char mark[5], hma_prepend *prepend, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "replacement", "prepend_scheme", "add_prefix_space", "split", "str_rep", NULL};
    static const char *const schemes[] = {"always", "first", "never"};
    const char *scheme = "always";
    bool prefix = true;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status != HMA_OK || (status = read_character(mark, json, "replacement", name)) != HMA_OK ||
        (status = hma_json_get_text(json, name, "prepend_scheme", false, &scheme)) != HMA_OK ||
        (status = hma_json_get_bool(json, name, "add_prefix_space", false, &prefix)) != HMA_OK) {
        return status;
    }
    size_t i = 0;
    while (i < 3 && strcmp(scheme, schemes[i]) != 0) {
        i++;
    }
    /* the older key alone must not contradict the newer one, whose default is "always" */
    if (i == 3 || (!prefix && i != HMA_PREPEND_NEVER)) {
        return hma_error(HMA_BAD_DATA, "%s: prepend_scheme is \"%s\"%s (expected always, first or never): correct the file",
                         name, scheme, prefix ? "" : " but add_prefix_space is false");
    }
    *prepend = (hma_prepend)i;
    return HMA_OK;
}

static hma_status read_metaspace(hma_pretokenizer *p, const cJSON *json, const char *name) {
    hma_prestep step = {.kind = HMA_PRESTEP_METASPACE};
    bool split = true;
    hma_pattern *pattern = NULL;
    hma_status status = hma_metaspace_from_json(step.mark, &step.prepend, json, name);
    if (status == HMA_OK && (status = hma_json_get_bool(json, name, "split", false, &split)) == HMA_OK) {
        status = add_step(p, step, name);
    }
    if (status == HMA_OK && split && (status = hma_pattern_new_text(&pattern, step.mark)) == HMA_OK) {
        status = add_split(p, pattern, HMA_SPLIT_MERGED_WITH_NEXT, false, name);
    }
    return status;
}

static hma_status read_component(void *user, const cJSON *json, const char *name) {
    hma_pretokenizer *p = user;
    static const struct {
        const char *type;
        hma_status (*read)(hma_pretokenizer *, const cJSON *, const char *);
    } readers[] = {
        {"ByteLevel", read_byte_level},
        {"Split", read_split},
        {"Digits", read_digits},
        {"Metaspace", read_metaspace},
        {"Punctuation", read_punctuation},
        {"Whitespace", read_whitespace},
        {"CharDelimiterSplit", read_delimiter},
        {"WhitespaceSplit", read_whitespace_split},
    };
    const char *type = NULL;
    const hma_status status = hma_json_get_text(json, name, "type", true, &type);
    if (status != HMA_OK) {
        return status;
    }
    if (strcmp(type, "Sequence") == 0) {
        return hma_sequence_from_json(json, "pretokenizers", name, read_component, user);
    }
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (strcmp(type, readers[i].type) == 0) {
            return readers[i].read(p, json, name);
        }
    }
    return hma_error(HMA_BAD_DATA,
                     "%s: pre-tokenizer \"%s\" is not supported (expected ByteLevel, Split, Digits, Metaspace, Punctuation, "
                     "Whitespace, WhitespaceSplit, CharDelimiterSplit or Sequence): use another tokenizer",
                     name, type);
}

hma_status hma_pretokenizer_from_json(hma_pretokenizer *out, const cJSON *json, const char *name) {
    hma_pretokenizer p = {0};
    hma_status status = HMA_OK;
    if (json && !cJSON_IsNull(json)) {
        status = read_component(&p, json, name);
    }
    if (status != HMA_OK) {
        hma_pretokenizer_free(&p);
        return status;
    }
    *out = p;
    return HMA_OK;
}

void hma_pretokenizer_free(hma_pretokenizer *pretokenizer) {
    for (size_t i = 0; i < pretokenizer->count; i++) {
        hma_pattern_free(pretokenizer->steps[i].split.pattern);
    }
    free(pretokenizer->steps);
    *pretokenizer = (hma_pretokenizer){0};
}

/* ---- running ---- */

static hma_status put_space(const void *step, const char *text, size_t length, hma_buffer *out, bool *at_start) {
    (void)step;
    (void)at_start;
    if (text[0] != ' ') {
        hma_buffer_char(out, ' ');
    }
    hma_buffer_add(out, text, length);
    return HMA_OK;
}

static hma_status write_bytes(const void *step, const char *text, size_t length, hma_buffer *out, bool *at_start) {
    (void)step;
    (void)at_start;
    hma_byte_alphabet_write(out, text, length);
    return HMA_OK;
}

static hma_status write_metaspace(const void *data, const char *text, size_t length, hma_buffer *out, bool *at_start) {
    const hma_prestep *step = data;
    const bool wanted = step->prepend == HMA_PREPEND_ALWAYS || (step->prepend == HMA_PREPEND_FIRST && *at_start);
    const size_t n = strlen(step->mark);
    const bool present = text[0] == ' ' || (length >= n && memcmp(text, step->mark, n) == 0);
    if (wanted && !present) {
        hma_buffer_add(out, step->mark, n);
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ' ') {
            hma_buffer_add(out, step->mark, n);
        } else {
            hma_buffer_char(out, text[i]);
        }
    }
    return HMA_OK;
}

hma_status hma_pretokenizer_run(const hma_pretokenizer *pretokenizer, hma_pieces *pieces) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < pretokenizer->count; i++) {
        const hma_prestep *step = &pretokenizer->steps[i];
        switch (step->kind) {
        case HMA_PRESTEP_SPACE: status = hma_pieces_rewrite(pieces, put_space, NULL); break;
        case HMA_PRESTEP_SPLIT: status = hma_pieces_cut(pieces, hma_split_cut, &step->split); break;
        case HMA_PRESTEP_BYTES: status = hma_pieces_rewrite(pieces, write_bytes, NULL); break;
        case HMA_PRESTEP_METASPACE: status = hma_pieces_rewrite(pieces, write_metaspace, step); break;
        }
    }
    return status;
}
