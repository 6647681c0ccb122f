#include "options.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hma/text.h"
#include "talk.h"

/* One command line while it is read. */
typedef struct reader {
    const cli_spec *spec;
    cli_parsed *parsed;
    int argc;
    char **argv;
    int at;         /* next argument */
    size_t operand; /* how many operands were read */
} reader;

/* An entry of a table together with the place of its value. */
typedef struct target {
    const cli_option *option;
    void *value;
} target;

static bool takes_value(const cli_option *o) { return o->kind != CLI_FLAG && o->kind != CLI_COUNTER; }
static bool is_repeatable(const cli_option *o) { return o->kind == CLI_TEXTS || o->kind == CLI_COUNTER; }

/* The `index`th entry of all groups; an empty target past the last. */
static target entry(const reader *r, size_t index) {
    for (const cli_group *g = r->spec->groups; g->count; g++) {
        if (index < g->count) {
            const cli_option *option = &g->options[index];
            return (target){option, (char *)r->parsed->values + g->base + option->offset};
        }
        index -= g->count;
    }
    return (target){0};
}

static target find_name(const reader *r, const char *name, size_t length) {
    target t;
    for (size_t i = 0; (t = entry(r, i)).option; i++) {
        if (!cli_is_operand(t.option) && strlen(t.option->name) == length && memcmp(t.option->name, name, length) == 0) {
            return t;
        }
    }
    return t;
}

static target find_letter(const reader *r, char letter) {
    target t;
    for (size_t i = 0; (t = entry(r, i)).option; i++) {
        if (t.option->letter == letter) {
            return t;
        }
    }
    return t;
}

static target find_operand(const reader *r, size_t position) {
    target t;
    for (size_t i = 0; (t = entry(r, i)).option; i++) {
        if (cli_is_operand(t.option) && position-- == 0) {
            return t;
        }
    }
    return t;
}

/* A usage error that the command's help answers. */
HMA_PRINTF(2, 3) static hma_status see_help(const reader *r, const char *format, ...) {
    char what[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return cli_error(HMA_USAGE, "%s: see 'hma help %s'", what, r->spec->name);
}

static hma_status unknown_option(const reader *r, const char *name) {
    const char *names[CLI_MAX_OPTIONS + 2];
    size_t count = 0;
    target t;
    for (size_t i = 0; (t = entry(r, i)).option; i++) {
        if (!cli_is_operand(t.option)) {
            names[count++] = t.option->name;
        }
    }
    names[count++] = "help";
    names[count] = NULL;
    const char *near = hma_nearest(name, names);
    return near ? see_help(r, "--%s: unknown option (did you mean --%s?)", name, near)
                : see_help(r, "--%s: unknown option (expected one of this command's options)", name);
}

/* ---- values ---- */

void cli_choice_words(char *text, size_t size, const cli_option *option) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; option->choice(i) && used < size; i++) {
        const char *separator = i == 0 ? "" : option->choice(i + 1) ? ", " : " or ";
        used += (size_t)snprintf(text + used, size - used, "%s%s", separator, option->choice(i));
    }
}

static hma_status bad_value(const char *name, const char *value, const char *expected) {
    return cli_error(HMA_USAGE, "%s: '%s' cannot be used (expected %s): correct the value", name, value, expected);
}

static hma_status set_choice(const cli_option *o, const char *name, const char *text, int *value) {
    const char *words[32];
    size_t count = 0;
    for (; count + 1 < sizeof words / sizeof *words && (words[count] = o->choice(count)) != NULL; count++) {
        if (strcmp(words[count], text) == 0) {
            *value = (int)count;
            return HMA_OK;
        }
    }
    words[count] = NULL;
    char expected[512];
    cli_choice_words(expected, sizeof expected, o);
    const char *near = hma_nearest(text, words);
    return near ? cli_error(HMA_USAGE, "%s: '%s' is not known (expected %s): did you mean %s?", name, text, expected, near)
                : bad_value(name, text, expected);
}

static hma_status set_number(const cli_option *o, const char *name, const char *text, uint64_t *value) {
    if (!hma_parse_u64(value, text) || *value < o->least || *value > o->most) {
        char expected[96];
        (void)snprintf(expected, sizeof expected, "a whole number from %llu to %llu", (unsigned long long)o->least,
                       (unsigned long long)o->most);
        return bad_value(name, text, expected);
    }
    return HMA_OK;
}

