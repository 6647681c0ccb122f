#include <string.h>

#include "base/error_set.h"
#include "eval/tasks/suite.h"

const char *const hma_bos_names[] = {[HMA_BOS_AUTO] = "auto", [HMA_BOS_YES] = "yes", [HMA_BOS_NO] = "no", NULL};

hma_status hma_bos_parse(hma_bos *out, const char *name) {
    for (size_t i = 0; hma_bos_names[i]; i++) {
        if (strcmp(name, hma_bos_names[i]) == 0) {
            *out = (hma_bos)i;
            return HMA_OK;
        }
    }
    return hma_error(HMA_USAGE, "bos \"%.40s\": there is no such setting (expected auto, yes or no): correct it", name);
}
