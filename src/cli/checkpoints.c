#include "checkpoints.h"

#include "files.h"
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
