/* What a user of the installed library does first: check the version, make a context, open something, read an error. */
#include <hma/hma.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    if (strcmp(hma_version(), HMA_VERSION) != 0) {
        printf("headers are %s, the library is %s\n", HMA_VERSION, hma_version());
        return 1;
    }
    hma_context *context = NULL;
    const hma_context_options options = {.threads = 2};
    if (hma_context_new(&context, &options) != HMA_OK || hma_context_threads(context) < 1) {
        printf("no context: %s\n", hma_error_message());
        return 1;
    }
    hma_checkpoint *checkpoint = NULL;
    const hma_status status = hma_checkpoint_open(&checkpoint, "/nowhere/at/all");
    hma_context_free(context);
    if (status != HMA_IO || checkpoint || !strstr(hma_error_message(), "/nowhere/at/all")) {
        printf("opening nothing gave %s: %s\n", hma_status_name(status), hma_error_message());
        return 1;
    }
    return 0;
}
