/* How alignment is measured: the "alignment" object of a suite file. */
#ifndef HMA_ALIGNMENT_SPEC_H
#define HMA_ALIGNMENT_SPEC_H

#include <stdbool.h>
#include <stddef.h>

typedef enum hma_alignment_type {
    HMA_ALIGNMENT_REWARD_MODEL = 0, /* a sequence-classification folder */
    HMA_ALIGNMENT_IMPLICIT,         /* log post - log pre of the reply's tokens */
    HMA_ALIGNMENT_SCORES,           /* an external command */
    HMA_ALIGNMENT_TYPE_COUNT
} hma_alignment_type;

typedef struct hma_alignment_spec {
    hma_alignment_type type;
    const char *folder; /* of the suite: where the command runs */
    const char *model;  /* reward_model: the folder, resolved */
    char **command;     /* scores: program and arguments, NULL-terminated; the texts are the suite's */
    size_t samples;     /* replies per prompt */
    size_t max_tokens;
    double temperature; /* 0: greedy */
    size_t top_k;       /* 0: off */
    double top_p;       /* 1: off */
    bool chat_prompt;   /* the model's chat template around the prompt; else the prompt as it stands */
    bool chat_reward;   /* what is judged is the template of the finished exchange; else prompt text + reply */
} hma_alignment_spec;

/* "reward_model", "implicit", "scores". */
const char *hma_alignment_type_name(hma_alignment_type type);

#endif
