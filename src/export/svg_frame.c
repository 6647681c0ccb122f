/* What surrounds the points: axes, legend, notes. */
#include <math.h>
#include <string.h>

#include "export/markup.h"
#include "export/svg_plot.h"
#include "export/text.h"

enum { TICK_SIZE = 12, X_TITLE_COLUMNS = 96, Y_TITLE_COLUMNS = 58 };

/* ---- axes ---- */

double hma_plot_widest_tick(hma_plot *p, const hma_scale *scale) {
    double widest = 0;
    for (long long tick = scale->first_tick; tick <= scale->last_tick; tick++) {
        hma_buffer label = {0};
        hma_scale_tick_label(&label, scale, tick);
        widest = fmax(widest, hma_text_width(hma_buffer_cstr(&label), TICK_SIZE));
        hma_end_part(p->out, &label);
    }
    return widest;
}

static void draw_tick(hma_plot *p, const hma_scale *scale, long long tick, bool is_x) {
    hma_buffer label = {0};
    const double at = hma_scale_pixel(scale, hma_scale_tick_value(scale, tick));
    hma_scale_tick_label(&label, scale, tick);
    const char *text = hma_buffer_cstr(&label), *grey = "fill=\"#444444\"";
    if (is_x) {
        hma_svg_line(p->out, at, p->area.top, at, p->area.bottom, "stroke=\"#e6e6e6\"");
        hma_svg_line(p->out, at, p->area.bottom, at, p->area.bottom + 5, "stroke=\"#444444\"");
        hma_svg_text(p->out, at, p->area.bottom + 19, TICK_SIZE, "middle", grey, text, SIZE_MAX);
    } else {
        hma_svg_line(p->out, p->area.left, at, p->area.right, at, "stroke=\"#e6e6e6\"");
        hma_svg_line(p->out, p->area.left - 5, at, p->area.left, at, "stroke=\"#444444\"");
        hma_svg_text(p->out, p->area.left - 9, at + 4, TICK_SIZE, "end", grey, text, SIZE_MAX);
    }
    hma_end_part(p->out, &label);
}

/* "Alignment, more is better: mean reward", with units where there are some. */
static void axis_title(hma_buffer *out, const hma_axis *axis) {
    if (!axis) {
        hma_buffer_text(out, "Mean ratio (weight of post)");
        return;
    }
    const char *units = hma_text_or_empty(axis->units);
    hma_buffer_printf(out, "%s, %s is better: %s", axis->kind == HMA_AXIS_ALIGNMENT ? "Alignment" : "Retention",
                      axis->higher_is_better ? "more" : "less", hma_text_or_empty(axis->long_name));
    if (*units && strcmp(units, "1") != 0) {
        hma_buffer_printf(out, " [%s]", units);
    }
}

void hma_plot_draw_axes(hma_plot *p) {
    for (long long tick = p->x.first_tick; tick <= p->x.last_tick; tick++) {
        draw_tick(p, &p->x, tick, true);
    }
    for (long long tick = p->y.first_tick; tick <= p->y.last_tick; tick++) {
        draw_tick(p, &p->y, tick, false);
    }
    hma_svg_line(p->out, p->area.left, p->area.top, p->area.left, p->area.bottom, "stroke=\"#444444\"");
    hma_svg_line(p->out, p->area.left, p->area.bottom, p->area.right, p->area.bottom, "stroke=\"#444444\"");
    hma_buffer x_title = {0}, y_title = {0};
    axis_title(&x_title, p->x_axis);
    axis_title(&y_title, p->y_axis);
    hma_svg_text(p->out, (p->area.left + p->area.right) / 2, p->area.bottom + 42, 13, "middle", "fill=\"" HMA_PLOT_INK "\"",
                 hma_buffer_cstr(&x_title), X_TITLE_COLUMNS);
    hma_buffer_text(p->out, "<g transform=\"translate(20.0,");
    hma_markup_fixed(p->out, (p->area.top + p->area.bottom) / 2, 1);
    hma_buffer_text(p->out, ") rotate(-90)\">");
    hma_svg_text(p->out, 0, 0, 13, "middle", "fill=\"" HMA_PLOT_INK "\"", hma_buffer_cstr(&y_title), Y_TITLE_COLUMNS);
    hma_buffer_text(p->out, "</g>\n");
    hma_end_part(p->out, &x_title);
    hma_end_part(p->out, &y_title);
}

