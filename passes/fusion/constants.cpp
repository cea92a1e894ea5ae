#include "constants.h"

#include <algorithm>
#include <cmath>

namespace halftone::passes {

std::optional<ht_tensor_view> constant_tensor(const sdk::Graph &graph, ht_handle value) {
  if (value == HT_NONE) return std::nullopt;
  if (auto tensor = graph.initializer(value)) return tensor;
  const ht_handle producer = graph.value(value).info.producer;
  if (producer == HT_NONE || !graph.node(producer).is("Constant")) return std::nullopt;
  const auto attribute = graph.attribute(producer, "value");
  if (!attribute || attribute->kind != HT_ATTR_TENSOR) return std::nullopt;
  return attribute->t;
}

std::optional<sdk::StoredTensor> read_constant(const sdk::Graph &graph, ht_handle value) {
  const auto tensor = constant_tensor(graph, value);
  return tensor ? sdk::tensor_of(*tensor) : std::nullopt;
}

namespace {

// Whether an operand beside the constant is known to have as many axes, so that the constant adds none.
bool adds_no_axis(const sdk::Graph &graph, ht_handle constant, std::uint32_t rank, std::span<const ht_handle> readers) {
  for (const ht_handle reader : readers) {
    const sdk::Node node = graph.node(reader);
    if (std::ranges::find(node.inputs(), constant) == node.inputs().end()) continue;
    bool covered = false;
    for (const ht_handle other : node.inputs()) {
      if (other == HT_NONE || other == constant) continue;
      const ht_tensor_info type = graph.value(other).info.type;
      covered = covered || (type.known_rank != 0 && type.rank >= rank);
    }
    if (!covered) return false;
  }
  return true;
}

}  // namespace

std::optional<double> read_scalar(const sdk::Graph &graph, ht_handle value, std::span<const ht_handle> readers) {
  const auto tensor = constant_tensor(graph, value);
  if (!tensor || sdk::count_of(*tensor) != 1) return std::nullopt;
  if (tensor->rank > 1 && !adds_no_axis(graph, value, tensor->rank, readers)) return std::nullopt;
  if (tensor->dtype == HT_F64) return *static_cast<const double *>(tensor->data);
  if (tensor->dtype == HT_F32) return static_cast<double>(*static_cast<const float *>(tensor->data));
  return std::nullopt;
}

bool is_near(double found, double want) {
  return std::fabs(found - want) <= 5e-6 * std::fabs(want);
}

bool is_scalar(const sdk::Graph &graph, ht_handle value, std::span<const ht_handle> readers, double want) {
  const auto found = read_scalar(graph, value, readers);
  return found && is_near(*found, want);
}

std::optional<std::vector<std::int64_t>> read_integers(const sdk::Graph &graph, ht_handle value) {
  const auto tensor = constant_tensor(graph, value);
  if (!tensor || tensor->dtype != HT_I64) return std::nullopt;
  const auto *data = static_cast<const std::int64_t *>(tensor->data);
  return std::vector<std::int64_t>(data, data + sdk::count_of(*tensor));
}

std::optional<std::vector<double>> spread(const sdk::StoredTensor &constant, std::span<const std::int64_t> shape,
                                          std::size_t rank) {
  if (constant.shape.size() > rank || constant.data.empty()) return std::nullopt;
  const std::size_t axes = shape.size(), given = constant.shape.size();
  // How far one step on each axis of `shape` moves in the constant; 0 where the constant repeats.
  std::vector<std::int64_t> step(axes, 0);
  for (std::size_t i = 0; i < given; ++i) {
    const std::int64_t extent = constant.shape[given - 1 - i];
    if (extent == 1) continue;
    if (i >= axes || shape[axes - 1 - i] != extent) return std::nullopt;
    step[axes - 1 - i] = constant.stride(given - 1 - i);
  }
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  std::vector<double> out;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i, at = 0;
    for (std::size_t axis = axes; axis-- > 0;) {
      at += rest % shape[axis] * step[axis];
      rest /= shape[axis];
    }
    out.push_back(constant.data[static_cast<std::size_t>(at)]);
  }
  return out;
}

std::optional<std::vector<std::int64_t>> extents_from(const sdk::Value &value, std::size_t axis) {
  const ht_tensor_info &type = value.info.type;
  if (type.known_rank == 0 || axis > type.rank) return std::nullopt;
  std::vector<std::int64_t> extents;
  for (std::size_t i = axis; i < type.rank; ++i) {
    if (type.shape[i] < 1) return std::nullopt;
    extents.push_back(type.shape[i]);
  }
  return extents;
}

}  // namespace halftone::passes
