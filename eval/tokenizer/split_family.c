#include "eval/tokenizer/split_family.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "eval/tokenizer/unicode_table.h"

/* 's 't 're 've 'm 'll 'd */
typedef enum contractions {
    NO_CONTRACTIONS,
    AS_WRITTEN, /* at the beginning of a piece, small letters only */
    ANY_CASE,   /* at the beginning of a piece; (?i:..) also takes U+017F for s */
    AFTER_WORDS /* any case, at the end of a word */
} contractions;

struct hma_split_family {
    const char *regex;
    contractions contractions;
    bool space_prefix;   /* a word takes one space in front (" ?"), else any one character but \r \n and letters, numbers */
    bool marks_in_words; /* [\p{L}\p{M}]+ */
    bool cased_words;    /* a capital after a small letter begins a new word */
    size_t most_digits;  /* 0: any number, with one space in front */
    const char *after_punctuation; /* what a run of punctuation takes behind it */
    bool line_ends;                /* white space up to the last line end is a piece of its own */
};

const char hma_split_gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/* Parts that expressions share, as they are written. */
#define ANY_CASE_CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED_WORD(after) "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" after "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" after
#define SPACE_RULES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

static const hma_split_family families[] = {
    {.regex = hma_split_gpt2, .contractions = AS_WRITTEN, .space_prefix = true, .after_punctuation = ""},
    {.regex = "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
     .contractions = AS_WRITTEN,
     .space_prefix = true,
     .after_punctuation = ""},
    /* Llama 3 and others with the vocabulary of GPT-4 */
    {.regex = ANY_CASE_CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACE_RULES,
     .contractions = ANY_CASE,
     .most_digits = 3,
     .after_punctuation = "\r\n",
     .line_ends = true},
    /* GPT-4 as it was published */
    {.regex = "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|"
              "\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
     .contractions = ANY_CASE,
     .most_digits = 3,
     .after_punctuation = "\r\n",
     .line_ends = true},
    /* Qwen 2, 2.5 and 3 */
    {.regex = ANY_CASE_CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACE_RULES,
     .contractions = ANY_CASE,
     .most_digits = 1,
     .after_punctuation = "\r\n",
     .line_ends = true},
    /* Qwen 3.5 */
    {.regex = ANY_CASE_CONTRACTIONS
     "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" SPACE_RULES,
     .contractions = ANY_CASE,
     .marks_in_words = true,
     .most_digits = 1,
     .after_punctuation = "\r\n",
     .line_ends = true},
    /* GPT-4o, Llama 4, Phi 4 */
    {.regex = CASED_WORD(ANY_CASE_CONTRACTIONS "?") "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACE_RULES,
     .contractions = AFTER_WORDS,
     .cased_words = true,
     .most_digits = 3,
     .after_punctuation = "\r\n/",
     .line_ends = true},
    /* Mistral NeMo */
    {.regex = CASED_WORD("") "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACE_RULES,
     .contractions = NO_CONTRACTIONS,
     .cased_words = true,
     .most_digits = 1,
     .after_punctuation = "\r\n/",
     .line_ends = true},
};

const hma_split_family *hma_split_family_find(const char *regex) {
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (strcmp(regex, families[i].regex) == 0) {
            return &families[i];
        }
    }
    return NULL;
}

/* A place in the text. `flags` are those of the character there, 0 at the end. */
typedef struct place {
    const char *text;
    size_t length;
    size_t at, next;
    unsigned flags;
} place;

static place go_to(const char *text, size_t length, size_t at) {
    place p = {.text = text, .length = length, .at = at, .next = at};
    if (at < length) {
        p.flags = hma_unicode_flags_at(text, length, at, &p.next);
    }
    return p;
}

static void step(place *p) { *p = go_to(p->text, p->length, p->next); }

static bool is_byte(const place *p, char c) { return p->at < p->length && p->text[p->at] == c; }
static bool is_line_end(const place *p) { return is_byte(p, '\r') || is_byte(p, '\n'); }
static bool is_mark(unsigned flags) {
    return (flags & HMA_UNICODE_UPPER) && (flags & HMA_UNICODE_LOWER) && !(flags & HMA_UNICODE_LETTER);
}

/* End of the run of at most `most` characters (0: any number) with one of the flags. */
static size_t run_end(place p, unsigned flags, size_t most) {
    for (size_t n = 0; (p.flags & flags) && (most == 0 || n < most); n++) {
        step(&p);
    }
    return p.at;
}

/* One letter of a contraction: a small letter, or with `any_case` what folds to it. */
static bool folds_to(const place *p, char letter, bool any_case) {
    if (is_byte(p, letter) || (any_case && is_byte(p, (char)(letter - 'a' + 'A')))) {
        return true;
    }
    return any_case && letter == 's' && p->next - p->at == 2 && memcmp(p->text + p->at, "\xC5\xBF", 2) == 0;
}

