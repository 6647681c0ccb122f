/* The names beside points: always of pre, post and the recommended merge, of others where there is room. */
#include <math.h>

#include "base/number.h"
#include "export/svg_plot.h"
#include "export/text.h"

enum { LABEL_COLUMNS = 28, KEY_SIZE = 13, OTHER_SIZE = 11 };

static const double bold_is_wider = 1.12;
/* A label further from its point than this is joined to it by a line, or left out if it is not needed. */
static const double near = 10;

static double distance_to(const hma_box *label, double x, double y, double *to_x, double *to_y) {
    *to_x = fmax(label->left, fmin(x, label->right));
    *to_y = fmax(label->top, fmin(y, label->bottom));
    return hypot(*to_x - x, *to_y - y);
}

static void draw_leader(hma_plot *p, double x, double y, double radius, const hma_box *label, const char *colour) {
    double to_x, to_y;
    const double distance = distance_to(label, x, y, &to_x, &to_y);
    if (distance > radius + near) {
        hma_buffer style = {0};
        hma_buffer_printf(&style, "stroke=\"%s\" stroke-width=\"1\"", colour);
        hma_svg_line(p->out, x + (to_x - x) * radius / distance, y + (to_y - y) * radius / distance, to_x, to_y,
                     hma_buffer_cstr(&style));
        hma_end_part(p->out, &style);
    }
}

/* White below the letters keeps them legible on lines; drawn first, since not every viewer knows paint-order. */
static void draw_text(hma_plot *p, const hma_box *place, const char *text, double size, const char *colour, bool bold) {
    const double x = (place->left + place->right) / 2, y = place->bottom - size * 0.28;
    const char *weight = bold ? " font-weight=\"bold\"" : "";
    hma_buffer below = {0}, above = {0};
    hma_buffer_printf(&below, "fill=\"none\" stroke=\"#ffffff\" stroke-width=\"3\" stroke-linejoin=\"round\"%s", weight);
    hma_buffer_printf(&above, "fill=\"%s\"%s", colour, weight);
    hma_svg_text(p->out, x, y, size, "middle", hma_buffer_cstr(&below), text, LABEL_COLUMNS);
    hma_svg_text(p->out, x, y, size, "middle", hma_buffer_cstr(&above), text, LABEL_COLUMNS);
    hma_end_part(p->out, &below);
    hma_end_part(p->out, &above);
}

static hma_box place_label(hma_plot *p, size_t point, const char *text, double size, double radius, double stretch,
                           bool *is_free) {
    hma_buffer line = {0};
    hma_box place;
    hma_put_line(&line, text, LABEL_COLUMNS);
    *is_free = hma_label_place(&p->obstacles, p->area, hma_plot_x(p, point), hma_plot_y(p, point), radius,
                               hma_text_width(hma_buffer_cstr(&line), size) * stretch, size * 1.15, &place);
    hma_end_part(p->out, &line);
    return place;
}

/* At the best place there is, whatever it covers. */
static hma_status draw_key_label(hma_plot *p, size_t point, const char *text, const char *colour) {
    const double radius = point == p->front->recommended ? HMA_PLOT_RING + 1 : hma_plot_radius(p, point) + 1;
    bool is_free;
    const hma_box place = place_label(p, point, text, KEY_SIZE, radius, bold_is_wider, &is_free);
    draw_leader(p, hma_plot_x(p, point), hma_plot_y(p, point), radius, &place, colour);
    draw_text(p, &place, text, KEY_SIZE, colour, true);
    return hma_obstacles_add(&p->obstacles, place, 4);
}

/* Right beside the point or not at all. */
static hma_status draw_other_label(hma_plot *p, size_t point, const char *text, const char *colour) {
    const double radius = hma_plot_radius(p, point) + 1;
    bool is_free;
    double to_x, to_y;
    const hma_box place = place_label(p, point, text, OTHER_SIZE, radius, 1, &is_free);
    if (!is_free || distance_to(&place, hma_plot_x(p, point), hma_plot_y(p, point), &to_x, &to_y) > radius + near) {
        return HMA_OK;
    }
    draw_text(p, &place, text, OTHER_SIZE, colour, false);
    return hma_obstacles_add(&p->obstacles, place, 4);
}

static hma_status draw_recommended(hma_plot *p) {
    const size_t point = p->front->recommended;
    hma_buffer text = {0};
    if (!hma_plot_shows(p, point)) {
        return HMA_OK;
    }
    hma_buffer_printf(&text, "recommended: %s", hma_table_label(p->table, point));
    hma_plot_draw_ring(p->out, hma_plot_x(p, point), hma_plot_y(p, point), HMA_PLOT_RING);
    hma_status status = hma_buffer_ok(&text);
    if (status == HMA_OK) {
        status = draw_key_label(p, point, hma_buffer_cstr(&text), HMA_PLOT_RECOMMENDED_TEXT);
    }
    hma_buffer_free(&text);
    return status;
}

static hma_status draw_endpoint(hma_plot *p, size_t point, const char *name) {
    return hma_plot_shows(p, point) && point != p->front->recommended ? draw_key_label(p, point, name, HMA_PLOT_INK) : HMA_OK;
}

/* Uniform points are named by their ratio, others by their label. */
static hma_status draw_other(hma_plot *p, size_t point) {
    if (p->front->points[point].kind != HMA_CANDIDATE_MERGE) {
        return draw_other_label(p, point, hma_table_label(p->table, point), HMA_PLOT_EXTRA_TEXT);
    }
    if (!p->table->points[point].uniform) {
        return draw_other_label(p, point, hma_table_label(p->table, point), HMA_PLOT_BLOCKS_TEXT);
    }
    char ratio[HMA_DOUBLE_TEXT];
    (void)hma_double_text(round(p->table->points[point].mean_ratio * 1000) / 1000, ratio);
    return draw_other_label(p, point, ratio, HMA_PLOT_UNIFORM_TEXT);
}

/* Uniform points tell where on the curve one is; those that are no merge mean nothing without their names. */
static bool is_landmark(const hma_plot *p, size_t point) {
    return p->table->points[point].uniform || p->front->points[point].kind != HMA_CANDIDATE_MERGE;
}

/* Points on the front first, then the other landmarks. */
static hma_status draw_others(hma_plot *p) {
    hma_status status = HMA_OK;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < p->shown_count && status == HMA_OK; i++) {
            const size_t point = p->shown[i];
            const bool filled = hma_plot_is_filled(p, point);
            if (!hma_plot_is_key(p, point) && (pass == 0 ? filled : !filled && is_landmark(p, point))) {
                status = draw_other(p, point);
            }
        }
    }
    return status;
}

hma_status hma_plot_draw_labels(hma_plot *p) {
    hma_status status = draw_recommended(p);
    if (status == HMA_OK) {
        status = draw_endpoint(p, p->front->pre, "pre");
    }
    if (status == HMA_OK) {
        status = draw_endpoint(p, p->front->post, "post");
    }
    return status == HMA_OK && !p->crowded ? draw_others(p) : status;
}
