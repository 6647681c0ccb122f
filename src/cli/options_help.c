/* Help and completion, printed from the option tables. */
#include <inttypes.h>
#include <string.h>

#include "hma/text.h"
#include "options.h"

enum { NAME_COLUMN = 26, LINE_WIDTH = 100 };

void cli_print_usage(FILE *out, const cli_spec *spec) {
    (void)fprintf(out, "hma %s", spec->name);
    for (int pass = 0; pass < 2; pass++) {
        for (const cli_group *g = spec->groups; g->count; g++) {
            for (const cli_option *o = g->options; o < g->options + g->count; o++) {
                if (pass == 0 && cli_is_operand(o)) {
                    (void)fprintf(out, o->kind == CLI_OPERAND ? " %s" : " [%s]", o->name);
                } else if (pass == 1 && o->required) {
                    (void)fprintf(out, " --%s %s", o->name, o->argument);
                }
            }
        }
    }
    (void)fputs(" [OPTION]..\n", out);
}

/* The default as it is now; "" where there is nothing to say. */
static void default_text(char *text, size_t size, const cli_option *o, const void *value) {
    text[0] = 0;
    uint64_t number = 0;
    const char *word = NULL;
    switch (o->kind) {
    case CLI_NUMBER:
    case CLI_SIZE: number = *(const uint64_t *)value; break;
    case CLI_CHOICE: word = o->choice((size_t) * (const int *)value); break;
    case CLI_TEXT: word = *(const char *const *)value; break;
    default: break;
    }
    if (word) {
        (void)snprintf(text, size, "%s", word);
    } else if (o->absent) {
        (void)snprintf(text, size, "%s", o->absent);
    } else if (number || o->kind == CLI_NUMBER) {
        (void)snprintf(text, size, "%" PRIu64, number);
    }
}

/* Words of `text` from column `column` on, broken before LINE_WIDTH and continued at `indent`. */
static void print_wrapped(FILE *out, const char *text, size_t column, size_t indent) {
    while (*text) {
        const size_t word = strcspn(text, " ");
        if (column > indent && column + 1 + word > LINE_WIDTH) {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            (void)fputc(' ', out);
            column++;
        }
        (void)fprintf(out, "%.*s", (int)word, text);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    (void)fputc('\n', out);
}

static void print_option(FILE *out, const cli_option *o, const void *value) {
    char name[96];
    if (cli_is_operand(o)) {
        (void)snprintf(name, sizeof name, "  %s", o->name);
    } else {
        const char letter[] = {'-', o->letter, ',', ' ', 0};
        (void)snprintf(name, sizeof name, "  %s--%s%s%s", o->letter ? letter : "    ", o->name, o->argument ? " " : "",
                       o->argument ? o->argument : "");
    }
    char words[256] = "", standard[256], help[1024];
    if (o->kind == CLI_CHOICE) {
        cli_choice_words(words, sizeof words, o);
    }
    default_text(standard, sizeof standard, o, value);
    (void)snprintf(help, sizeof help, "%s%s%s%s%s%s%s", o->help, *words || *standard ? " (" : "", words,
                   *words && *standard ? "; " : "", *standard ? "default: " : "", standard, *words || *standard ? ")" : "");
    const size_t length = strlen(name);
    if (length + 2 > NAME_COLUMN) {
        (void)fprintf(out, "%s\n%*s", name, NAME_COLUMN, "");
    } else {
        (void)fprintf(out, "%-*s", NAME_COLUMN, name);
    }
    print_wrapped(out, help, NAME_COLUMN, NAME_COLUMN);
}

void cli_print_help(FILE *out, const cli_spec *spec) {
    (void)fprintf(out, "hma %s: %s\n\nUsage: ", spec->name, spec->summary);
    cli_print_usage(out, spec);
    if (spec->details) {
        (void)fprintf(out, "\n%s\n", spec->details);
    }
    const char *last_title = "";
    for (const cli_group *g = spec->groups; g->count; g++) {
        const char *title = g->title ? g->title : "Options";
        if (strcmp(title, last_title) != 0) {
            (void)fprintf(out, "\n%s:\n", title);
        }
        last_title = title;
        for (const cli_option *o = g->options; o < g->options + g->count; o++) {
            print_option(out, o, (const char *)spec->defaults + g->base + o->offset);
        }
    }
}

/* ---- completion ---- */

static void print_command_completion(FILE *out, const cli_spec *spec) {
    (void)fprintf(out, "    %s)\n        options=\"--help", spec->name);
    for (const cli_group *g = spec->groups; g->count; g++) {
        for (const cli_option *o = g->options; o < g->options + g->count; o++) {
            if (!cli_is_operand(o)) {
                (void)fprintf(out, " --%s", o->name);
            }
        }
    }
    (void)fputs("\"\n        case $previous in\n", out);
    for (const cli_group *g = spec->groups; g->count; g++) {
        for (const cli_option *o = g->options; o < g->options + g->count; o++) {
            if (o->kind == CLI_CHOICE) {
                (void)fprintf(out, "        --%s) words=\"", o->name);
                for (size_t i = 0; o->choice(i); i++) {
                    (void)fprintf(out, i ? " %s" : "%s", o->choice(i));
                }
                (void)fputs("\" ;;\n", out);
            }
        }
    }
    (void)fputs("        esac\n        ;;\n", out);
}

void cli_print_completion(FILE *out, const cli_spec *const *specs) {
    (void)fputs("# Completion of hma for bash; printed by \"hma help --completion\".\n"
                "_hma() {\n"
                "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} options= words=\n"
                "    local commands=\"",
                out);
    for (const cli_spec *const *s = specs; *s; s++) {
        (void)fprintf(out, s == specs ? "%s" : " %s", (*s)->name);
    }
    (void)fputs("\"\n"
                "    COMPREPLY=()\n"
                "    if ((COMP_CWORD == 1)) || [[ ${COMP_WORDS[1]} == help && $current != -* ]]; then\n"
                "        COMPREPLY=($(compgen -W \"$commands\" -- \"$current\"))\n"
                "        return\n"
                "    fi\n"
                "    case ${COMP_WORDS[1]} in\n",
                out);
    for (const cli_spec *const *s = specs; *s; s++) {
        print_command_completion(out, *s);
    }
    (void)fputs("    esac\n"
                "    if [[ $words ]]; then\n"
                "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                "    elif [[ $current == -* ]]; then\n"
                "        COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
                "    fi\n"
                "}\n"
                "complete -o default -F _hma hma\n",
                out);
}
