#include "outputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "hma/eval.h"
#include "talk.h"

/* What makes a run; exports may lie beside them. */
static const char *const run_files[] = {"journal.sqlite", "journal.sqlite-journal", "suite.json", "requests.jsonl", "lock"};

/* A value that names an output, and where that leads. */
typedef struct output {
    const cli_spec *spec; /* what else the command line says */
    const void *values;
    const char *path;
    cli_role role;
    char *folder; /* the real path of the folder that it appears in; NULL when there is none */
    char *real;   /* its own real path; NULL when it does not exist yet */
} output;

typedef hma_status visitor(void *user, cli_role role, const char *path);

/* Calls `visit` for every path of the command line, until one fails. */
static hma_status each_path(const cli_spec *spec, const void *values, visitor *visit, void *user) {
    hma_status status = HMA_OK;
    for (const cli_group *g = spec->groups; g->count; g++) {
        for (size_t i = 0; i < g->count; i++) {
            const cli_option *option = &g->options[i];
            const char *value = (const char *)values + g->base + option->offset;
            if (option->role == CLI_NO_PATH) {
                continue;
            }
            const bool many = option->kind == CLI_TEXTS;
            const size_t count = many ? ((const cli_texts *)value)->count : 1;
            for (size_t k = 0; k < count && status == HMA_OK; k++) {
                const char *path = many ? ((const cli_texts *)value)->item[k] : *(const char *const *)value;
                status = path ? visit(user, option->role, path) : HMA_OK;
            }
        }
    }
    return status;
}

/* ---- where a path leads ---- */

/* The folder that a path's last name stands in; freed with free(). */
static char *parent_of(const char *path) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    while (end > 0 && path[end - 1] != '/') {
        end--;
    }
    return end ? strndup(path, end) : strdup(".");
}

static const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Whether a real path is the file or folder, or leads through it. */
static bool leads_through(const char *path, const char *to) {
    char *copy = path ? strdup(path) : NULL, *slash;
    bool found = false;
    while (copy && !(found = cli_is_same_file(copy, to)) && (slash = strrchr(copy, '/')) && slash[1]) {
        slash[slash == copy] = 0;
    }
    free(copy);
    return found;
}

/* Whether a file has another name in the folder, as those of a download that links its files from elsewhere. */
static bool is_linked_from(const char *file, const char *folder) {
    struct stat about, entry;
    bool found = false;
    DIR *listing = stat(file, &about) == 0 && S_ISREG(about.st_mode) ? opendir(folder) : NULL;
    for (struct dirent *e; listing && !found && (e = readdir(listing));) {
        found =
            fstatat(dirfd(listing), e->d_name, &entry, 0) == 0 && entry.st_dev == about.st_dev && entry.st_ino == about.st_ino;
    }
    if (listing) {
        (void)closedir(listing);
    }
    return found;
}