/* End of a contraction that begins here, or `p.at`. */
static size_t contraction_end(place p, bool any_case) {
    static const char *const endings[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    const size_t begin = p.at;
    if (!is_byte(&p, '\'')) {
        return begin;
    }
    step(&p);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        place q = p;
        const char *letter = endings[i];
        while (*letter && folds_to(&q, *letter, any_case)) {
            step(&q);
            letter++;
        }
        if (!*letter) {
            return q.at;
        }
    }
    return begin;
}

/* UPPER* LOWER+: the last place where the capitals can stop and a small letter (or what is both) follows. */
static size_t lower_word_end(place p) {
    size_t both_end = p.at; /* behind the last character so far that is in both classes */
    while (p.flags & HMA_UNICODE_UPPER) {
        if (p.flags & HMA_UNICODE_LOWER) {
            both_end = p.next;
        }
        step(&p);
    }
    const size_t end = run_end(p, HMA_UNICODE_LOWER, 0);
    return end > p.at ? end : both_end;
}

/* UPPER+ LOWER* */
static size_t upper_word_end(place p) {
    const size_t capitals = run_end(p, HMA_UNICODE_UPPER, 0);
    return capitals == p.at ? p.at : run_end(go_to(p.text, p.length, capitals), HMA_UNICODE_LOWER, 0);
}

/* End of a word of the family that begins exactly here, or `p.at`. */
static size_t bare_word_end(const hma_split_family *family, place p, bool upper) {
    if (family->cased_words) {
        return upper ? upper_word_end(p) : lower_word_end(p);
    }
    while ((p.flags & HMA_UNICODE_LETTER) || (family->marks_in_words && is_mark(p.flags))) {
        step(&p);
    }
    return p.at;
}

/* May stand in front of a word: a space, or with newer families anything that is no letter, number or line end. */
static bool is_word_prefix(const hma_split_family *family, const place *p) {
    if (family->space_prefix) {
        return is_byte(p, ' ');
    }
    return p->at < p->length && !is_line_end(p) && !(p->flags & (HMA_UNICODE_LETTER | HMA_UNICODE_NUMBER));
}

/* Word with or without its prefix (with comes first, as regexes are greedy), or `p.at`. */
static size_t word_end(const hma_split_family *family, const place *p) {
    for (int upper = 0; upper <= (family->cased_words ? 1 : 0); upper++) {
        if (is_word_prefix(family, p)) {
            place behind = *p;
            step(&behind);
            const size_t end = bare_word_end(family, behind, upper);
            if (end > behind.at) {
                return end;
            }
        }
        const size_t end = bare_word_end(family, *p, upper);
        if (end > p->at) {
            return end;
        }
    }
    return p->at;
}

static size_t number_end(const hma_split_family *family, place p) {
    const size_t begin = p.at;
    if (family->most_digits == 0 && is_byte(&p, ' ')) {
        step(&p);
    }
    const size_t end = run_end(p, HMA_UNICODE_NUMBER, family->most_digits);
    return end > p.at ? end : begin;
}

static size_t punctuation_end(const hma_split_family *family, place p) {
    const size_t begin = p.at;
    if (is_byte(&p, ' ')) {
        step(&p);
    }
    const size_t first = p.at;
    while (p.at < p.length && !(p.flags & (HMA_UNICODE_SPACE | HMA_UNICODE_LETTER | HMA_UNICODE_NUMBER)) &&
           !(family->marks_in_words && is_mark(p.flags))) {
        step(&p);
    }
    if (p.at == first) {
        return begin;
    }
    size_t end = p.at;
    while (end < p.length && p.text[end] && strchr(family->after_punctuation, p.text[end])) {
        end++;
    }
    return end;
}

/* White space: up to its last line end; else all of it at the end of the text; else all but the last, which may belong to
 * what follows. */
static size_t space_end(const hma_split_family *family, place p) {
    const size_t begin = p.at;
    size_t last = begin, after_line_end = 0;
    while (p.flags & HMA_UNICODE_SPACE) {
        last = p.at;
        if (is_line_end(&p)) {
            after_line_end = p.next;
        }
        step(&p);
    }
    if (family->line_ends && after_line_end) {
        return after_line_end;
    }
    return p.at == p.length || last == begin ? p.at : last;
}

size_t hma_split_family_end(const hma_split_family *family, const char *text, size_t length, size_t from) {
    const place p = go_to(text, length, from);
    size_t end = from;
    if (family->contractions == AS_WRITTEN || family->contractions == ANY_CASE) {
        end = contraction_end(p, family->contractions == ANY_CASE);
    }
    if (end == from && (end = word_end(family, &p)) > from && family->contractions == AFTER_WORDS) {
        end = contraction_end(go_to(text, length, end), true);
    }
    if (end == from) {
        end = number_end(family, p);
    }
    if (end == from) {
        end = punctuation_end(family, p);
    }
    if (end == from) {
        end = space_end(family, p);
    }
    return end > from ? end : p.next; /* the rules leave nothing out of valid text; always go on all the same */
}
