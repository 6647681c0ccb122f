/*
 * Options as data. A command describes its operands and options in tables; the tables drive parsing, `--help`, `hma help CMD`
 * and shell completion, so that the three cannot disagree.
 *
 * A command's values live in a struct of its own. Each table entry says where (offsetof), and the struct's defaults are what
 * the help shows.
 */
#ifndef HMA_CLI_OPTIONS_H
#define HMA_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hma/error.h"

typedef enum cli_kind {
    CLI_OPERAND,          /* const char *: PRE, DIR, .. in the order of the table */
    CLI_OPTIONAL_OPERAND, /* const char *, NULL when absent; after all required ones */
    CLI_FLAG,             /* bool */
    CLI_COUNTER,          /* unsigned: how often it was given (-vv) */
    CLI_TEXT,             /* const char *, NULL when absent */
    CLI_TEXTS,            /* cli_texts: may be given several times */
    CLI_NUMBER,           /* uint64_t, least .. most */
    CLI_SIZE,             /* uint64_t bytes: 6G */
    CLI_RATIO,            /* double, 0 .. 1, or .. most */
    CLI_RATIOS,           /* cli_ratios: 0.4,0.7,1; the same */
    CLI_POSITIVE,         /* double above 0, at most `most`; 0 when absent */
    CLI_CHOICE            /* int: index of the word that `choice` returns */
} cli_kind;

/* What the command does with the file or folder that a value names; outputs.h checks the ones against the others. */
typedef enum cli_role {
    CLI_NO_PATH = 0,
    CLI_READS,        /* a file, or a folder and all in it */
    CLI_READS_SUITE,  /* a suite, and all that it names */
    CLI_READS_NAMED,  /* NAME=DIR */
    CLI_RUN,          /* the folder of a run: its own files */
    CLI_WRITES,       /* a file that appears, or is replaced, when it is complete */
    CLI_APPENDS,      /* a file that grows */
    CLI_WRITES_FOLDER /* a folder that files come into */
} cli_role;

typedef struct cli_texts {
    const char **item; /* point into argv */
    size_t count;
} cli_texts;

typedef struct cli_ratios {
    double *item;
    size_t count;
} cli_ratios;

typedef struct cli_option {
    cli_kind kind;
    char letter;          /* 0: none */
    const char *name;     /* "threads"; operands in capitals: "PRE" */
    const char *argument; /* what help calls the value: "N" */
    const char *help;
    size_t offset;                       /* of the value in the group's struct */
    const char *absent;                  /* what help says in place of a default of 0 or NULL; may be NULL */
    const char *(*choice)(size_t index); /* the words of a CLI_CHOICE; NULL past the last */
    uint64_t least, most;                /* of a CLI_NUMBER; least also of a CLI_SIZE, in bytes, whole MiB; most also of
                                            ratios (0: 1) and of a CLI_POSITIVE */
    bool required;
    cli_role role;
} cli_option;

/* For `choice` functions: an entry of an array of words. */
#define CLI_WORD_AT(words, index) ((index) < sizeof(words) / sizeof *(words) ? (words)[index] : NULL)

static inline bool cli_is_operand(const cli_option *option) {
    return option->kind == CLI_OPERAND || option->kind == CLI_OPTIONAL_OPERAND;
}

/* Options that stand under one title in the help, and whose values are one part of the command's struct. */
typedef struct cli_group {
    const char *title; /* NULL: "Options" */
    const cli_option *options;
    size_t count;
    size_t base; /* offset of the part */
} cli_group;

#define CLI_GROUP(title, table, base)                                                                                          \
    { (title), (table), sizeof(table) / sizeof *(table), (base) }

enum { CLI_MAX_GROUPS = 16, CLI_MAX_OPTIONS = 96 };

/* What parsing and help need to know of a command. */
typedef struct cli_spec {
    const char *name;                 /* "merge" */
    const char *summary;              /* one line */
    const char *details;              /* what help says below the usage line; may be NULL */
    cli_group groups[CLI_MAX_GROUPS]; /* up to the first without options */
    const void *defaults;
    size_t values_size;
} cli_spec;

/* What the command line said. */
typedef struct cli_parsed {
    void *values;                       /* the command's struct */
    const char *given[CLI_MAX_OPTIONS]; /* names of the options and operands that were given */
    size_t given_count;
    bool help; /* -h or --help: nothing else was checked */
} cli_parsed;

/*
 * Reads the arguments after the command's name. Operands and options may be mixed; "--" ends the options. Names cannot be
 * abbreviated. Free with cli_parsed_free() also after a failure.
 */
hma_status cli_parse(cli_parsed *out, const cli_spec *spec, int argc, char **argv);
void cli_parsed_free(cli_parsed *parsed, const cli_spec *spec);
bool cli_given(const cli_parsed *parsed, const char *name);

/* "a, b or c" of the words of a choice. */
void cli_choice_words(char *text, size_t size, const cli_option *option);

/* `hma help CMD`. */
void cli_print_help(FILE *out, const cli_spec *spec);
/* "hma merge [OPTION].. PRE POST" */
void cli_print_usage(FILE *out, const cli_spec *spec);
/* Completion for bash. `specs` is NULL-terminated. */
void cli_print_completion(FILE *out, const cli_spec *const *specs);

#endif
