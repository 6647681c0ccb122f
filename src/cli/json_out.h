/*
 * JSON on a stream, compact, one document a line. Members get a key, elements of arrays NULL.
 */
#ifndef HMA_CLI_JSON_OUT_H
#define HMA_CLI_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct cli_json {
    FILE *out;
    bool comma; /* before the next value */
} cli_json;

/* An object is the document. */
cli_json cli_json_begin(FILE *out);
/* Closes it, with a newline. */
void cli_json_end(cli_json *json);

void cli_json_object(cli_json *json, const char *key);
void cli_json_object_end(cli_json *json);
void cli_json_array(cli_json *json, const char *key);
void cli_json_array_end(cli_json *json);

void cli_json_text(cli_json *json, const char *key, const char *value); /* NULL: null */
void cli_json_number(cli_json *json, const char *key, double value);    /* shortest that reads back; null unless finite */
void cli_json_count(cli_json *json, const char *key, uint64_t value);
void cli_json_bool(cli_json *json, const char *key, bool value);
/* Text that is JSON already. */
void cli_json_raw(cli_json *json, const char *key, const char *value);

#endif