/* The beginning of a file, for a look at what it is; 0 bytes when it cannot be read. */
static size_t peek(const char *folder, const char *name, char *text, size_t size) {
    const int parent = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int fd =
        parent >= 0 ? openat(parent, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1; /* a FIFO must not make us wait */
    const ssize_t length = fd >= 0 ? read(fd, text, size) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (parent >= 0) {
        (void)close(parent);
    }
    return length > 0 ? (size_t)length : 0;
}

/* A config.json may be anybody's; a model's says which. */
static bool is_model_folder(const char *folder) {
    char text[65536];
    if (cli_has_file(folder, "model.safetensors") || cli_has_file(folder, "model.safetensors.index.json")) {
        return true;
    }
    const size_t length = peek(folder, "config.json", text, sizeof text);
    return memmem(text, length, "\"model_type\"", 12) || memmem(text, length, "\"architectures\"", 15);
}

/* ---- an output against what is read ---- */

static hma_status refuse(const output *o, const char *input) {
    return cli_error(HMA_USAGE, "%s: is or belongs to %s, which is read (expected an output apart from it): name another",
                     o->path, input);
}

static bool is_or_belongs_to(const output *o, const char *input) {
    return leads_through(o->folder, input) || leads_through(o->real, input) || (o->real && is_linked_from(o->real, input));
}

/* Results are named after tasks, so that data of such a name beside them would be lost. */
static bool has_name_of_result(const output *o, const char *input) {
    char *folder = o->role == CLI_WRITES_FOLDER && o->real ? parent_of(input) : NULL;
    const char *name = last_name(input);
    const bool same =
        folder && cli_is_same_file(folder, o->real) && (strncmp(name, "samples_", 8) == 0 || strncmp(name, "results_", 8) == 0);
    free(folder);
    return same;
}

static hma_status check_suite(const output *o, const char *path) {
    hma_suite *suite;
    hma_status status = HMA_OK;
    if (hma_suite_load(&suite, path) != HMA_OK) {
        return is_or_belongs_to(o, path) ? refuse(o, path) : HMA_OK;
    }
    for (const char *const *input = hma_suite_paths(suite); *input && status == HMA_OK; input++) {
        if (is_or_belongs_to(o, *input)) {
            status = refuse(o, *input);
        } else if (has_name_of_result(o, *input)) {
            status = cli_error(HMA_USAGE,
                               "%s: holds %s, which is read and may be a result's name (expected another folder): name one",
                               o->path, last_name(*input));
        }
    }
    hma_suite_free(suite);
    return status;
}

static hma_status check_input(void *user, cli_role role, const char *path) {
    const output *o = user;
    const char *equals;
    switch (role) {
    case CLI_READS: return is_or_belongs_to(o, path) ? refuse(o, path) : HMA_OK;
    case CLI_READS_NAMED:
        equals = strchr(path, '=');
        return equals && is_or_belongs_to(o, equals + 1) ? refuse(o, equals + 1) : HMA_OK;
    case CLI_READS_SUITE: return check_suite(o, path);
    default: return HMA_OK;
    }
}

/* ---- an output against what nobody may lose ---- */

typedef struct run_search {
    const char *folder;
    bool found;
} run_search;

static hma_status note_run(void *user, cli_role role, const char *path) {
    run_search *search = user;
    search->found = search->found || (role == CLI_RUN && cli_is_same_file(path, search->folder));
    return HMA_OK;
}

/* The command's own run need not have begun. */
static bool is_run_folder(const output *o, const char *folder) {
    run_search search = {folder, cli_has_file(folder, run_files[0])};
    return each_path(o->spec, o->values, note_run, &search) == HMA_OK && search.found;
}

static hma_status check_folder(const output *o, const char *folder, const char *name) {
    if (is_model_folder(folder)) {
        return cli_error(HMA_USAGE, "%s: would come into a model folder (expected an output apart from it): name another",
                         o->path);
    }
    for (size_t i = 0; name && i < sizeof run_files / sizeof *run_files; i++) {
        if (strcmp(name, run_files[i]) == 0 && is_run_folder(o, folder)) {
            return cli_error(HMA_USAGE, "%s: is a file of a run (expected an output apart from it): name another", o->path);
        }
    }
    return HMA_OK;
}

/* The folders that something would appear in: by name, and where a link leads. */
static hma_status check_places(const output *o) {
    if (o->role == CLI_WRITES_FOLDER) {
        return o->real ? check_folder(o, o->real, NULL) : HMA_OK;
    }
    hma_status status = o->folder ? check_folder(o, o->folder, last_name(o->path)) : HMA_OK;
    char *target = o->real ? parent_of(o->real) : NULL;
    if (status == HMA_OK && target) {
        status = check_folder(o, target, last_name(o->real));
    }
    free(target);
    return status;
}

/* ---- what can be written at all ---- */

/* Only a log may go to a terminal or a pipe: everything else is put in the place of what has the name. */
static hma_status check_kind(const output *o) {
    struct stat about;
    if (o->role == CLI_APPENDS) {
        return HMA_OK;
    }
    if (!o->folder || access(o->folder, W_OK | X_OK) != 0) {
        return cli_error_io(o->path, "write", errno);
    }
    if (!o->real || stat(o->real, &about) != 0) {
        return HMA_OK;
    }
    if (o->role == CLI_WRITES_FOLDER) {
        return S_ISDIR(about.st_mode)
                   ? HMA_OK
                   : cli_error(HMA_USAGE, "%s: is a file (expected a folder to write into, or none): name another", o->path);
    }
    return S_ISREG(about.st_mode) || S_ISDIR(about.st_mode)
               ? HMA_OK
               : cli_error(HMA_USAGE, "%s: is a device or a pipe (expected a file to replace, or none): name another", o->path);
}

static hma_status check_output(const cli_spec *spec, const void *values, cli_role role, const char *path) {
    output o = {.spec = spec, .values = values, .path = path, .role = role};
    char *parent = parent_of(path);
    if (!parent) {
        return cli_error_memory();
    }
    o.real = realpath(path, NULL);
    o.folder = realpath(parent, NULL); /* last: its errno is looked at */
    free(parent);
    hma_status status = check_kind(&o);
    if (status == HMA_OK) {
        status = each_path(spec, values, check_input, &o);
    }
    if (status == HMA_OK) {
        status = check_places(&o);
    }
    free(o.folder);
    free(o.real);
    return status;
}

typedef struct command_line {
    const cli_spec *spec;
    const void *values;
} command_line;

static hma_status check_if_output(void *user, cli_role role, const char *path) {
    const command_line *line = user;
    const bool writes = role == CLI_WRITES || role == CLI_APPENDS || role == CLI_WRITES_FOLDER;
    return writes ? check_output(line->spec, line->values, role, path) : HMA_OK;
}

hma_status cli_check_outputs(const cli_spec *spec, const void *values) {
    command_line line = {spec, values};
    return each_path(spec, values, check_if_output, &line);
}
