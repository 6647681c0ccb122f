#include "eval/tasks/python_text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "base/utf8.h"

enum {
    CAPITAL_I_WITH_DOT = 0x130,
    COMBINING_DOT_ABOVE = 0x307,
    CAPITAL_SIGMA = 0x3A3,
    SMALL_SIGMA = 0x3C3,
    FINAL_SIGMA = 0x3C2
};

typedef struct range {
    uint32_t first, last;
} range;

static bool in_ranges(const range *ranges, size_t count, uint32_t c) {
    for (size_t i = 0; i < count; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* Unicode property Case_Ignorable (D136): marks, format and modifier characters, and the word-break classes MidLetter,
 * MidNumLet and Single_Quote, which utf8proc does not know. */
static bool is_case_ignorable(uint32_t c) {
    static const range middle[] = {{'\'', '\''},     {'.', '.'},       {':', ':'},       {0xB7, 0xB7},
                                   {0x387, 0x387},   {0x55F, 0x55F},   {0x5F4, 0x5F4},   {0x2018, 0x2019},
                                   {0x2024, 0x2024}, {0x2027, 0x2027}, {0xFE13, 0xFE13}, {0xFE52, 0xFE52},
                                   {0xFE55, 0xFE55}, {0xFF07, 0xFF07}, {0xFF0E, 0xFF0E}, {0xFF1A, 0xFF1A}};
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: return in_ranges(middle, sizeof middle / sizeof *middle, c);
    }
}

/* Unicode property Cased (D135) of a code point that is not case-ignorable: letters with case, Other_Lowercase and
 * Other_Uppercase. */
static bool is_cased(uint32_t c) {
    static const range other[] = {{0xAA, 0xAA},       {0xBA, 0xBA},       {0x2160, 0x217F},  {0x24B6, 0x24E9},
                                  {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT: return true;
    default: return in_ranges(other, sizeof other / sizeof *other, c);
    }
}

/* The next code point; 0 at the end. */
static uint32_t next(const char **at, const char *end) {
    uint32_t c = 0;
    const size_t length = hma_utf8_decode(*at, (size_t)(end - *at), &c);
    *at += length;
    return length ? c : 0;
}

static void add(hma_buffer *out, uint32_t c) {
    char bytes[4];
    hma_buffer_add(out, bytes, hma_utf8_encode(c, bytes));
}

/* Whether the first code point from `at` on that is not case-ignorable has case. */
static bool cased_follows(const char *at, const char *end) {
    uint32_t c;
    do {
        c = next(&at, end);
    } while (c && is_case_ignorable(c));
    return c && is_cased(c);
}

void hma_python_lower(hma_buffer *out, const char *text) {
    const char *end = text + strlen(text);
    bool cased_before = false; /* the last code point that is not case-ignorable had case */
    for (uint32_t c; (c = next(&text, end)) != 0;) {
        if (c < 0x80) {
            hma_buffer_char(out, (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
        } else if (c == CAPITAL_I_WITH_DOT) {
            hma_buffer_char(out, 'i');
            add(out, COMBINING_DOT_ABOVE);
        } else if (c == CAPITAL_SIGMA) {
            add(out, cased_before && !cased_follows(text, end) ? FINAL_SIGMA : SMALL_SIGMA);
        } else {
            add(out, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c));
        }
        if (!is_case_ignorable(c)) {
            cased_before = is_cased(c);
        }
    }
}

void hma_python_drop_punctuation(hma_buffer *out, const char *text) {
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        const bool punctuation =
            (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
        if (!punctuation) {
            hma_buffer_char(out, (char)c);
        }
    }
}

bool hma_python_is_word(uint32_t c) {
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return true;
    default: return c == '_';
    }
}

static bool is_article(const char *word, size_t length) {
    return (length == 1 && word[0] == 'a') || (length == 2 && memcmp(word, "an", 2) == 0) ||
           (length == 3 && memcmp(word, "the", 3) == 0);
}

void hma_python_drop_articles(hma_buffer *out, const char *text) {
    const char *end = text + strlen(text);
    while (text < end) {
        /* boundaries on both sides of an article make it a whole run of word characters */
        const char *run = text, *after = text;
        uint32_t c;
        while ((c = next(&after, end)) != 0 && hma_python_is_word(c)) {
            text = after;
        }
        if (is_article(run, (size_t)(text - run))) {
            hma_buffer_char(out, ' ');
        } else {
            hma_buffer_add(out, run, (size_t)(text - run));
        }
        if (c) {
            hma_buffer_add(out, text, (size_t)(after - text));
            text = after;
        }
    }
}

const char *hma_python_strip(const char *text, size_t *length) {
    const char *at = text, *end = text + *length, *first = NULL, *last = text;
    for (const char *begin = at; at < end; begin = at) {
        const uint32_t c = next(&at, end);
        if (!hma_utf8_is_python_space(c)) {
            first = first ? first : begin;
            last = at;
        }
    }
    *length = first ? (size_t)(last - first) : 0;
    return first ? first : text;
}

bool hma_python_ends_in_space(const char *text) {
    size_t kept = strlen(text);
    const char *first = hma_python_strip(text, &kept);
    return first[kept] != 0;
}

/* Ends every word with a zero, in place, and counts them; with `word`, notes where they begin. */
static size_t split_in_place(char *text, const char *end, const char **word) {
    size_t count = 0;
    bool inside = false;
    for (const char *at = text, *begin = at; at < end; begin = at) {
        if (hma_utf8_is_python_space(next(&at, end))) {
            if (word) {
                text[begin - text] = 0;
            }
            inside = false;
        } else if (!inside) {
            if (word) {
                word[count] = begin;
            }
            count++;
            inside = true;
        }
    }
    return count;
}

hma_status hma_words_split(hma_words *out, const char *text) {
    hma_words words = {.text = hma_copy_text(text)};
    if (!words.text) {
        return HMA_FAILURE;
    }
    const char *end = words.text + strlen(words.text);
    words.count = split_in_place(words.text, end, NULL);
    words.word = HMA_NEW(const char *, words.count);
    if (!words.word) {
        hma_words_free(&words);
        return HMA_FAILURE;
    }
    (void)split_in_place(words.text, end, words.word);
    *out = words;
    return HMA_OK;
}

void hma_words_free(hma_words *words) {
    free(words->text);
    free(words->word);
    *words = (hma_words){0};
}

static int compare_words(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

void hma_words_sort(hma_words *words) { qsort(words->word, words->count, sizeof *words->word, compare_words); }

size_t hma_words_shared(const hma_words *a, const hma_words *b) {
    size_t shared = 0;
    for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
        const int order = strcmp(a->word[i], b->word[j]);
        shared += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return shared;
}
