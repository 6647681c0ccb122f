#include "merge/compatible.h"

#include "base/error_set.h"

hma_status hma_check_compatible(const hma_checkpoint *pre, const hma_checkpoint *post) {
    char **problems;
    size_t count;
    hma_status status = hma_checkpoint_compare(pre, post, &problems, &count);
    if (status != HMA_OK) {
        return status;
    }
    if (count > 0) {
        status = hma_error(HMA_INCOMPATIBLE, "%s and %s: cannot be averaged (%zu %s): %s", hma_checkpoint_folder(pre),
                           hma_checkpoint_folder(post), count, count == 1 ? "reason" : "reasons, the first is", problems[0]);
    }
    hma_problems_free(problems);
    return status;
}
