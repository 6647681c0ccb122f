#define PCRE2_CODE_UNIT_WIDTH 8
#include "eval/tokenizer/split_pcre.h"

#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "eval/tokenizer/unicode_recent.h"

enum {
    STEPS_PER_BYTE = 100, /* what one search may take: a sane expression needs some ten steps a byte */
    LEAST_STEPS = 1000000,
    HEAP_LIMIT_KIB = 256 * 1024, /* memory of one match */
    LONGEST_REGEX = 16384
};

struct hma_pcre {
    pcre2_code *code;
    char *name;
};

/* One search. PCRE2's own match limit begins anew at every character, so steps are counted in a callout. */
typedef struct scratch {
    pcre2_match_data *data;
    pcre2_match_context *context;
    uint64_t steps;
    size_t position; /* at the last step */
    const char *text;
    size_t length;
    char *replaced; /* the text with stand-ins; NULL when it needs none */
} scratch;

/* ---- translation from Oniguruma's syntax ---- */

/* An expression being translated: `at` runs over it, `out` collects PCRE2's form. */
typedef struct translation {
    const char *name, *regex;
    const char *at;
    bool in_class;
    hma_buffer out;
} translation;

static hma_status refuse(const translation *t, const char *what) {
    return hma_error(HMA_BAD_DATA,
                     "%s: the regular expression \"%s\" has %s, which is not supported (expected what Oniguruma and PCRE2 read "
                     "alike): use a tokenizer with one of the published expressions",
                     t->name, t->regex, what);
}

/* Oniguruma's \w, measured: with marks and connectors; alone, not in a class, also the fractions and superscripts of Latin-1.
 */
#define WORD_CLASS "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
/* \s without U+180E, which PCRE2 still counts. */
#define SPACE_CLASS "\\t-\\r\\x{85}\\p{Z}"
#define LATIN_FRACTIONS "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}"

/* \p{..}: names of scripts must say that they are scripts, as PCRE2 would take script extensions. */
static hma_status property(translation *t) {
    const char *close = t->at[2] == '{' ? strchr(t->at, '}') : NULL;
    if (!close) {
        return refuse(t, "\\p without {..}");
    }
    const char *name = t->at + 3;
    hma_buffer_add(&t->out, t->at, 3);
    if (*name == '^') {
        hma_buffer_char(&t->out, *name++);
    }
    if (close - name > 2) {
        hma_buffer_text(&t->out, "sc:");
    }
    hma_buffer_add(&t->out, name, (size_t)(close - name) + 1);
    t->at = close + 1;
    return HMA_OK;
}

/* Escapes that stand for other classes than in PCRE2: NULL when the letter is none of them, or must not stand there. */
static const char *class_escape(char letter, bool in_class) {
    switch (letter) {
    case 'w': return in_class ? WORD_CLASS : "[" WORD_CLASS LATIN_FRACTIONS "]";
    case 'W': return in_class ? NULL : "[^" WORD_CLASS LATIN_FRACTIONS "]";
    case 's': return in_class ? SPACE_CLASS : "[" SPACE_CLASS "]";
    case 'S': return in_class ? "\\S\\x{180e}" : "[^" SPACE_CLASS "]";
    case 'v': return "\\x0b"; /* vertical tab; PCRE2 means any vertical space */
    default: return NULL;
    }
}

/* \uHHHH */
static hma_status code_point_escape(translation *t) {
    for (int i = 2; i < 6; i++) {
        if (!isxdigit((unsigned char)t->at[i])) {
            return refuse(t, "\\u without four digits");
        }
    }
    hma_buffer_printf(&t->out, "\\x{%.4s}", t->at + 2);
    t->at += 6;
    return HMA_OK;
}

/* A backslash and what belongs to it. */
static hma_status escape(translation *t) {
    const char letter = t->at[1], *class = class_escape(letter, t->in_class);
    if (letter == 'p' || letter == 'P') {
        return property(t);
    }
    if (letter == 'u') {
        return code_point_escape(t);
    }
    if (class) {
        hma_buffer_text(&t->out, class);
    } else if (letter && (ispunct((unsigned char)letter) || strchr("dDnrtfaexkAzZ0123456789", letter))) {
        hma_buffer_add(&t->out, t->at, 2);
    } else {
        return refuse(t, "an escape of Oniguruma's own (\\h, \\b, \\G, \\R, ..)");
    }
    t->at += 2;
    return HMA_OK;
}

