/* A request file on its way to its answers. */
#ifndef HMA_TASKS_ANSWERS_H
#define HMA_TASKS_ANSWERS_H

#include "eval/tasks/questions.h"
#include "eval/tasks/request.h"
#include "hma/context.h"
#include "hma/model.h"
#include "hma/requests.h"
#include "hma/tokenizer.h"

typedef struct hma_answering {
    hma_context *context;
    hma_model *model;               /* may be NULL */
    const hma_tokenizer *tokenizer; /* may be NULL */
    hma_bos bos;
    hma_request_list list;
    hma_questions questions; /* loglikelihood and generate */
    hma_ids *judged;         /* reward */
    double *rewards;
    size_t judged_count, judged_capacity;
    size_t cut; /* requests whose beginnings the model does not see */
} hma_answering;

/* Writes an answer for every request, in order, when questions and rewards are answered; logits are asked for on the way. */
hma_status hma_answers_write(hma_answering *answering, const char *path);

#endif
