/*
 * The picture of the front: alignment to the right, retention upwards; where a suite measures only one of them, that one over
 * the mean ratio.
 *
 * Families are told apart by shape as well as by colour. What is filled is on the front. Above CROWDED points, those that are
 * beaten are thinned to one per few pixels and lose bars and tooltips; whatever is on the front is always drawn.
 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "export/svg_plot.h"
#include "export/writers.h"

enum { CROWDED = 400, TICKS = 9, TITLE_COLUMNS = 72 };

/* ---- what is drawn where ---- */

hma_estimate hma_plot_estimate(const hma_axis *axis, const hma_table *table, size_t point) {
    const double ratio = table->points[point].mean_ratio;
    return axis ? axis->point[point] : (hma_estimate){ratio, 0, ratio, ratio};
}

static double x_value(const hma_plot *p, size_t point) { return hma_plot_estimate(p->x_axis, p->table, point).value; }
static double y_value(const hma_plot *p, size_t point) { return hma_plot_estimate(p->y_axis, p->table, point).value; }

double hma_plot_x(const hma_plot *p, size_t point) { return hma_scale_pixel(&p->x, x_value(p, point)); }
double hma_plot_y(const hma_plot *p, size_t point) { return hma_scale_pixel(&p->y, y_value(p, point)); }

bool hma_plot_shows(const hma_plot *p, size_t point) {
    return point < p->front->point_count && isfinite(x_value(p, point)) && isfinite(y_value(p, point));
}

bool hma_plot_is_key(const hma_plot *p, size_t point) {
    return point == p->front->pre || point == p->front->post || point == p->front->recommended;
}

bool hma_plot_is_filled(const hma_plot *p, size_t point) { return p->front->points[point].on_front; }

bool hma_plot_has_bars(const hma_plot *p, size_t point) { return !p->crowded || hma_plot_is_key(p, point); }

hma_marker hma_plot_marker(const hma_plot *p, size_t point) {
    if (point == p->front->pre) {
        return HMA_MARKER_SQUARE;
    }
    if (point == p->front->post) {
        return HMA_MARKER_TRIANGLE;
    }
    if (p->front->points[point].kind != HMA_CANDIDATE_MERGE) {
        return HMA_MARKER_WEDGE;
    }
    return p->table->points[point].uniform ? HMA_MARKER_CIRCLE : HMA_MARKER_DIAMOND;
}

const char *hma_plot_colour(const hma_plot *p, size_t point) {
    switch (hma_plot_marker(p, point)) {
    case HMA_MARKER_CIRCLE: return HMA_PLOT_UNIFORM;
    case HMA_MARKER_DIAMOND: return HMA_PLOT_BLOCKS;
    case HMA_MARKER_WEDGE: return HMA_PLOT_EXTRA;
    default: return HMA_PLOT_INK;
    }
}

double hma_plot_radius(const hma_plot *p, size_t point) {
    if (hma_plot_is_key(p, point)) {
        return 6;
    }
    return p->crowded && !hma_plot_is_filled(p, point) ? 2 : 4.5;
}

/* ---- scales ---- */

/* Extends a range by an interval, but never so far that a wide interval makes the points a dot. */
static void extend(double *low, double *high, double values_low, double values_high, const hma_estimate *e) {
    const double span = values_high - values_low, room = span > 0 ? span / 2 : INFINITY;
    if (isfinite(e->low) && isfinite(e->high)) {
        *low = fmin(*low, fmax(e->low, values_low - room));
        *high = fmax(*high, fmin(e->high, values_high + room));
    }
}

static hma_scale fit(const hma_plot *p, const hma_axis *axis, double from_pixel, double to_pixel) {
    if (p->shown_count == 0) {
        return hma_scale_make(0, 1, TICKS, from_pixel, to_pixel);
    }
    double values_low = INFINITY, values_high = -INFINITY;
    for (size_t i = 0; i < p->shown_count; i++) {
        const double value = hma_plot_estimate(axis, p->table, p->shown[i]).value;
        values_low = fmin(values_low, value);
        values_high = fmax(values_high, value);
    }
    double low = values_low, high = values_high;
    for (size_t i = 0; i < p->shown_count; i++) {
        const hma_estimate e = hma_plot_estimate(axis, p->table, p->shown[i]);
        if (hma_plot_has_bars(p, p->shown[i])) {
            extend(&low, &high, values_low, values_high, &e);
        }
    }
    return hma_scale_make(low, high, TICKS, from_pixel, to_pixel);
}

/* ---- all of it ---- */

static hma_status prepare(hma_plot *p) {
    const size_t points = p->front->point_count;
    p->shown = HMA_NEW(size_t, points);
    p->cells = HMA_NEW(unsigned char, hma_plot_cell_count());
    if (!p->shown || !p->cells) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < points; i++) {
        if (hma_plot_shows(p, i)) {
            p->shown[p->shown_count++] = i;
        }
    }
    p->crowded = p->shown_count > CROWDED;
    p->area = (hma_box){0, 78, HMA_PLOT_WIDTH - 24, HMA_PLOT_HEIGHT - 76};
    p->y = fit(p, p->y_axis, p->area.bottom, p->area.top);
    p->area.left = fmax(64, 46 + hma_plot_widest_tick(p, &p->y));
    p->x = fit(p, p->x_axis, p->area.left, p->area.right);
    return HMA_OK;
}

static void draw_head(hma_plot *p) {
    const char *title = hma_text_or_empty(p->table->title);
    hma_svg_begin(p->out, HMA_PLOT_WIDTH, HMA_PLOT_HEIGHT, title, hma_text_or_empty(p->front->verdict));
    hma_buffer_text(p->out, "<defs><clipPath id=\"hma-plot\">");
    hma_svg_rectangle(p->out, p->area.left, p->area.top, p->area.right, p->area.bottom, "");
    hma_buffer_text(p->out, "</clipPath></defs>\n");
    hma_svg_text(p->out, p->area.left, 28, 17, "start", "fill=\"" HMA_PLOT_INK "\" font-weight=\"bold\"", title, TITLE_COLUMNS);
}

/* What is drawn later lies on top. */
static hma_status draw(hma_plot *p) {
    draw_head(p);
    hma_plot_draw_legend(p, 56);
    hma_plot_draw_axes(p);
    hma_status status = hma_plot_draw_front(p);
    hma_plot_draw_bars(p);
    if (status == HMA_OK) {
        status = hma_plot_draw_uniform_curve(p);
    }
    if (status == HMA_OK) {
        status = hma_plot_draw_points(p);
    }
    if (status == HMA_OK) {
        status = hma_plot_draw_labels(p);
    }
    hma_plot_draw_notes(p);
    hma_svg_end(p->out);
    return status == HMA_OK ? hma_buffer_ok(p->out) : status;
}

hma_status hma_write_svg(hma_buffer *out, const hma_table *table) {
    const hma_axis *alignment = hma_table_axis(table, HMA_AXIS_ALIGNMENT),
                   *retention = hma_table_axis(table, HMA_AXIS_RETENTION);
    hma_plot p = {.out = out,
                  .table = table,
                  .front = table->front,
                  .x_axis = retention ? alignment : NULL,
                  .y_axis = retention ? retention : alignment,
                  .has_front = alignment && retention && table->front->front_count > 0};
    hma_status status = prepare(&p);
    if (status == HMA_OK) {
        status = draw(&p);
    }
    hma_obstacles_free(&p.obstacles);
    free(p.shown);
    free(p.cells);
    return status;
}
