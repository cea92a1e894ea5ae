#include "core/pattern/constants.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/pattern/attribute_test.h"

namespace halftone::pattern {
namespace {

// The tensor that a Constant node gives, whichever attribute it writes it in.
std::optional<model::Tensor> tensor_of(const model::Node &node) {
  if (node.op_type != "Constant" || !node.domain.empty()) return std::nullopt;
  for (const auto &[name, attribute] : node.attributes) {
    if (const auto *tensor = std::get_if<model::Tensor>(&attribute.data)) return *tensor;
    if (const auto *i = std::get_if<std::int64_t>(&attribute.data)) return model::Tensor::from_ints({}, {i, 1});
    if (const auto *f = std::get_if<float>(&attribute.data)) return model::Tensor::from_floats({}, {f, 1});
    if (const auto *is = std::get_if<std::vector<std::int64_t>>(&attribute.data)) {
      return model::Tensor::from_ints({static_cast<std::int64_t>(is->size())}, *is);
    }
    if (const auto *fs = std::get_if<std::vector<float>>(&attribute.data)) {
      return model::Tensor::from_floats({static_cast<std::int64_t>(fs->size())}, *fs);
    }
  }
  return std::nullopt;
}

bool has_numbers(ht_dtype dtype) {
  return model::dtype_bits(dtype) > 0 && dtype != HT_C64 && dtype != HT_C128;
}

}  // namespace

bool Constants::is(model::Handle value, double number) {
  auto found = seen_.find(value);
  if (found == seen_.end()) found = seen_.emplace(value, range_of(value)).first;
  const std::optional<Range> &range = found->second;
  return range && equals(range->low, number, range->integer) && equals(range->high, number, range->integer);
}

std::optional<Constants::Range> Constants::range_of(model::Handle handle) const {
  const model::Value &value = model_.value(handle);
  std::optional<model::Tensor> tensor = value.initializer;
  if (!tensor && value.producer != HT_NONE) tensor = tensor_of(model_.node(value.producer));
  if (!tensor || !has_numbers(tensor->dtype()) || tensor->count() == 0) return std::nullopt;
  const auto range = [](const auto &entries, bool integer) {
    const auto [low, high] = std::ranges::minmax_element(entries);
    return Range{static_cast<double>(*low), static_cast<double>(*high), integer};
  };
  if (!model::dtype_is_float(tensor->dtype())) return range(tensor->to_ints(), true);
  const std::vector<float> entries = tensor->to_floats();
  if (std::ranges::any_of(entries, [](float v) { return std::isnan(v); })) return std::nullopt;
  return range(entries, false);
}

}  // namespace halftone::pattern
