/* The page: everything a person wants to read about a run in one file that needs no other, no network and no script. */
#include "export/markup.h"
#include "export/report.h"
#include "export/writers.h"

static const char style[] =
    "body{font:16px/1.5 Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif;color:#222;background:#fff;max-width:60rem;"
    "margin:2rem auto;padding:0 1rem}\n"
    "h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.2rem;margin-top:2.2rem}\n"
    ".verdict{font-size:1.1rem;padding:.8rem 1rem;background:#eef6f3;border-left:4px solid #009e73}\n"
    ".wide{overflow-x:auto}svg{max-width:100%;height:auto}\n"
    "table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.25rem .7rem;border-bottom:1px solid #ddd;vertical-align:top}thead th{border-bottom:2px solid #888}\n"
    "p{max-width:44rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;font-size:.875rem}\n"
    "dt{color:#555}dd{margin:0;overflow-wrap:anywhere}code{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace}\n";

static void put_section(hma_buffer *out, const hma_table *table, const char *heading,
                        void (*fill)(hma_grid *grid, const hma_table *table)) {
    hma_grid grid = {0};
    fill(&grid, table);
    if (grid.rows || grid.failed) {
        hma_buffer_printf(out, "<h2>%s</h2>\n<div class=\"wide\">\n", heading);
        hma_grid_html(out, &grid);
        hma_buffer_text(out, "</div>\n");
    }
    hma_grid_free(&grid);
}

static void put_provenance(hma_buffer *out, const hma_table *table) {
    hma_report_fact facts[HMA_REPORT_FACTS];
    const size_t count = hma_report_facts(table, facts);
    hma_buffer_text(out, "<h2>Where this comes from</h2>\n<dl>\n");
    for (size_t i = 0; i < count; i++) {
        hma_buffer_printf(out, "<dt>%s</dt><dd><code>", facts[i].name);
        hma_markup_text(out, facts[i].value);
        hma_buffer_text(out, "</code></dd>\n");
    }
    hma_buffer_text(out, "</dl>\n");
}

static void put_name(hma_buffer *out, const hma_table *table, const char *name, size_t point) {
    if (point < table->front->point_count) {
        hma_buffer_printf(out, "<dt>%s</dt><dd>", name);
        hma_markup_text(out, hma_table_label(table, point));
        hma_buffer_text(out, "</dd>\n");
    }
}

static void put_named(hma_buffer *out, const hma_table *table) {
    const hma_front *front = table->front;
    hma_buffer_text(out, "<dl>\n");
    put_name(out, table, "recommended", front->recommended);
    put_name(out, table, "knee", front->knee);
    put_name(out, table, "best-retention", front->best_retention);
    put_name(out, table, "best-reward", front->best_reward);
    hma_buffer_text(out, "</dl>\n");
}

static void put_head(hma_buffer *out, const hma_table *table) {
    hma_buffer_text(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    hma_markup_text(out, hma_text_or_empty(table->title));
    hma_buffer_printf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
    hma_markup_text(out, hma_text_or_empty(table->title));
    hma_buffer_text(out, "</h1>\n<p class=\"verdict\">");
    hma_markup_text(out, hma_text_or_empty(table->front->verdict));
    hma_buffer_text(out, "</p>\n");
    if (*hma_text_or_empty(table->front->blocks_verdict)) {
        hma_buffer_text(out, "<p>");
        hma_markup_text(out, table->front->blocks_verdict);
        hma_buffer_text(out, "</p>\n");
    }
    hma_buffer_text(out, "<p>A ratio is the weight of post: 0 is pre, 1 is post.</p>\n");
    put_named(out, table);
}

hma_status hma_write_html(hma_buffer *out, const hma_table *table) {
    put_head(out, table);
    const hma_status status = hma_write_svg(out, table);
    if (status != HMA_OK) {
        return status;
    }
    put_section(out, table, "Points", hma_report_points);
    put_section(out, table, "Alignment tax", hma_report_tax);
    put_section(out, table, "Differences to post", hma_report_paired);
    put_section(out, table, "Ratios by block against one ratio", hma_report_blocks);
    put_section(out, table, "Search items and test items", hma_report_search);
    put_section(out, table, "Items", hma_report_items);
    put_provenance(out, table);
    hma_buffer_text(out, "</body>\n</html>\n");
    return hma_buffer_ok(out);
}