static hma_status open_class(translation *t) {
    t->in_class = true;
    hma_buffer_char(&t->out, *t->at++);
    if (*t->at == '^') {
        hma_buffer_char(&t->out, *t->at++);
    }
    return *t->at == ']' ? refuse(t, "a class that begins with ]") : HMA_OK;
}

/* [:alpha:] and the like, in Oniguruma's sense. */
static hma_status posix_class(translation *t) {
    static const char *const classes[][2] = {{"[:alpha:]", "\\p{Alphabetic}"},
                                             {"[:alnum:]", "\\p{Alphabetic}\\p{Nd}"},
                                             {"[:digit:]", "\\d"},
                                             {"[:space:]", SPACE_CLASS},
                                             {"[:word:]", WORD_CLASS}};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strncmp(t->at, classes[i][0], strlen(classes[i][0])) == 0) {
            hma_buffer_text(&t->out, classes[i][1]);
            t->at += strlen(classes[i][0]);
            return HMA_OK;
        }
    }
    return refuse(t, "a class within a class");
}

static hma_status in_class(translation *t) {
    if (t->at[0] == '[' && t->at[1] != ':') {
        return refuse(t, "a class within a class");
    }
    if (t->at[0] == '&' && t->at[1] == '&') {
        return refuse(t, "an intersection of classes (&&)");
    }
    if (t->at[0] == '[') {
        return posix_class(t);
    }
    t->in_class = *t->at != ']';
    hma_buffer_char(&t->out, *t->at++);
    return HMA_OK;
}

static hma_status outside_class(translation *t) {
    if (t->at[0] == '(' && t->at[1] == '?') {
        static const char *const same[] = {"(?:",  "(?=",  "(?!",   "(?<=",  "(?<!", "(?>",
                                           "(?i)", "(?i:", "(?-i)", "(?-i:", "(?#",  "(?<"};
        for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
            if (strncmp(t->at, same[i], strlen(same[i])) == 0) {
                hma_buffer_add(&t->out, t->at, 2);
                t->at += 2;
                return HMA_OK;
            }
        }
        return refuse(t, "a group option other than i");
    }
    if (t->at[0] == '{' && t->at[1] == ',') {
        return refuse(t, "a repetition {,n}");
    }
    if (t->at[0] == '}' && t->at[1] == '+') {
        return refuse(t, "a repetition of a repetition ({..}+)");
    }
    hma_buffer_char(&t->out, *t->at++);
    return HMA_OK;
}

/* *pcre is freed with free(). */
static hma_status translate(const char *regex, const char *name, char **pcre) {
    translation t = {.name = name, .regex = regex, .at = regex};
    hma_status status = strlen(regex) > LONGEST_REGEX ? refuse(&t, "more than 16384 bytes") : HMA_OK;
    while (status == HMA_OK && *t.at) {
        if (*t.at == '\\') {
            status = escape(&t);
        } else if (t.in_class) {
            status = in_class(&t);
        } else if (*t.at == '[') {
            status = open_class(&t);
        } else {
            status = outside_class(&t);
        }
    }
    if (status == HMA_OK && (status = hma_buffer_ok(&t.out)) == HMA_OK) {
        *pcre = hma_buffer_release(&t.out);
        status = *pcre ? HMA_OK : HMA_FAILURE;
    }
    hma_buffer_free(&t.out);
    return status;
}

/* ---- compiling and matching ---- */

static hma_status compile(hma_pcre *pcre, const char *regex, const char *translated) {
    /* multi-line anchors as in Oniguruma's default syntax; valid UTF-8 is checked by whoever takes texts in */
    const uint32_t options =
        PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
    int code;
    PCRE2_SIZE offset;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context) {
        return hma_error_memory("regular expression");
    }
    (void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre->code = pcre2_compile((PCRE2_SPTR)translated, PCRE2_ZERO_TERMINATED, options, &code, &offset, context);
    pcre2_compile_context_free(context);
    if (!pcre->code) {
        char text[256] = "";
        (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text);
        return hma_error(HMA_BAD_DATA, "%s: the regular expression \"%s\" cannot be used (%s): correct the file", pcre->name,
                         regex, text);
    }
    return HMA_OK;
}

