/* What a run's folder keeps beside the journal, for readers: the exact suite, and all that is asked. hma itself reads neither.
 */
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "search/run_parts.h"

#define REQUESTS_FACT "requests_sha256"

/* HMA_BAD_DATA when the file is not what the fact says. */
static hma_status check_file(const char *path, const char *what, const char *expected) {
    char digest[65];
    const hma_status status = hma_sha256_of_file(path, digest);
    if (status == HMA_OK && !(expected && strcmp(expected, digest) == 0)) {
        return hma_error(HMA_BAD_DATA, "%s: is not %s (its SHA-256 differs): restore it, or remove it to have it made again",
                         path, what);
    }
    return status;
}

hma_status hma_run_check_kept(const hma_run *run, bool all) {
    const char *requests = hma_run_fact(run, REQUESTS_FACT); /* older runs have none */
    char *suite_path = hma_path_join(run->folder, HMA_RUN_SUITE), *requests_path = hma_path_join(run->folder, HMA_RUN_REQUESTS);
    hma_status status = suite_path && requests_path ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK && (all || hma_path_exists(suite_path))) {
        status = check_file(suite_path, "the suite that was scored", hma_run_fact(run, "suite_text_sha256"));
    }
    if (status == HMA_OK && requests && (all || hma_path_exists(requests_path))) {
        status = check_file(requests_path, "what was written there", requests);
    }
    free(suite_path);
    free(requests_path);
    return status;
}

hma_status hma_run_keep_suite(const hma_run *run, const char *suite) {
    char *path = hma_path_join(run->folder, HMA_RUN_SUITE);
    hma_status status = path ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK && (!run->journal || run->journal->unpublished || !hma_path_exists(path))) {
        status = hma_file_store(path, suite, strlen(suite));
    }
    free(path);
    return status;
}

static hma_status write_requests(hma_run *run, const hma_evaluator *evaluator, const char *path) {
    char digest[65];
    hma_status status = hma_evaluator_write_requests(evaluator, path);
    if (status == HMA_OK) {
        status = hma_sha256_of_file(path, digest);
    }
    if (status == HMA_OK) {
        status = hma_journal_put_fact(run->journal, REQUESTS_FACT, digest);
    }
    return status == HMA_OK ? hma_facts_set(&run->facts, HMA_FACT_HISTORY, REQUESTS_FACT, "%s", digest) : status;
}

hma_status hma_run_keep_requests(hma_run *run, const hma_evaluator *evaluator) {
    char *path = hma_path_join(run->folder, HMA_RUN_REQUESTS);
    hma_status status = path ? HMA_OK : HMA_FAILURE;
    /* what an earlier start left may be another suite's */
    if (status == HMA_OK && (run->is_new || !hma_run_fact(run, REQUESTS_FACT) || !hma_path_exists(path))) {
        status = write_requests(run, evaluator, path);
    }
    free(path);
    return status;
}
