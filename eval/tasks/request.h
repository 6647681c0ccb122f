/* Raw requests as they are held in memory. Public side: hma/requests.h. */
#ifndef HMA_TASKS_REQUEST_H
#define HMA_TASKS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eval/tasks/fields.h"
#include "hma/context.h"
#include "hma/error.h"
#include "hma/requests.h"

typedef enum hma_request_type {
    HMA_REQUEST_LOGLIKELIHOOD = 0,
    HMA_REQUEST_GENERATE,
    HMA_REQUEST_REWARD,
    HMA_REQUEST_LOGITS,
    HMA_REQUEST_TOKENIZE,
    HMA_REQUEST_DETOKENIZE,
    HMA_REQUEST_ROLLING,
    HMA_REQUEST_TYPE_COUNT
} hma_request_type;

/* A run of ids that the request owns. */
typedef struct hma_id_run {
    int32_t *ids;
    size_t count;
} hma_id_run;

static inline hma_ids hma_id_run_view(const hma_id_run *run) { return (hma_ids){run->ids, run->count}; }

typedef struct hma_request {
    hma_request_type type;
    size_t line; /* of the file, for messages */
    char *id;
    char *text;         /* "context" or "text"; NULL when given as ids */
    char *continuation; /* loglikelihood given as text */
    hma_id_run ids;     /* "context_ids" or "ids" */
    hma_id_run continuation_ids;
    bool special; /* tokenize: with special tokens */
    /* generate */
    hma_stops until;
    size_t max_tokens, samples, top_k;
    double temperature, top_p;
    uint64_t seed;
    hma_ids tokens;    /* answer to tokenize, owned by the questions */
    char *detokenized; /* answer to detokenize, freed with hma_text_free(); may hold U+0000 */
    size_t detokenized_length;
    size_t slot;  /* place of its (first) question in the call that answers it */
    size_t slots; /* loglikelihood_rolling: how many questions it became */
} hma_request;

typedef struct hma_request_list {
    const char *path; /* for messages */
    hma_request *items;
    size_t count, capacity;
} hma_request_list;

/* Reads and checks a whole file ("-": standard input). @return HMA_IO, HMA_BAD_DATA naming file and line. */
hma_status hma_request_list_read(hma_request_list *out, const hma_context *context, const char *path);
void hma_request_list_free(hma_request_list *list);

/* What messages call the file. */
const char *hma_request_list_name(const hma_request_list *list);

/* Puts "FILE:LINE: " of a request before the last error's message; returns its status. */
hma_status hma_request_locate(const hma_request_list *list, const hma_request *request);

#endif
