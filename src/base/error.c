#include "hma/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "hma/text.h"

enum { MESSAGE_SIZE = 2048 };

static _Thread_local char message[MESSAGE_SIZE];
static _Thread_local hma_status last_status;

static const char *const status_names[] = {"ok", "failure",      "usage",      "bad-data",
                                           "io", "incompatible", "non-finite", "interrupted"};

const char *hma_error_message(void) { return message; }

hma_status hma_error_status(void) { return last_status; }

const char *hma_status_name(hma_status status) {
    return (size_t)status < sizeof status_names / sizeof *status_names ? status_names[status] : "unknown";
}

int hma_exit_code(hma_status status) {
    if (status == HMA_INTERRUPTED) {
        return 130;
    }
    return status >= HMA_OK && status < HMA_INTERRUPTED ? (int)status : 1;
}

static hma_status set(hma_status status, const char *text) {
    const size_t length = strnlen(text, MESSAGE_SIZE - 1);
    memmove(message, text, length);
    message[length] = 0;
    hma_text_one_line(message); /* names from files end up in messages */
    last_status = status;
    return status;
}

/* A name of a hundred kilobytes must not push what is wrong out of the message: the middle goes. */
static void shorten(char *text, size_t length) {
    static const char gap[] = " ... ";
    enum { HEAD = MESSAGE_SIZE / 2, TAIL = MESSAGE_SIZE - HEAD - sizeof gap };
    if (length >= MESSAGE_SIZE) {
        memcpy(text + HEAD, gap, sizeof gap - 1);
        memmove(text + HEAD + sizeof gap - 1, text + length - TAIL, TAIL + 1);
    }
}

hma_status hma_error(hma_status status, const char *format, ...) {
    char text[MESSAGE_SIZE], *whole = NULL; /* arguments may point into the old message */
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    if (length >= MESSAGE_SIZE && vasprintf(&whole, format, again) == length) {
        shorten(whole, (size_t)length);
    } else {
        whole = NULL;
    }
    va_end(again);
    va_end(arguments);
    (void)set(status, whole ? whole : text);
    free(whole);
    return status;
}

static const char *io_hint(int error_number) {
    switch (error_number) {
    case ENOENT: return "check the path";
    case EACCES:
    case EPERM: return "check the permissions";
    case EROFS: return "choose a folder on a writable file system";
    case ENOSPC:
    case EDQUOT: return "free some space and run the same command again";
    case EFBIG: return "raise the file size limit (ulimit -f)";
    case EMFILE:
    case ENFILE: return "raise the limit of open files (ulimit -n)";
    case EISDIR:
    case ENOTDIR: return "name a file where a file is expected and a folder where a folder is";
    case ENAMETOOLONG: return "choose a shorter name";
    case ELOOP: return "remove the loop of symbolic links";
    case EIO: return "the device failed; check it before trying again";
    default: return "nothing was changed";
    }
}

hma_status hma_error_io(const char *path, const char *what, int error_number) {
    char reason[128];
    /* GNU strerror_r returns the text, which need not be in the buffer */
    const char *text = strerror_r(error_number, reason, sizeof reason);
    return hma_error(HMA_IO, "%s: cannot %s (%s): %s", path, what, text, io_hint(error_number));
}

hma_status hma_error_memory(const char *what) {
    return hma_error(HMA_FAILURE, "%s: out of memory: free some memory or lower --memory", what);
}

hma_status hma_error_prefix(const char *format, ...) {
    char text[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (n > 0 && (size_t)n < sizeof text) {
        (void)snprintf(text + n, sizeof text - (size_t)n, "%s", message);
    }
    return set(last_status, text);
}
