#include "json_out.h"

#include <inttypes.h>
#include <math.h>

#include "hma/text.h"

static void put_quoted(FILE *out, const char *text) {
    char *quoted = hma_json_quote(text);
    (void)fputs(quoted ? quoted : "null", out);
    hma_text_free(quoted);
}

static void put_key(cli_json *json, const char *key) {
    if (json->comma) {
        (void)fputc(',', json->out);
    }
    if (key) {
        put_quoted(json->out, key);
        (void)fputc(':', json->out);
    }
    json->comma = true;
}

static void open_with(cli_json *json, const char *key, char bracket) {
    put_key(json, key);
    (void)fputc(bracket, json->out);
    json->comma = false;
}

static void close_with(cli_json *json, char bracket) {
    (void)fputc(bracket, json->out);
    json->comma = true;
}

cli_json cli_json_begin(FILE *out) {
    cli_json json = {.out = out};
    open_with(&json, NULL, '{');
    return json;
}

void cli_json_end(cli_json *json) {
    close_with(json, '}');
    (void)fputc('\n', json->out);
}

void cli_json_object(cli_json *json, const char *key) { open_with(json, key, '{'); }
void cli_json_object_end(cli_json *json) { close_with(json, '}'); }
void cli_json_array(cli_json *json, const char *key) { open_with(json, key, '['); }
void cli_json_array_end(cli_json *json) { close_with(json, ']'); }

void cli_json_text(cli_json *json, const char *key, const char *value) {
    put_key(json, key);
    if (value) {
        put_quoted(json->out, value);
    } else {
        (void)fputs("null", json->out);
    }
}

void cli_json_number(cli_json *json, const char *key, double value) {
    char text[HMA_DOUBLE_TEXT];
    put_key(json, key);
    (void)fputs(isfinite(value) ? hma_double_text(value, text) : "null", json->out);
}

void cli_json_count(cli_json *json, const char *key, uint64_t value) {
    put_key(json, key);
    (void)fprintf(json->out, "%" PRIu64, value);
}

void cli_json_bool(cli_json *json, const char *key, bool value) {
    put_key(json, key);
    (void)fputs(value ? "true" : "false", json->out);
}

void cli_json_raw(cli_json *json, const char *key, const char *value) {
    put_key(json, key);
    (void)fputs(value, json->out);
}