hma_status hma_pcre_new(hma_pcre **out, const char *regex, const char *name) {
    char *translated = NULL;
    hma_pcre *pcre = HMA_NEW(hma_pcre, 1);
    hma_status status = pcre && (pcre->name = hma_copy_text(name)) ? translate(regex, name, &translated) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = compile(pcre, regex, translated);
    }
    free(translated);
    if (status != HMA_OK) {
        hma_pcre_free(pcre);
        return status;
    }
    *out = pcre;
    return HMA_OK;
}

void hma_pcre_free(hma_pcre *pcre) {
    if (pcre) {
        pcre2_code_free(pcre->code);
        free(pcre->name);
        free(pcre);
    }
}

/* Called before every item of the expression: a step costs one, and one for each byte that lies between it and the last. */
static int count_step(pcre2_callout_block *block, void *data) {
    scratch *s = data;
    const size_t at = block->current_position;
    s->steps += 1 + (at > s->position ? at - s->position : s->position - at);
    s->position = at;
    return s->steps > LEAST_STEPS + (uint64_t)STEPS_PER_BYTE * block->subject_length ? PCRE2_ERROR_MATCHLIMIT : 0;
}

/* The character that PCRE2 is shown in the place of one that it may not know; the same where it knows it. */
static uint32_t stand_in(uint32_t c) {
    size_t low = 0, high = hma_recent_run_count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (hma_recent_runs[middle].first <= c) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const hma_recent_run *run = &hma_recent_runs[low];
    return c >= run->first && c <= run->last ? run->stand_in : c;
}

/* Stand-ins take as many bytes as what they stand for, so that places stay. */
static bool replace_recent(scratch *s) {
    for (size_t at = 0; at < s->length;) {
        uint32_t c = 0;
        const size_t n = hma_utf8_decode(s->text + at, s->length - at, &c);
        const uint32_t shown = n >= 3 ? stand_in(c) : c;
        if (shown != c) {
            if (!s->replaced) {
                if (!(s->replaced = malloc(s->length))) {
                    return false;
                }
                memcpy(s->replaced, s->text, s->length);
                s->text = s->replaced;
            }
            (void)hma_utf8_encode(shown, s->replaced + at);
        }
        at += n ? n : 1;
    }
    return true;
}

void *hma_pcre_scratch_new(const hma_pcre *pcre, const char *text, size_t length) {
    scratch *s = HMA_NEW(scratch, 1);
    if (!s) {
        return NULL;
    }
    s->text = text;
    s->length = length;
    s->data = pcre2_match_data_create_from_pattern(pcre->code, NULL);
    s->context = pcre2_match_context_create(NULL);
    if (!s->data || !s->context || !replace_recent(s)) {
        hma_pcre_scratch_free(s);
        return NULL;
    }
    (void)pcre2_set_heap_limit(s->context, HEAP_LIMIT_KIB);
    (void)pcre2_set_callout(s->context, count_step, s);
    return s;
}

void hma_pcre_scratch_free(void *data) {
    scratch *s = data;
    if (s) {
        pcre2_match_data_free(s->data);
        pcre2_match_context_free(s->context);
        free(s->replaced);
        free(s);
    }
}

hma_status hma_pcre_find(const hma_pcre *pcre, void *data, size_t from, size_t *start, size_t *end, bool *found) {
    scratch *s = data;
    s->position = from;
    const int n = pcre2_match(pcre->code, (PCRE2_SPTR)s->text, s->length, from, PCRE2_NO_UTF_CHECK, s->data, s->context);
    *found = n >= 0;
    if (n >= 0) {
        const PCRE2_SIZE *range = pcre2_get_ovector_pointer(s->data);
        *start = range[0];
        *end = range[1];
    } else if (n != PCRE2_ERROR_NOMATCH) {
        char what[256] = "";
        (void)pcre2_get_error_message(n, (PCRE2_UCHAR *)what, sizeof what);
        return hma_error(HMA_BAD_DATA,
                         "%s: a regular expression of the tokenizer gave up on a text (%s): shorten the text or use a "
                         "tokenizer with one of the published expressions",
                         pcre->name, what);
    }
    return HMA_OK;
}
