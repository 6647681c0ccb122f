#include "eval/alignment/spec.h"

const char *hma_alignment_type_name(hma_alignment_type type) {
    static const char *const names[HMA_ALIGNMENT_TYPE_COUNT] = {[HMA_ALIGNMENT_REWARD_MODEL] = "reward_model",
                                                                [HMA_ALIGNMENT_IMPLICIT] = "implicit",
                                                                [HMA_ALIGNMENT_SCORES] = "scores"};
    return names[type];
}
