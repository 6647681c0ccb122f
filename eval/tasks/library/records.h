/*
 * Files of published data sets, whatever their shape: JSON, JSON lines, CSV with a header, plain text a line each, or a folder
 * of JSON documents. Out comes a list of JSON values in the order of the file.
 */
#ifndef HMA_TASKS_LIBRARY_RECORDS_H
#define HMA_TASKS_LIBRARY_RECORDS_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "hma/error.h"

/*
 * By the name's end: .json and .jsonl hold one list, one document, or one document a line; .csv holds objects of texts; a
 * folder holds a JSON document in each file, in the order of the numbers in their names; everything else is text, a value for
 * each line. *list is freed with cJSON_Delete(); `digest` gets the SHA-256 of the content.
 */
hma_status hma_records_load(cJSON **list, const char *path, char digest[65]);

/* Appends the rows of CSV text (RFC 4180) as objects with the header's names. The text is UTF-8. */
hma_status hma_csv_parse(cJSON *list, const char *path, const char *text, size_t length);

/*
 * A literal of Python made of lists, tuples, dictionaries, strings, numbers, True, False and None, as str() and CSV exports
 * write them. *out is freed with cJSON_Delete().
 */
hma_status hma_python_literal_parse(cJSON **out, const char *where, const char *text);

#endif