static hma_status set_size(const cli_option *o, const char *name, const char *text, uint64_t *value) {
    char expected[96] = "a size in bytes such as 500M or 6G";
    if (hma_parse_size(value, text) && *value > 0 && *value >= o->least) {
        return HMA_OK;
    }
    if (o->least) {
        (void)snprintf(expected, sizeof expected, "a size in bytes such as 500M or 6G, at least %" PRIu64 "M", o->least >> 20);
    }
    return bad_value(name, text, expected);
}

static bool read_ratio(const cli_option *o, const char *text, double *value) {
    return hma_parse_double(value, text) && *value >= 0 && *value <= (o->most ? (double)o->most : 1);
}

/* Which ratios beyond post are taken depends on the method, which is looked at later. */
static hma_status bad_ratio(const cli_option *o, const char *name, const char *text, const char *what) {
    char expected[128], beyond[64] = "";
    if (o->most) {
        (void)snprintf(beyond, sizeof beyond, ", or to %" PRIu64 " with --method extrapolate", o->most);
    }
    (void)snprintf(expected, sizeof expected, "%s from 0 (pre) to 1 (post)%s", what, beyond);
    return bad_value(name, text, expected);
}

static hma_status set_ratio(const cli_option *o, const char *name, const char *text, double *value) {
    return read_ratio(o, text, value) ? HMA_OK : bad_ratio(o, name, text, "a ratio");
}

static hma_status set_positive(const cli_option *o, const char *name, const char *text, double *value) {
    char expected[64];
    if (hma_parse_double(value, text) && *value > 0 && *value <= (double)o->most) {
        return HMA_OK;
    }
    (void)snprintf(expected, sizeof expected, "a number above 0, at most %" PRIu64, o->most);
    return bad_value(name, text, expected);
}

static hma_status set_ratios(const cli_option *o, const char *name, const char *text, cli_ratios *value) {
    size_t commas = 0;
    for (const char *c = text; *c; c++) {
        commas += *c == ',';
    }
    char *copy = strdup(text);
    value->item = calloc(commas + 1, sizeof *value->item);
    value->count = 0;
    hma_status status = copy && value->item ? HMA_OK : cli_error_memory();
    char *rest = copy;
    while (status == HMA_OK && value->count <= commas) {
        const char *part = strsep(&rest, ",");
        status = read_ratio(o, part, &value->item[value->count++]) ? HMA_OK
                                                                   : bad_ratio(o, name, text, "ratios, separated by commas,");
    }
    free(copy);
    return status;
}

static hma_status add_text(const reader *r, cli_texts *value, const char *text) {
    if (!value->item && !(value->item = calloc((size_t)r->argc, sizeof *value->item))) {
        return cli_error_memory();
    }
    value->item[value->count++] = text;
    return HMA_OK;
}

static hma_status set_text(const char *name, const char *text, const char **value) {
    if (!*text) {
        return cli_error(HMA_USAGE, "%s: is empty (expected a value): give it one", name);
    }
    *value = text;
    return HMA_OK;
}

/* `shown` is the option as messages call it: "--threads", "PRE". */
static hma_status set_value(const reader *r, target t, const char *shown, const char *text) {
    const cli_option *o = t.option;
    if (cli_given(r->parsed, o->name) && !is_repeatable(o)) {
        return see_help(r, "%s: is given twice (expected once)", shown);
    }
    if (!cli_given(r->parsed, o->name)) {
        r->parsed->given[r->parsed->given_count++] = o->name;
    }
    switch (o->kind) {
    case CLI_FLAG: *(bool *)t.value = true; return HMA_OK;
    case CLI_COUNTER: ++*(unsigned *)t.value; return HMA_OK;
    case CLI_OPERAND:
    case CLI_OPTIONAL_OPERAND:
    case CLI_TEXT: return set_text(shown, text, t.value);
    case CLI_TEXTS: return add_text(r, t.value, text);
    case CLI_NUMBER: return set_number(o, shown, text, t.value);
    case CLI_SIZE: return set_size(o, shown, text, t.value);
    case CLI_RATIO: return set_ratio(o, shown, text, t.value);
    case CLI_RATIOS: return set_ratios(o, shown, text, t.value);
    case CLI_POSITIVE: return set_positive(o, shown, text, t.value);
    case CLI_CHOICE: return set_choice(o, shown, text, t.value);
    }
    return HMA_FAILURE;
}

/* ---- arguments ---- */

