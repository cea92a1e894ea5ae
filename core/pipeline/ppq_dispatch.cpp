// PPQ's dispatcher and its table of exceptions.
#include <algorithm>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/pipeline/pipeline_shape.h"
#include "core/pipeline/ppq_conversion.h"
#include "core/pipeline/ppq_setting_map.h"

namespace halftone::pipeline {

namespace {

// What a file may have below a key, where this build has the key.
const Shape *key_of(const Shape &shape, std::string_view name) {
  for (const Shape &one : shape.either) {
    if (const Shape *found = key_of(one, name)) return found;
  }
  const auto found = std::ranges::find(shape.keys, name, &Shape::Key::name);
  return found == shape.keys.end() ? nullptr : &found->shape;
}

// Numbers of PPQ that are no platform of a quantizer.
constexpr std::int64_t kFloat32 = 0, kFloat16 = 1, kBfloat16 = 2, kFloat8 = 3, kInt4 = 4, kIndex = -1, kAny = -2;

// What a row asks; empty for a number that PPQ does not have.
std::string_view verdict_of(std::int64_t platform) {
  if (platform == kIndex) return "soi";
  if (platform == kFloat32 || platform == kFloat16 || platform == kBfloat16) return "float";
  const bool known = std::ranges::find(ppq_platforms(), platform, &PpqPlatform::number) != ppq_platforms().end();
  return known || platform == kFloat8 || platform == kInt4 || platform == kAny ? "quantize" : "";
}

// Why a row cannot be; empty when it can.
std::string fault_of(const PpqRow &row, std::string_view verdict, const PpqTarget &target, bool dispatch_key) {
  if (target.nodes && std::ranges::find(*target.nodes, row.operation) == target.nodes->end())
    return fmt::format("the cleaned model has no such node{}; PPQ ignores it too",
                       nearest_hint(row.operation, *target.nodes));
  if (verdict.empty()) return fmt::format("PPQ has no platform of number {}", row.platform);
  if (verdict == "quantize" && !dispatch_key)
    return "it is to be quantized whatever the dispatcher says, which needs `dispatch:`";
  return {};
}

}  // namespace

void convert_dispatch(const PpqSetting &setting, const PpqTarget &target, PpqConversion &out) {
  const std::string method = setting.text("dispatcher");
  const Setting written = setting.value("dispatcher");
  out.dispatcher = our_dispatcher(method);
  if (out.dispatcher.empty()) {
    const std::vector<std::string> known(ppq_dispatchers().begin(), ppq_dispatchers().end());
    fail(Status::kInvalidArgument, "{}: PPQ has no dispatcher '{}'{}; it has {}", written.where.text(), method,
         nearest_hint(method, known), fmt::join(known, ", "));
  }
  const Shape *key = key_of(pipeline_shape(), "dispatch");
  const Shape *row = key == nullptr ? nullptr : key_of(*key, "table");
  out.dispatch_key = row != nullptr;
  out.row_match = row != nullptr && row->each != nullptr && key_of(*row->each, "match") != nullptr;
  const Setting *own = target.platform ? target.platform->option("dispatcher") : nullptr;
  out.dispatcher_live = out.dispatch_key && (own == nullptr || own->text != out.dispatcher);
  if (out.dispatcher != "conservative" && !out.dispatch_key) {
    out.warnings.push_back(
        fmt::format("{}: the dispatcher '{}' is not there yet; operators are chosen as `conservative` chooses them",
                    written.where.text(), method));
  }
  for (const PpqRow &asked : setting.rows()) {
    const std::string_view verdict = verdict_of(asked.platform);
    const std::string why = fault_of(asked, verdict, target, out.dispatch_key);
    out.rows.push_back({asked.operation, std::string(verdict), why, why.empty()});
    if (why.empty()) continue;
    out.warnings.push_back(
        fmt::format("{}: the row of '{}' is left out: {}", asked.where.text(), asked.operation, why));
  }
}

}  // namespace halftone::pipeline
