/*
 * Progress on stderr: a bar on a terminal, JSON lines for schedulers, or nothing.
 */
#ifndef HMA_CLI_PROGRESS_H
#define HMA_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "hma/context.h"

typedef enum cli_progress_mode { CLI_PROGRESS_AUTO, CLI_PROGRESS_BAR, CLI_PROGRESS_JSON, CLI_PROGRESS_NONE } cli_progress_mode;

/* "auto", "bar", .. for the option table. */
const char *cli_progress_word(size_t index);

/*
 * AUTO draws a bar when stderr is a terminal that can take one (TERM is set and not "dumb"), NO_COLOR is not set and the user
 * did not ask for quiet. HMA_TEST_TERMINAL in the environment makes stderr count as a terminal, for tests.
 */
void cli_progress_begin(cli_progress_mode mode, bool quiet);
/* Whether anything will be drawn: estimates are only made for somebody. */
bool cli_progress_wanted(void);
/* An hma_progress_fn. Draws at most ten times a second. */
void cli_progress_draw(void *user, const hma_progress *progress);
/* Takes the bar off the screen, before anything else is written there. */
void cli_progress_clear(void);

#endif
