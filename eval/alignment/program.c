#include "eval/alignment/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/context.h"
#include "base/error_set.h"

extern char **environ;

enum { CHUNK = 1 << 16, LONGEST_LINE = 500, POLL_MILLISECONDS = 100 };

/* A program that runs. Descriptors are -1 when closed. */
typedef struct running {
    hma_context *context;
    const hma_program *program;
    pid_t pid;
    int to, from, talk; /* our ends of its standard input, output and error */
    size_t sent;
    hma_buffer *output;
    hma_buffer line;             /* of its standard error, not complete yet */
    char last[LONGEST_LINE + 1]; /* the last complete one, for the message when it fails */
} running;

static void close_end(int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

static const char *name_of(const running *r) { return r->program->command[0]; }

/* ---- start ---- */

typedef struct pipes {
    int in[2], out[2], err[2];
} pipes;

static void close_pipes(pipes *p) {
    for (int end = 0; end < 2; end++) {
        close_end(&p->in[end]);
        close_end(&p->out[end]);
        close_end(&p->err[end]);
    }
}

static bool open_pipes(pipes *p) {
    *p = (pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    return pipe2(p->in, O_CLOEXEC) == 0 && pipe2(p->out, O_CLOEXEC) == 0 && pipe2(p->err, O_CLOEXEC) == 0 &&
           fcntl(p->in[1], F_SETFL, O_NONBLOCK) == 0 && fcntl(p->out[0], F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(p->err[0], F_SETFL, O_NONBLOCK) == 0;
}

/* Ignored and blocked signals would be inherited; a scorer gets the usual ones. In a process group of its own, it can be
 * killed with all that it started. */
static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int failure = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    failure = failure ? failure : posix_spawnattr_setpgroup(attributes, 0);
    failure = failure ? failure : posix_spawnattr_setsigmask(attributes, &none);
    return failure ? failure : posix_spawnattr_setsigdefault(attributes, &all);
}

static int set_actions(posix_spawn_file_actions_t *actions, const pipes *p, const char *folder) {
    int failure = posix_spawn_file_actions_adddup2(actions, p->in[0], STDIN_FILENO);
    failure = failure ? failure : posix_spawn_file_actions_adddup2(actions, p->out[1], STDOUT_FILENO);
    failure = failure ? failure : posix_spawn_file_actions_adddup2(actions, p->err[1], STDERR_FILENO);
    return failure ? failure : posix_spawn_file_actions_addchdir_np(actions, folder);
}

static int spawn(pid_t *pid, const hma_program *program, const pipes *p) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int failure = posix_spawnattr_init(&attributes);
    if (failure) {
        return failure;
    }
    failure = posix_spawn_file_actions_init(&actions);
    if (!failure) {
        failure = set_attributes(&attributes);
        failure = failure ? failure : set_actions(&actions, p, program->folder);
        failure = failure ? failure : posix_spawnp(pid, program->command[0], &actions, &attributes, program->command, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    (void)posix_spawnattr_destroy(&attributes);
    return failure;
}

static hma_status start(running *r) {
    pipes p;
    int failure = open_pipes(&p) ? 0 : errno;
    failure = failure ? failure : spawn(&r->pid, r->program, &p);
    if (failure) {
        close_pipes(&p);
        return hma_error_io(name_of(r), "start the scorer", failure);
    }
    r->to = p.in[1];
    r->from = p.out[0];
    r->talk = p.err[0];
    p.in[1] = p.out[0] = p.err[0] = -1;
    close_pipes(&p);
    return HMA_OK;
}

/* ---- while it runs ---- */

static void send_input(running *r) {
    const size_t rest = r->program->input_length - r->sent;
    const ssize_t n = rest ? write(r->to, r->program->input + r->sent, rest) : 0;
    if (n > 0) {
        r->sent += (size_t)n;
    }
    const bool refused = n < 0 && errno != EAGAIN && errno != EINTR; /* it has closed its input, as it may */
    if (refused || r->sent == r->program->input_length) {
        close_end(&r->to);
    }
}

/* Reads what is there; at the end of the stream closes our end. */
static size_t receive(int *fd, char chunk[CHUNK]) {
    const ssize_t n = read(*fd, chunk, CHUNK);
    if (n > 0) {
        return (size_t)n;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_end(fd);
    }
    return 0;
}

static hma_status receive_output(running *r) {
    char chunk[CHUNK];
    hma_buffer_add(r->output, chunk, receive(&r->from, chunk));
    if (r->output->length > r->program->output_limit) {
        return hma_error(HMA_BAD_DATA, "%s: the scorer wrote more than %zu bytes (expected one line a reply): correct it",
                         name_of(r), r->program->output_limit);
    }
    return hma_buffer_ok(r->output);
}

static void end_line(running *r) {
    if (r->line.length > 0) {
        (void)strncpy(r->last, r->line.data, LONGEST_LINE);
        hma_log(r->context, HMA_LOG_INFO, "%s: %s", name_of(r), r->line.data);
    }
    hma_buffer_clear(&r->line);
}

static void receive_talk(running *r) {
    char chunk[CHUNK];
    const size_t length = receive(&r->talk, chunk);
    for (size_t i = 0; i < length; i++) {
        if (chunk[i] == '\n') {
            end_line(r);
        } else if (r->line.length < LONGEST_LINE) {
            hma_buffer_char(&r->line, chunk[i]);
        }
    }
    if (r->talk < 0) {
        end_line(r);
    }
}

/* Until it has closed both of its outputs. */
static hma_status exchange(running *r) {
    hma_status status = HMA_OK;
    while (status == HMA_OK && (r->from >= 0 || r->talk >= 0)) {
        struct pollfd ends[] = {{r->to, POLLOUT, 0}, {r->from, POLLIN, 0}, {r->talk, POLLIN, 0}};
        (void)poll(ends, 3, POLL_MILLISECONDS); /* negative descriptors are passed over */
        if (ends[0].revents && r->to >= 0) {
            send_input(r);
        }
        if (ends[2].revents && r->talk >= 0) {
            receive_talk(r);
        }
        if (ends[1].revents && r->from >= 0) {
            status = receive_output(r);
        }
        if (status == HMA_OK) {
            status = hma_context_check(r->context);
        }
    }
    return status;
}

/* ---- end ---- */

static hma_status judge_end(const running *r, int end) {
    const char *said = *r->last ? r->last : "nothing on standard error";
    if (WIFSIGNALED(end)) {
        return hma_error(HMA_FAILURE, "%s: the scorer was killed by signal %d (it said: %s): run it by hand on its input",
                         name_of(r), WTERMSIG(end), said);
    }
    if (WEXITSTATUS(end) != 0) {
        return hma_error(HMA_FAILURE, "%s: the scorer ended with exit code %d (it said: %s): run it by hand on its input",
                         name_of(r), WEXITSTATUS(end), said);
    }
    return HMA_OK;
}

static hma_status wait_for_end(running *r) {
    int end = 0;
    for (;;) {
        const pid_t done = waitpid(r->pid, &end, WNOHANG);
        if (done == r->pid) {
            r->pid = 0;
            return judge_end(r, end);
        }
        if (done < 0 && errno != EINTR) {
            r->pid = 0;
            return hma_error_io(name_of(r), "wait for the scorer", errno);
        }
        const hma_status status = hma_context_check(r->context);
        if (status != HMA_OK) {
            return status;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

static void finish(running *r) {
    close_end(&r->to);
    close_end(&r->from);
    close_end(&r->talk);
    if (r->pid > 0) {
        (void)kill(-r->pid, SIGKILL);
        while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    hma_buffer_free(&r->line);
}

/* Writing to a program that has stopped reading raises SIGPIPE, whose default would end the host process. It is held back in
 * this thread meanwhile, and taken off if it came. */
typedef struct pipe_guard {
    sigset_t pipe, before;
    bool was_pending;
} pipe_guard;

static void hold_sigpipe(pipe_guard *guard) {
    sigset_t pending;
    (void)sigemptyset(&guard->pipe);
    (void)sigaddset(&guard->pipe, SIGPIPE);
    guard->was_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
    (void)pthread_sigmask(SIG_BLOCK, &guard->pipe, &guard->before);
}

static void release_sigpipe(pipe_guard *guard) {
    if (!guard->was_pending) {
        (void)sigtimedwait(&guard->pipe, NULL, &(struct timespec){0});
    }
    (void)pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}

hma_status hma_program_run(hma_context *context, const hma_program *program, hma_buffer *output) {
    running r = {.context = context, .program = program, .to = -1, .from = -1, .talk = -1, .output = output};
    pipe_guard guard;
    hold_sigpipe(&guard);
    hma_status status = start(&r);
    if (status == HMA_OK) {
        status = exchange(&r);
    }
    close_end(&r.to); /* nothing can be answered any more: a program that still reads must see the end */
    if (status == HMA_OK) {
        status = wait_for_end(&r);
    }
    finish(&r);
    release_sigpipe(&guard);
    return status;
}
