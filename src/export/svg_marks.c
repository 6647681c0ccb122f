/* What is measured: the front, the curve of uniform ratios, intervals, points. */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "export/markup.h"
#include "export/svg_plot.h"
#include "export/text.h"

/* Crowded plots have one marker per patch of so many pixels. */
enum { CELL = 3, CELLS_ACROSS = HMA_PLOT_WIDTH / CELL + 1, CELLS_DOWN = HMA_PLOT_HEIGHT / CELL + 1 };

/* ---- lines ---- */

static hma_status connect(hma_plot *p, hma_svg_path *path, const double *from, double x, double y) {
    hma_svg_path_point(path, x, y);
    return p->crowded || !from ? HMA_OK : hma_obstacles_add_line(&p->obstacles, from[0], from[1], x, y, 0.4);
}

/* Uniform points in order of ratio: the points of a table are sorted by mean ratio. */
hma_status hma_plot_draw_uniform_curve(hma_plot *p) {
    hma_status status = HMA_OK;
    double last[2];
    bool begun = false;
    hma_svg_path path = hma_svg_path_begin(p->out);
    for (size_t i = 0; i < p->shown_count && status == HMA_OK; i++) {
        const size_t point = p->shown[i];
        if (p->table->points[point].uniform) {
            status = connect(p, &path, begun ? last : NULL, hma_plot_x(p, point), hma_plot_y(p, point));
            last[0] = hma_plot_x(p, point);
            last[1] = hma_plot_y(p, point);
            begun = true;
        }
    }
    hma_svg_path_end(&path, "fill=\"none\" stroke=\"" HMA_PLOT_UNIFORM "\" stroke-width=\"1.5\" stroke-opacity=\"0.55\"");
    return status;
}

/*
 * The border of what the front attains: at every alignment, the best retention of a point that is at least as aligned. Goes
 * through the corners (x of one point, y of the next), from the left edge of the plot to its bottom.
 */
static hma_status trace_front(hma_plot *p, hma_svg_path *path, bool as_obstacle) {
    hma_status status = HMA_OK;
    double last[2] = {p->area.left, 0};
    for (size_t i = 0; i < p->front->front_count && status == HMA_OK; i++) {
        const double x = hma_plot_x(p, p->front->front[i]), y = hma_plot_y(p, p->front->front[i]);
        if (isfinite(x) && isfinite(y)) {
            hma_svg_path_point(path, last[0], y);
            last[1] = y;
            if (as_obstacle) {
                status = connect(p, path, last, x, y);
            }
            hma_svg_path_point(path, x, y);
            last[0] = x;
        }
    }
    hma_svg_path_point(path, last[0], p->area.bottom);
    return status;
}

hma_status hma_plot_draw_front(hma_plot *p) {
    if (!p->has_front) {
        return HMA_OK;
    }
    hma_svg_path region = hma_svg_path_begin(p->out);
    hma_svg_path_point(&region, p->area.left, p->area.bottom);
    hma_status status = trace_front(p, &region, false);
    hma_svg_path_end(&region, "fill=\"" HMA_PLOT_FRONT "\" fill-opacity=\"0.06\" stroke=\"none\"");
    hma_svg_path line = hma_svg_path_begin(p->out);
    if (status == HMA_OK) {
        status = trace_front(p, &line, true);
    }
    hma_svg_path_end(&line, "fill=\"none\" stroke=\"" HMA_PLOT_FRONT "\" stroke-width=\"2\" stroke-dasharray=\"7 4\"");
    return status;
}

void hma_plot_draw_bars(hma_plot *p) {
    hma_buffer_text(p->out, "<g stroke-opacity=\"0.35\" stroke-width=\"1\" clip-path=\"url(#hma-plot)\">\n");
    for (size_t i = 0; i < p->shown_count; i++) {
        const size_t point = p->shown[i];
        const hma_estimate x = hma_plot_estimate(p->x_axis, p->table, point), y = hma_plot_estimate(p->y_axis, p->table, point);
        hma_buffer style = {0};
        hma_buffer_printf(&style, "stroke=\"%s\"", hma_plot_colour(p, point));
        if (hma_plot_has_bars(p, point) && isfinite(x.low) && isfinite(x.high) && x.low < x.high) {
            hma_svg_line(p->out, hma_scale_pixel(&p->x, x.low), hma_plot_y(p, point), hma_scale_pixel(&p->x, x.high),
                         hma_plot_y(p, point), hma_buffer_cstr(&style));
        }
        if (hma_plot_has_bars(p, point) && isfinite(y.low) && isfinite(y.high) && y.low < y.high) {
            hma_svg_line(p->out, hma_plot_x(p, point), hma_scale_pixel(&p->y, y.low), hma_plot_x(p, point),
                         hma_scale_pixel(&p->y, y.high), hma_buffer_cstr(&style));
        }
        hma_end_part(p->out, &style);
    }
    hma_buffer_text(p->out, "</g>\n");
}

