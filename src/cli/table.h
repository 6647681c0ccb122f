/*
 * Tables for people: columns as wide as their widest cell, two spaces between.
 */
#ifndef HMA_CLI_TABLE_H
#define HMA_CLI_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "hma/error.h"

typedef struct cli_table {
    const char *columns; /* one letter each: 'l'eft or 'r'ight */
    char **cells;        /* row by row */
    size_t count, capacity;
    int failed; /* out of memory */
} cli_table;

/* `columns` is kept. */
cli_table cli_table_begin(const char *columns);
/* Adds the next cell. */
void cli_table_cell(cli_table *table, const char *format, ...) HMA_PRINTF(2, 3);
/* A cell for a value and its standard error, "0.710 ±0.030": as many digits as the error justifies. */
void cli_table_measure(cli_table *table, double value, double standard_error);
/* Prints what was added and frees it. */
hma_status cli_table_end(cli_table *table, FILE *out);

/* The text of cli_table_measure(), for sentences. */
enum { CLI_MEASURE_TEXT = 96 };
const char *cli_measure_text(char text[CLI_MEASURE_TEXT], double value, double standard_error);

#endif
