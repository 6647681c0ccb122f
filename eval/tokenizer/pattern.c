#include "eval/tokenizer/pattern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "eval/tokenizer/split_family.h"
#include "eval/tokenizer/split_pcre.h"
#include "eval/tokenizer/unicode_table.h"

typedef enum kind { LITERAL, CLASS, WORDS, FAMILY, PCRE } kind;

struct hma_pattern {
    kind kind;
    char *literal;
    size_t literal_length;
    unsigned flags;
    const hma_split_family *family;
    hma_pcre *pcre;
};

static hma_status make(hma_pattern **out, hma_pattern value) {
    hma_pattern *pattern = HMA_NEW(hma_pattern, 1);
    if (!pattern) {
        return HMA_FAILURE;
    }
    *pattern = value;
    *out = pattern;
    return HMA_OK;
}

hma_status hma_pattern_new_text(hma_pattern **out, const char *text) {
    char *copy = hma_copy_text(text);
    const hma_status status =
        copy ? make(out, (hma_pattern){.kind = LITERAL, .literal = copy, .literal_length = strlen(copy)}) : HMA_FAILURE;
    if (status != HMA_OK) {
        free(copy);
    }
    return status;
}

hma_status hma_pattern_new_class(hma_pattern **out, unsigned flags) {
    return make(out, (hma_pattern){.kind = CLASS, .flags = flags});
}

hma_status hma_pattern_new_words(hma_pattern **out) { return make(out, (hma_pattern){.kind = WORDS}); }

hma_status hma_pattern_new_regex(hma_pattern **out, const char *regex, const char *name) {
    const hma_split_family *family = hma_split_family_find(regex);
    if (family) {
        return make(out, (hma_pattern){.kind = FAMILY, .family = family});
    }
    hma_pcre *pcre = NULL;
    hma_status status = hma_pcre_new(&pcre, regex, name);
    if (status == HMA_OK && (status = make(out, (hma_pattern){.kind = PCRE, .pcre = pcre})) != HMA_OK) {
        hma_pcre_free(pcre);
    }
    return status;
}

hma_status hma_pattern_from_json(hma_pattern **out, const cJSON *object, const char *name) {
    static const char *const known[] = {"String", "Regex", NULL};
    const cJSON *pattern = hma_json_get(object, "pattern");
    const char *text = NULL, *regex = NULL;
    if (!cJSON_IsObject(pattern)) {
        return hma_error(HMA_BAD_DATA,
                         "%s: \"pattern\" is missing (expected {\"String\": ..} or {\"Regex\": ..}): correct the file", name);
    }
    hma_status status = hma_json_known_keys(pattern, name, known);
    if (status != HMA_OK || (status = hma_json_get_text(pattern, name, "String", false, &text)) != HMA_OK ||
        (status = hma_json_get_text(pattern, name, "Regex", false, &regex)) != HMA_OK) {
        return status;
    }
    if (!text == !regex || !*(text ? text : regex)) {
        return hma_error(HMA_BAD_DATA,
                         "%s: \"pattern\" says nothing to look for (expected one text or regular expression): correct the file",
                         name);
    }
    return text ? hma_pattern_new_text(out, text) : hma_pattern_new_regex(out, regex, name);
}

void hma_pattern_free(hma_pattern *pattern) {
    if (pattern) {
        free(pattern->literal);
        hma_pcre_free(pattern->pcre);
        free(pattern);
    }
}

void hma_search_begin(hma_search *search, const hma_pattern *pattern, const char *text, size_t length) {
    *search = (hma_search){.pattern = pattern, .text = text, .length = length, .last_end = SIZE_MAX};
}

void hma_search_end(hma_search *search) {
    if (search->pattern->kind == PCRE) {
        hma_pcre_scratch_free(search->scratch);
    }
}

static bool next_literal(const hma_search *s, hma_match *match) {
    const hma_pattern *p = s->pattern;
    const char *hit = memmem(s->text + s->at, s->length - s->at, p->literal, p->literal_length);
    if (hit) {
        match->start = (size_t)(hit - s->text);
        match->end = match->start + p->literal_length;
    }
    return hit != NULL;
}

static bool next_in_class(const hma_search *s, hma_match *match) {
    size_t at = s->at, next;
    while (at < s->length) {
        if (hma_unicode_flags_at(s->text, s->length, at, &next) & s->pattern->flags) {
            *match = (hma_match){at, next};
            return true;
        }
        at = next;
    }
    return false;
}

/* A run of word characters, or a run of what is neither word nor space. */
static bool next_word(const hma_search *s, hma_match *match) {
    const unsigned flags = HMA_UNICODE_WORD | HMA_UNICODE_SPACE;
    size_t at = s->at, next = at;
    unsigned first = HMA_UNICODE_SPACE;
    while (at < s->length && (first = hma_unicode_flags_at(s->text, s->length, at, &next) & flags) == HMA_UNICODE_SPACE) {
        at = next;
    }
    if (at == s->length) {
        return false;
    }
    match->start = at;
    while (next < s->length && (hma_unicode_flags_at(s->text, s->length, next, &at) & flags) == first) {
        next = at;
    }
    match->end = next;
    return true;
}

/* PCRE2's matches, with empty ones left out directly after another. */
static hma_status next_by_pcre(hma_search *s, hma_match *match, bool *found) {
    if (!s->scratch && !(s->scratch = hma_pcre_scratch_new(s->pattern->pcre, s->text, s->length))) {
        return hma_error_memory("regular expression");
    }
    while (s->at <= s->length) {
        const hma_status status = hma_pcre_find(s->pattern->pcre, s->scratch, s->at, &match->start, &match->end, found);
        if (status != HMA_OK || !*found || match->end > match->start || match->end != s->last_end) {
            return status;
        }
        const size_t n = hma_utf8_length(s->text + s->at, s->length - s->at);
        s->at += n ? n : 1;
    }
    *found = false;
    return HMA_OK;
}

hma_status hma_search_next(hma_search *search, hma_match *match, bool *found) {
    hma_status status = HMA_OK;
    switch (search->pattern->kind) {
    case LITERAL: *found = next_literal(search, match); break;
    case CLASS: *found = next_in_class(search, match); break;
    case WORDS: *found = next_word(search, match); break;
    case FAMILY:
        *found = search->at < search->length;
        if (*found) {
            *match = (hma_match){search->at,
                                 hma_split_family_end(search->pattern->family, search->text, search->length, search->at)};
        }
        break;
    case PCRE: status = next_by_pcre(search, match, found); break;
    }
    if (status == HMA_OK && *found) {
        search->at = search->last_end = match->end;
    }
    return status;
}
