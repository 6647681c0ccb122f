/* Evaluations of the proxy objective in the journal: a solver that starts again is answered from here. */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "search/bits.h"
#include "search/parts.h"
#include "search/row_digests.h"

hma_status hma_evaluation_get(const hma_journal *journal, const char *objective, const double *ratios, size_t count,
                              bool *found, double *value, double *gradient) {
    sqlite3_stmt *statement = NULL;
    hma_buffer key = {0};
    hma_bits_write(&key, ratios, count);
    hma_status status = hma_buffer_ok(&key);
    *found = false;
    if (status == HMA_OK) {
        status = hma_sql_prepare(&journal->sql, &statement,
                                 "SELECT value, gradient FROM evaluation WHERE objective = ?1 AND ratios = ?2");
    }
    if (status == HMA_OK) {
        status = hma_sql_bind(&journal->sql, statement, "tt", objective, hma_buffer_cstr(&key));
    }
    if (status == HMA_OK) {
        status = hma_sql_step(&journal->sql, statement, found);
    }
    if (status == HMA_OK && *found) {
        *value = hma_sql_double(statement, 0);
        if (!hma_bits_read(hma_sql_text(statement, 1), gradient, count)) {
            status = hma_sql_damaged(&journal->sql, "a gradient is not readable");
        }
    }
    (void)sqlite3_finalize(statement);
    hma_buffer_free(&key);
    return status;
}

hma_status hma_evaluation_put(hma_journal *journal, const char *objective, const double *ratios, size_t count, double value,
                              const double *gradient) {
    hma_buffer key = {0}, slope = {0};
    hma_bits_write(&key, ratios, count);
    hma_bits_write(&slope, gradient, count);
    hma_status status = hma_buffer_ok(&key);
    if (status == HMA_OK) {
        status = hma_buffer_ok(&slope);
    }
    if (status == HMA_OK && (status = hma_journal_enter(journal)) == HMA_OK) {
        status = hma_sql_once(&journal->sql, "INSERT OR REPLACE INTO evaluation VALUES (?1, ?2, ?3, ?4)", "save an evaluation",
                              "ttdt", objective, hma_buffer_cstr(&key), value, hma_buffer_cstr(&slope));
        if (status == HMA_OK) {
            status = hma_row_digests_renew(journal, HMA_ROWS_EVALUATIONS, 0);
        }
        status = hma_journal_leave(journal, "save an evaluation", status);
    }
    hma_buffer_free(&key);
    hma_buffer_free(&slope);
    return status;
}
