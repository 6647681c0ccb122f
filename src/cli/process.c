#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "talk.h"

static char stdout_buffer[1 << 20];

static hma_context *volatile cancelled_context;
static volatile sig_atomic_t received_signal;
static double began;

/*
 * A file that we open must not get number 0, 1 or 2, or messages would be written into it. Closed ones are opened the wrong way
 * round, so that using them is an error as it would have been.
 */
static void fill_standard_files(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) {
            _exit(hma_exit_code(HMA_IO));
        }
    }
}

static double clock_seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double cli_process_seconds(void) { return clock_seconds() - began; }

/* Not getrusage(): what it says of a process includes the one that it was started from. */
uint64_t cli_process_peak_memory(void) {
    FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    unsigned long long kilobytes = 0;
    while (status && fgets(line, sizeof line, status) && sscanf(line, "VmHWM: %llu kB", &kilobytes) != 1) {
    }
    if (status) {
        (void)fclose(status);
    }
    return (uint64_t)kilobytes * 1024;
}

enum { STACK = 1 << 20 };

__attribute__((noinline)) static void touch_stack(void) {
    volatile char room[STACK];
    for (size_t i = sizeof room; i > 0; i -= 4096) {
        room[i - 1] = 0;
    }
}

/*
 * The stack of the first thread grows when it is used, and where address space is limited (ulimit -v) and taken by then, the
 * process is killed instead of being told. So it grows now, as far as any call needs it.
 */
static hma_status grow_stack(void) {
    void *room = mmap(NULL, STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) {
        return cli_error_memory();
    }
    (void)munmap(room, STACK);
    touch_stack();
    return HMA_OK;
}

hma_status cli_process_begin(void) {
    began = clock_seconds();
    fill_standard_files();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)setvbuf(stdout, stdout_buffer, _IOFBF, sizeof stdout_buffer); /* on a terminal the bar is taken away first */
    return grow_stack();
}

static void on_signal(int number) {
    if (number == SIGINT && received_signal == SIGINT) {
        _exit(128 + SIGINT);
    }
    received_signal = number;
    hma_context *context = cancelled_context;
    if (context) {
        hma_context_cancel(context);
    }
}

void cli_process_cancels(hma_context *context) {
    cancelled_context = context;
    if (!context) {
        return;
    }
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    struct sigaction old;
    if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN) { /* nohup stays in force */
        (void)sigaction(SIGHUP, &action, NULL);
    }
}

int cli_process_signal(void) { return received_signal; }

hma_status cli_process_close_stdout(bool *quietly) {
    errno = 0;
    bool failed = fflush(stdout) != 0;
    int cause = errno;
    failed |= ferror(stdout) != 0;
    if (fclose(stdout) != 0 && !failed) {
        failed = true;
        cause = errno;
    }
    if (!failed) {
        return HMA_OK;
    }
    *quietly = cause == EPIPE;
    return cli_error_io("standard output", "write", cause ? cause : EIO);
}

/* Sanitizers report when the process ends the ordinary way. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
void cli_process_end(int code) { exit(code); }
#else
void cli_process_end(int code) { _exit(code); }
#endif
