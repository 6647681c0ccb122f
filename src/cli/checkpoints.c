#include "checkpoints.h"

#include <stdio.h>

#include "files.h"
#include "hma/error.h"
#include "hma/model.h"
#include "talk.h"

hma_status cli_checkpoint_open(hma_checkpoint **out, const char *folder) {
    const hma_status status = hma_checkpoint_open(out, folder);
    for (size_t i = 0; status == HMA_OK && i < hma_checkpoint_warning_count(*out); i++) {
        cli_warn("%s", hma_checkpoint_warning(*out, i));
    }
    return status;
}

hma_status cli_pair_open(hma_checkpoint **pre, hma_checkpoint **post, const char *pre_folder, const char *post_folder) {
    *pre = *post = NULL;
    hma_status status = cli_checkpoint_open(pre, pre_folder);
    if (status == HMA_OK) {
        status = cli_checkpoint_open(post, post_folder);
    }
    if (status == HMA_OK && cli_is_same_file(pre_folder, post_folder)) {
        cli_warn("%s: is the same folder as %s (expected two models): every merge of the two is that model", post_folder,
                 pre_folder);
    }
    return status;
}

hma_tokenizer *cli_tokenizer_find(const char *folder, char problem[CLI_PROBLEM], bool *broken) {
    hma_tokenizer *tokenizer = NULL;
    const bool there = cli_has_file(folder, "tokenizer.json") || cli_has_file(folder, "tokenizer.model");
    problem[0] = 0;
    *broken = there && hma_tokenizer_open(&tokenizer, folder) != HMA_OK;
    if (*broken) {
        (void)snprintf(problem, CLI_PROBLEM, "%s", hma_error_message());
        return NULL;
    }
    if (!there) {
        (void)snprintf(problem, CLI_PROBLEM, "none in the folder");
    }
    return tokenizer;
}

void cli_warn_unless_scorable(const char *folder) {
    hma_checkpoint *checkpoint = NULL;
    hma_description model;
    char problem[CLI_PROBLEM];
    bool broken;
    hma_tokenizer_free(cli_tokenizer_find(folder, problem, &broken));
    if (!broken && hma_checkpoint_open(&checkpoint, folder) == HMA_OK && hma_model_describe(&model, checkpoint) == HMA_OK &&
        !model.scorable) {
        (void)snprintf(problem, sizeof problem, "%s", model.why_not);
        broken = true;
    }
    hma_checkpoint_close(checkpoint);
    if (broken) {
        cli_warn("%s: is written, but hma cannot score it (%s)", folder, problem);
    }
}