/* ---- legend, notes ---- */

typedef enum legend_kind { LEGEND_MARKER, LEGEND_LINE_MARKER, LEGEND_FRONT, LEGEND_RING } legend_kind;

typedef struct legend_entry {
    const char *text;
    legend_kind kind;
    hma_marker marker;
    const char *colour;
    bool present;
} legend_entry;

static void draw_legend_symbol(hma_plot *p, const legend_entry *entry, double x, double y) {
    if (entry->kind == LEGEND_LINE_MARKER) {
        hma_svg_line(p->out, x - 11, y, x + 11, y,
                     "stroke=\"" HMA_PLOT_UNIFORM "\" stroke-width=\"1.5\" stroke-opacity=\"0.55\"");
    }
    if (entry->kind == LEGEND_FRONT) {
        hma_svg_line(p->out, x - 11, y, x + 11, y, "stroke=\"" HMA_PLOT_FRONT "\" stroke-width=\"2\" stroke-dasharray=\"7 4\"");
    } else if (entry->kind == LEGEND_RING) {
        hma_plot_draw_ring(p->out, x, y, 7);
    } else {
        hma_svg_marker(p->out, entry->marker, x, y, 4.5, entry->colour, true);
        hma_buffer_char(p->out, '\n');
    }
}

void hma_plot_draw_legend(hma_plot *p, double y) {
    bool uniform = false, blocks = false, extra = false;
    for (size_t i = 0; i < p->shown_count; i++) {
        uniform = uniform || hma_plot_marker(p, p->shown[i]) == HMA_MARKER_CIRCLE;
        blocks = blocks || hma_plot_marker(p, p->shown[i]) == HMA_MARKER_DIAMOND;
        extra = extra || hma_plot_marker(p, p->shown[i]) == HMA_MARKER_WEDGE;
    }
    const legend_entry entries[] = {
        {"pre", LEGEND_MARKER, HMA_MARKER_SQUARE, HMA_PLOT_INK, hma_plot_shows(p, p->front->pre)},
        {"post", LEGEND_MARKER, HMA_MARKER_TRIANGLE, HMA_PLOT_INK, hma_plot_shows(p, p->front->post)},
        {"one ratio for all layers", LEGEND_LINE_MARKER, HMA_MARKER_CIRCLE, HMA_PLOT_UNIFORM, uniform},
        {"one ratio per block", LEGEND_MARKER, HMA_MARKER_DIAMOND, HMA_PLOT_BLOCKS, blocks},
        {"no merge", LEGEND_MARKER, HMA_MARKER_WEDGE, HMA_PLOT_EXTRA, extra},
        {"front", LEGEND_FRONT, HMA_MARKER_CIRCLE, HMA_PLOT_FRONT, p->has_front},
        {"recommended", LEGEND_RING, HMA_MARKER_CIRCLE, HMA_PLOT_RECOMMENDED, hma_plot_shows(p, p->front->recommended)},
    };
    double x = p->area.left + 12;
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        if (entries[i].present) {
            draw_legend_symbol(p, &entries[i], x, y - 4);
            hma_svg_text(p->out, x + 16, y, 12, "start", "fill=\"" HMA_PLOT_INK "\"", entries[i].text, SIZE_MAX);
            x += 16 + hma_text_width(entries[i].text, 12) + 24;
        }
    }
}

void hma_plot_draw_notes(hma_plot *p) {
    hma_buffer note = {0};
    const size_t hidden = p->front->point_count - p->shown_count;
    hma_buffer_text(&note, "Filled: on the front; hollow: another point beats it. Bars: 95 % intervals.");
    if (p->crowded) {
        hma_buffer_printf(&note, " %zu points, thinned.", p->shown_count);
    }
    if (hidden) {
        hma_buffer_printf(&note, " Not shown: %zu with a score that is not finite.", hidden);
    }
    hma_svg_text(p->out, p->area.left, HMA_PLOT_HEIGHT - 10, 11, "start", "fill=\"#555555\"", hma_buffer_cstr(&note), SIZE_MAX);
    hma_end_part(p->out, &note);
}
