#include "table.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hma/text.h"
#include "talk.h"

cli_table cli_table_begin(const char *columns) { return (cli_table){.columns = columns}; }

void cli_table_cell(cli_table *table, const char *format, ...) {
    if (table->count == table->capacity) {
        const size_t capacity = table->capacity ? 2 * table->capacity : 64;
        char **grown = realloc(table->cells, capacity * sizeof *grown);
        if (!grown) {
            table->failed = 1;
            return;
        }
        table->cells = grown;
        table->capacity = capacity;
    }
    char *text;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        table->failed = 1;
    } else {
        hma_text_one_line(text);
        table->cells[table->count++] = text;
    }
    va_end(arguments);
}

const char *cli_measure_text(char text[CLI_MEASURE_TEXT], double value, double standard_error) {
    if (isnan(value)) {
        (void)snprintf(text, CLI_MEASURE_TEXT, "nan");
        return text;
    }
    int digits = 3;
    if (isfinite(standard_error) && standard_error > 0) {
        digits = 1 - (int)floor(log10(standard_error)); /* two digits of the error */
        digits = digits < 0 ? 0 : digits > 9 ? 9 : digits;
    }
    if (isfinite(standard_error)) {
        (void)snprintf(text, CLI_MEASURE_TEXT, "%.*f ±%.*f", digits, value, digits, standard_error);
    } else {
        (void)snprintf(text, CLI_MEASURE_TEXT, "%.*f", digits, value);
    }
    return text;
}

void cli_table_measure(cli_table *table, double value, double standard_error) {
    char text[CLI_MEASURE_TEXT];
    cli_table_cell(table, "%s", cli_measure_text(text, value, standard_error));
}

/* Columns of a terminal that a UTF-8 text takes, for scripts with one column a character. */
static size_t width_of(const char *text) {
    size_t width = 0;
    for (; *text; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return width;
}

static void print_row(FILE *out, const cli_table *table, size_t first, const size_t *widths, size_t columns) {
    size_t pending = 0; /* spaces that are due: never at the end of a line */
    for (size_t c = 0; c < columns && first + c < table->count; c++) {
        const char *text = table->cells[first + c];
        const size_t space = widths[c] - width_of(text);
        const size_t before = table->columns[c] == 'r' ? space : 0;
        if (*text) {
            (void)fprintf(out, "%*s%s", (int)(pending + before), "", text);
            pending = 0;
        } else {
            pending += before;
        }
        pending += space - before + 2;
    }
    (void)fputc('\n', out);
}

hma_status cli_table_end(cli_table *table, FILE *out) {
    const size_t columns = strlen(table->columns);
    size_t *widths = calloc(columns, sizeof *widths);
    const int failed = table->failed || !widths;
    for (size_t i = 0; !failed && i < table->count; i++) {
        const size_t width = width_of(table->cells[i]);
        widths[i % columns] = width > widths[i % columns] ? width : widths[i % columns];
    }
    for (size_t i = 0; !failed && i < table->count; i += columns) {
        print_row(out, table, i, widths, columns);
    }
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    free(widths);
    *table = (cli_table){.columns = table->columns};
    return failed ? cli_error_memory() : HMA_OK;
}
