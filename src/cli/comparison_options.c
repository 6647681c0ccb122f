#include "comparison_options.h"

#include <stdio.h>
#include <string.h>

#include "talk.h"

const cli_option cli_comparison_options[2] = {
    {CLI_TEXT, 0, "mixture", "FROM:TO:STEP",
     .help = "pre and post decode together, by these weights of post; each token costs both models", .absent = "none",
     .offset = offsetof(cli_comparisons, mixture)},
    {CLI_TEXTS, 0, "extra", "NAME=DIR", .help = "another checkpoint of the model, scored as it is; may be given several times",
     .absent = "none", .offset = offsetof(cli_comparisons, extra), .role = CLI_READS_NAMED},
};

/* "NAME=DIR" */
static hma_status add_extra(hma_run *run, const char *text) {
    const char *equals = strchr(text, '=');
    char name[256];
    if (!equals || equals == text || !equals[1] || (size_t)(equals - text) >= sizeof name) {
        return cli_error(HMA_USAGE,
                         "--extra: \"%.80s\" is not usable (expected NAME=DIR, such as early-stop=runs/step-500): correct it",
                         text);
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    return hma_run_add_extra(run, name, equals + 1);
}

hma_status cli_comparisons_add(hma_run *run, const cli_comparisons *comparisons) {
    hma_status status = comparisons->mixture ? hma_run_add_mixtures(run, comparisons->mixture) : HMA_OK;
    for (size_t i = 0; i < comparisons->extra.count && status == HMA_OK; i++) {
        status = add_extra(run, comparisons->extra.item[i]);
    }
    return status;
}