/* The argument after an option. One that looks like an option itself is a forgotten value ("--out --force"). */
static hma_status next_value(reader *r, const char *shown, const char **text) {
    if (r->at >= r->argc) {
        return see_help(r, "%s: has no value (expected one after it)", shown);
    }
    const char *next = r->argv[r->at];
    if (strncmp(next, "--", 2) == 0) {
        return see_help(r, "%s: has no value (expected one, but '%s' follows)", shown, next);
    }
    *text = r->argv[r->at++];
    return HMA_OK;
}

static hma_status read_long(reader *r, const char *argument) {
    const char *name = argument + 2;
    const size_t length = strcspn(name, "=");
    const char *text = name[length] ? name + length + 1 : NULL;
    const target t = find_name(r, name, length);
    char shown[256];
    (void)snprintf(shown, sizeof shown, "%.*s", (int)length, name);
    if (!t.option) {
        return unknown_option(r, shown);
    }
    (void)snprintf(shown, sizeof shown, "--%s", t.option->name);
    if (!takes_value(t.option)) {
        return text ? see_help(r, "%s: takes no value (expected nothing after the name, got '%s')", shown, text)
                    : set_value(r, t, shown, NULL);
    }
    const hma_status status = text ? HMA_OK : next_value(r, shown, &text);
    return status == HMA_OK ? set_value(r, t, shown, text) : status;
}

/* "-qv", "-j4", "-j 4" */
static hma_status read_letters(reader *r, const char *argument) {
    for (const char *letter = argument + 1; *letter; letter++) {
        const char shown[3] = {'-', *letter, 0};
        const target t = find_letter(r, *letter);
        if (!t.option) {
            return see_help(r, "%s: unknown option (expected one of this command's options)", shown);
        }
        if (takes_value(t.option)) {
            const char *text = letter + 1;
            const hma_status status = *text ? HMA_OK : next_value(r, shown, &text);
            return status == HMA_OK ? set_value(r, t, shown, text) : status;
        }
        const hma_status status = set_value(r, t, shown, NULL);
        if (status != HMA_OK) {
            return status;
        }
    }
    return HMA_OK;
}

static hma_status read_operand(reader *r, const char *argument) {
    const target t = find_operand(r, r->operand++);
    return t.option ? set_value(r, t, t.option->name, argument)
                    : see_help(r, "'%s': is one argument too many (expected no more)", argument);
}

static bool asks_for_help(int argc, char **argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

static hma_status check_required(const reader *r) {
    target t;
    for (size_t i = 0; (t = entry(r, i)).option; i++) {
        if ((t.option->kind == CLI_OPERAND || t.option->required) && !cli_given(r->parsed, t.option->name)) {
            return see_help(r, "%s%s: is missing (it is required)", cli_is_operand(t.option) ? "" : "--", t.option->name);
        }
    }
    return HMA_OK;
}

hma_status cli_parse(cli_parsed *out, const cli_spec *spec, int argc, char **argv) {
    *out = (cli_parsed){.values = malloc(spec->values_size ? spec->values_size : 1)};
    if (!out->values) {
        return cli_error_memory();
    }
    if (spec->values_size) {
        memcpy(out->values, spec->defaults, spec->values_size);
    }
    if (asks_for_help(argc, argv)) {
        out->help = true;
        return HMA_OK;
    }
    reader r = {.spec = spec, .parsed = out, .argc = argc, .argv = argv};
    bool only_operands = false;
    hma_status status = HMA_OK;
    while (status == HMA_OK && r.at < argc) {
        const char *argument = argv[r.at++];
        if (only_operands || argument[0] != '-' || !argument[1]) {
            status = read_operand(&r, argument);
        } else if (strcmp(argument, "--") == 0) {
            only_operands = true;
        } else {
            status = argument[1] == '-' ? read_long(&r, argument) : read_letters(&r, argument);
        }
    }
    return status == HMA_OK ? check_required(&r) : status;
}

void cli_parsed_free(cli_parsed *parsed, const cli_spec *spec) {
    if (!parsed->values) {
        return;
    }
    const reader r = {.spec = spec, .parsed = parsed};
    target t;
    for (size_t i = 0; (t = entry(&r, i)).option; i++) {
        if (t.option->kind == CLI_TEXTS) {
            free(((cli_texts *)t.value)->item);
        } else if (t.option->kind == CLI_RATIOS) {
            free(((cli_ratios *)t.value)->item);
        }
    }
    free(parsed->values);
    *parsed = (cli_parsed){0};
}

bool cli_given(const cli_parsed *parsed, const char *name) {
    for (size_t i = 0; i < parsed->given_count; i++) {
        if (strcmp(parsed->given[i], name) == 0) {
            return true;
        }
    }
    return false;
}