/* ---- points ---- */

static void put_tooltip_axis(hma_buffer *out, const char *what, const hma_estimate *e) {
    hma_buffer_printf(out, "\n%s ", what);
    hma_markup_fixed(out, e->value, 4);
    if (isfinite(e->low) && isfinite(e->high)) {
        hma_buffer_text(out, " [");
        hma_markup_fixed(out, e->low, 4);
        hma_buffer_text(out, ", ");
        hma_markup_fixed(out, e->high, 4);
        hma_buffer_char(out, ']');
    }
}

static void put_tooltip(hma_plot *p, size_t point) {
    const hma_point *source = &p->front->points[point];
    const hma_table_point *more = &p->table->points[point];
    hma_buffer_text(p->out, "<title>");
    hma_markup_text(p->out, hma_table_label(p->table, point));
    hma_buffer_text(p->out, " (");
    hma_markup_text(p->out, hma_text_or_empty(source->id));
    hma_buffer_text(p->out, isfinite(more->mean_ratio) ? ")\nratio" : ")\nanother checkpoint");
    for (size_t block = 0; isfinite(more->mean_ratio) && block < (more->uniform ? 1 : p->table->blocks); block++) {
        char text[HMA_DOUBLE_TEXT];
        hma_buffer_printf(p->out, " %s", hma_double_text(p->table->ratios[point * p->table->blocks + block], text));
    }
    const hma_estimate x = hma_plot_estimate(p->x_axis, p->table, point), y = hma_plot_estimate(p->y_axis, p->table, point);
    put_tooltip_axis(p->out, p->x_axis ? "alignment" : "mean ratio", &x);
    put_tooltip_axis(p->out, p->y_axis && p->y_axis->kind == HMA_AXIS_ALIGNMENT ? "alignment" : "retention", &y);
    if (source->on_front) {
        hma_buffer_text(p->out, "\non the front with probability ");
        hma_markup_fixed(p->out, source->membership, 3);
    }
    hma_buffer_text(p->out, "</title>");
}

size_t hma_plot_cell_count(void) { return (size_t)CELLS_ACROSS * CELLS_DOWN; }

/* Crowded plots: true for the first marker in a cell of a few pixels. */
static bool claims_cell(hma_plot *p, double x, double y) {
    const size_t cell = (size_t)(fmax(0, y) / CELL) * CELLS_ACROSS + (size_t)(fmax(0, x) / CELL);
    const bool first = p->cells[cell] == 0;
    p->cells[cell] = 1;
    return first;
}

static hma_status draw_point(hma_plot *p, size_t point) {
    const double x = hma_plot_x(p, point), y = hma_plot_y(p, point), radius = hma_plot_radius(p, point);
    const bool matters = !p->crowded || hma_plot_is_filled(p, point) || hma_plot_is_key(p, point);
    if (p->crowded && !hma_plot_is_key(p, point) && !claims_cell(p, x, y)) {
        return HMA_OK;
    }
    hma_buffer_text(p->out, "<g>");
    if (matters) {
        put_tooltip(p, point);
    }
    hma_svg_marker(p->out, hma_plot_marker(p, point), x, y, radius, hma_plot_colour(p, point), hma_plot_is_filled(p, point));
    hma_buffer_text(p->out, "</g>\n");
    const double reach = radius + 1;
    return hma_obstacles_add(&p->obstacles, (hma_box){x - reach, y - reach, x + reach, y + reach}, 3);
}

/* What matters more is drawn later and lies on top. */
hma_status hma_plot_draw_points(hma_plot *p) {
    hma_status status = HMA_OK;
    for (int layer = 0; layer < 3; layer++) {
        for (size_t i = 0; i < p->shown_count && status == HMA_OK; i++) {
            const size_t point = p->shown[i];
            if (layer == (hma_plot_is_key(p, point) ? 2 : hma_plot_is_filled(p, point) ? 1 : 0)) {
                status = draw_point(p, point);
            }
        }
        if (p->crowded && layer == 0) {
            memset(p->cells, 0, hma_plot_cell_count()); /* the front is thinned by itself */
        }
    }
    return status;
}

void hma_plot_draw_ring(hma_buffer *out, double x, double y, double radius) {
    hma_buffer_text(out, "<circle");
    hma_svg_number(out, "cx", x);
    hma_svg_number(out, "cy", y);
    hma_svg_number(out, "r", radius);
    hma_buffer_printf(out, " fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\"/>\n", HMA_PLOT_RECOMMENDED);
}
