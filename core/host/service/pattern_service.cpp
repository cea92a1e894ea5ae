#include <vector>

#include "core/host/service/table.h"
#include "core/host/service/tables.h"
#include "core/pattern/matcher.h"
#include "core/pattern/missing.h"
#include "core/pattern/token.h"

namespace halftone::host {

namespace {

ht_pattern_match kept_match(ht_ctx *ctx, const pattern::Pattern &pattern, const pattern::Match &match) {
  std::vector<ht_pattern_binding> bindings;
  for (std::size_t i = 0; i < pattern.names.size(); ++i) {
    bindings.push_back(
        {sizeof(ht_pattern_binding), 0, kept_text(ctx, pattern.names[i]), kept_handles(ctx, match.values[i])});
  }
  ht_pattern_match out{};
  out.struct_size = sizeof(out);
  out.pattern = static_cast<std::uint32_t>(match.pattern);
  out.graph = match.graph;
  out.root = match.nodes.front();
  out.nodes = kept_handles(ctx, match.nodes);
  out.inner = kept_handles(ctx, match.inner);
  out.bindings = keep(ctx, std::span<const ht_pattern_binding>(bindings));
  out.binding_count = bindings.size();
  return out;
}

ht_status HT_CALL check(ht_ctx *ctx, const ht_str *pattern) {
  return serve(ctx, [&] { (void)pattern::parse(text(pattern)); });
}

ht_status HT_CALL find(ht_ctx *ctx, const ht_strs *texts, ht_handle graph, ht_pattern_matches *matches) {
  return serve(ctx, [&] {
    std::vector<pattern::Pattern> patterns;
    for (std::uint64_t i = 0; i < texts->size; ++i) patterns.push_back(pattern::parse(text(&texts->data[i])));
    const model::Model &model = working(ctx).model;
    const std::vector<pattern::Match> found =
        graph == HT_NONE ? pattern::find(model, patterns) : pattern::find(model, graph, patterns);
    std::vector<ht_pattern_match> list;
    for (const pattern::Match &match : found) list.push_back(kept_match(ctx, patterns[match.pattern], match));
    *matches = {keep(ctx, std::span<const ht_pattern_match>(list)), list.size()};
  });
}

ht_status HT_CALL one_line(ht_ctx *ctx, const ht_str *pattern, ht_str *line) {
  return serve(ctx, [&] { *line = kept_text(ctx, pattern::one_line(text(pattern))); });
}

ht_status HT_CALL missing(ht_ctx *ctx, const ht_str *pattern, ht_strs *operators) {
  return serve(ctx, [&] {
    std::vector<ht_str> list;
    for (const std::string &name : pattern::missing_operators(working(ctx).model, pattern::parse(text(pattern)))) {
      list.push_back(kept_text(ctx, name));
    }
    *operators = {keep(ctx, std::span<const ht_str>(list)), list.size()};
  });
}

}  // namespace

const ht_pattern *pattern_table() {
  static constexpr ht_pattern kTable = {sizeof(ht_pattern), 0, &check, &find, &one_line, &missing};
  return &kTable;
}

}  // namespace halftone::host
