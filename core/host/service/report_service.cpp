#include "core/host/service/table.h"
#include "core/host/service/tables.h"

namespace halftone::host {

namespace {
void HT_CALL row(ht_ctx *ctx, const ht_str *key, const ht_str *value) {
  serve(ctx, [&] { ctx->report.emplace_back(std::string(text(key)), std::string(text(value))); });
}

ht_status HT_CALL float_reason(ht_ctx *ctx, ht_handle node, const ht_str *reason) {
  return serve(ctx, [&] {
    WorkingModel &w = working(ctx);
    (void)w.model.node(node);
    if (text(reason).empty()) {
      w.float_reasons.erase(node);
    } else {
      w.float_reasons[node] = std::string(text(reason));
    }
  });
}
}  // namespace

const ht_report *report_table() {
  static constexpr ht_report kTable = {sizeof(ht_report), 0, &row, &float_reason};
  return &kTable;
}

}  // namespace halftone::host
