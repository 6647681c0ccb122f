#include "search/sql.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"

enum { BUSY_MILLISECONDS = 20000, LONGEST_VALUE = 1 << 28 };

/* A name that begins with "file:" would be taken for a URI, with options in it. */
static hma_status open_plain(hma_sql *sql, const char *path, int flags) {
    hma_buffer name = {0};
    hma_buffer_printf(&name, "%s%s", strncmp(path, "file:", 5) == 0 ? "./" : "", path);
    hma_status status = hma_buffer_ok(&name);
    if (status == HMA_OK && sqlite3_open_v2(hma_buffer_cstr(&name), &sql->db, flags, NULL) != SQLITE_OK) {
        status = hma_sql_error(sql, "open it");
    }
    hma_buffer_free(&name);
    return status;
}

hma_status hma_sql_open(hma_sql *out, const char *path, int flags) {
    *out = (hma_sql){.path = hma_copy_text(path)};
    const hma_status status = out->path ? open_plain(out, path, flags) : HMA_FAILURE;
    if (status != HMA_OK) {
        return status;
    }
    (void)sqlite3_extended_result_codes(out->db, 1);
    (void)sqlite3_busy_timeout(out->db, BUSY_MILLISECONDS);
    (void)sqlite3_limit(out->db, SQLITE_LIMIT_LENGTH, LONGEST_VALUE);
    (void)sqlite3_db_config(out->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(out->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return hma_sql_run(out, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0", "open it");
}

void hma_sql_close(hma_sql *sql) {
    (void)sqlite3_close(sql->db);
    free(sql->path);
    *sql = (hma_sql){0};
}

hma_status hma_sql_damaged(const hma_sql *sql, const char *problem) {
    return hma_error(HMA_BAD_DATA, "%s: is damaged (%s): restore a copy of the file, or begin anew in another folder",
                     sql->path, problem);
}

hma_status hma_sql_error(const hma_sql *sql, const char *what) {
    const int code = sqlite3_extended_errcode(sql->db), system_error = sqlite3_system_errno(sql->db);
    switch (code & 0xff) {
    case SQLITE_NOMEM: return hma_error_memory(sql->path);
    case SQLITE_FULL:
        return hma_error(HMA_IO,
                         "%s: cannot %s (the disk is full): what was finished is saved; free some space and run the same "
                         "command again",
                         sql->path, what);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        if (system_error != 0) {
            return hma_error_io(sql->path, what, system_error);
        }
        return hma_error(HMA_IO, "%s: cannot %s (%s): check folder and device", sql->path, what, sqlite3_errmsg(sql->db));
    case SQLITE_READONLY:
        return hma_error(HMA_IO, "%s: cannot %s (%s): make file and folder writable", sql->path, what,
                         code == SQLITE_READONLY_ROLLBACK ? "a killed process left a commit to be undone" : "read-only");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return hma_error(HMA_IO, "%s: cannot %s (another process is using it): wait for it to end", sql->path, what);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* statements are fixed, so a table is not what it should be */
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG: return hma_sql_damaged(sql, sqlite3_errmsg(sql->db));
    default: return hma_error(HMA_FAILURE, "%s: cannot %s (%s): please report this", sql->path, what, sqlite3_errmsg(sql->db));
    }
}

hma_status hma_sql_run(const hma_sql *sql, const char *statements, const char *what) {
    return sqlite3_exec(sql->db, statements, NULL, NULL, NULL) == SQLITE_OK ? HMA_OK : hma_sql_error(sql, what);
}

hma_status hma_sql_prepare(const hma_sql *sql, sqlite3_stmt **out, const char *text) {
    return sqlite3_prepare_v2(sql->db, text, -1, out, NULL) == SQLITE_OK ? HMA_OK : hma_sql_error(sql, "read it");
}

static hma_status bind(const hma_sql *sql, sqlite3_stmt *statement, const char *letters, va_list arguments) {
    int code = SQLITE_OK;
    for (int i = 0; letters[i] && code == SQLITE_OK; i++) {
        switch (letters[i]) {
        case 'i': code = sqlite3_bind_int64(statement, i + 1, va_arg(arguments, int64_t)); break;
        case 'd': code = sqlite3_bind_double(statement, i + 1, va_arg(arguments, double)); break;
        default: code = sqlite3_bind_text(statement, i + 1, va_arg(arguments, const char *), -1, SQLITE_TRANSIENT); break;
        }
    }
    return code == SQLITE_OK ? HMA_OK : hma_sql_error(sql, "prepare a value for it");
}

hma_status hma_sql_bind(const hma_sql *sql, sqlite3_stmt *statement, const char *letters, ...) {
    va_list arguments;
    va_start(arguments, letters);
    const hma_status status = bind(sql, statement, letters, arguments);
    va_end(arguments);
    return status;
}

hma_status hma_sql_step(const hma_sql *sql, sqlite3_stmt *statement, bool *row) {
    const int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        return hma_sql_error(sql, "read it");
    }
    *row = code == SQLITE_ROW;
    if (!*row) {
        (void)sqlite3_reset(statement);
    }
    return HMA_OK;
}

static hma_status put(const hma_sql *sql, sqlite3_stmt *statement, const char *what, const char *letters, va_list arguments) {
    hma_status status = bind(sql, statement, letters, arguments);
    if (status == HMA_OK && sqlite3_step(statement) != SQLITE_DONE) {
        status = hma_sql_error(sql, what);
    }
    (void)sqlite3_reset(statement); /* repeats the failure of the step */
    return status;
}

hma_status hma_sql_put(const hma_sql *sql, sqlite3_stmt *statement, const char *what, const char *letters, ...) {
    va_list arguments;
    va_start(arguments, letters);
    const hma_status status = put(sql, statement, what, letters, arguments);
    va_end(arguments);
    return status;
}

hma_status hma_sql_once(const hma_sql *sql, const char *text, const char *what, const char *letters, ...) {
    sqlite3_stmt *statement = NULL;
    va_list arguments;
    va_start(arguments, letters);
    hma_status status = hma_sql_prepare(sql, &statement, text);
    if (status == HMA_OK) {
        status = put(sql, statement, what, letters, arguments);
    }
    va_end(arguments);
    (void)sqlite3_finalize(statement);
    return status;
}

hma_status hma_sql_integer(const hma_sql *sql, const char *query, int64_t *out) {
    sqlite3_stmt *statement = NULL;
    bool row = false;
    hma_status status = hma_sql_prepare(sql, &statement, query);
    if (status == HMA_OK) {
        status = hma_sql_step(sql, statement, &row);
    }
    if (status == HMA_OK) {
        *out = row ? sqlite3_column_int64(statement, 0) : 0;
    }
    (void)sqlite3_finalize(statement);
    return status;
}

const char *hma_sql_text(sqlite3_stmt *statement, int column) {
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text ? (const char *)text : "";
}

double hma_sql_double(sqlite3_stmt *statement, int column) {
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? NAN : sqlite3_column_double(statement, column);
}
