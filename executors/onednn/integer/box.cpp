// Slice, and Pad with zeros, of bytes with the channels last.
#include <cstring>

#include "integer/codes.h"
#include "integer/tables.h"
#include "products.h"

namespace halftone::onednn {
namespace {

using integer::Placed;
using integer::PlacedView;
using integer::Tensor;
using Ints = std::vector<std::int64_t>;

// Along one axis: `before` fills, then every `step`-th of the input from `first` on, then fills up to `outputs`.
struct Cut {
  std::int64_t first = 0, step = 1, count = 0, before = 0, outputs = 0;
};

// What a stored integer input holds; nullopt where it may be another at run time. An absent one holds nothing.
std::optional<Ints> stored_integers(const sdk::Graph &graph, const sdk::Node &node, std::uint32_t slot) {
  const ht_handle value = node.input(slot);
  if (value == HT_NONE) return Ints{};
  const auto tensor = graph.initializer(value);
  if (!tensor || graph.value(value).is_input()) return std::nullopt;
  const auto copied = [&]<typename T>(const T *from) { return Ints(from, from + integer::count_of(*tensor)); };
  if (tensor->dtype == HT_I64) return copied(static_cast<const std::int64_t *>(tensor->data));
  if (tensor->dtype == HT_I32) return copied(static_cast<const std::int32_t *>(tensor->data));
  return std::nullopt;
}

class Box : public integer::FastStep {
 public:
  explicit Box(const integer::Step &step) : dtype_(step.inputs[0].codes->dtype), fill_(step.inputs[0].codes->zero) {}

  std::optional<Placed> run(std::span<const PlacedView> codes) const override {
    const ht_tensor_view &x = codes[0].view;
    if (!codes[0].channels_last) return {};
    std::vector<Cut> cuts;
    for (std::uint32_t i = 0; i < x.rank; ++i) cuts.push_back({0, 1, x.shape[i], 0, x.shape[i]});
    if (!cut(cuts)) return {};
    integer::Shape shape;
    for (const Cut &each : cuts) shape.push_back(each.outputs);
    Placed out{Tensor(dtype_, shape), true};
    if (out.tensor.count() == 0) return {};
    // In the order of memory: the channels last.
    std::vector<Axis> axes;
    std::int64_t from = 1, to = 1;
    for (std::uint32_t i = 0; i < x.rank; ++i) {
      const std::uint32_t axis = i == 0 ? 1 : i == x.rank - 1 ? 0 : x.rank - i;
      axes.insert(axes.begin(), {cuts[axis], from, to});
      from *= x.shape[axis];
      to *= cuts[axis].outputs;
    }
    copy(axes, static_cast<const std::uint8_t *>(x.data), out.tensor.data<std::uint8_t>());
    return out;
  }

 protected:
  // Cuts the axes as the node says. False where it does not fit, or is left to the plain kernel.
  virtual bool cut(std::vector<Cut> &cuts) const = 0;

 private:
  struct Axis {
    Cut cut;
    std::int64_t from, to;  // what an index is worth, in bytes
  };

  void copy(std::span<const Axis> axes, const std::uint8_t *from, std::uint8_t *to) const {
    const Axis &axis = axes[0];
    const Cut &cut = axis.cut;
    std::memset(to, fill_, static_cast<std::size_t>(cut.before * axis.to));
    to += cut.before * axis.to;
    from += cut.first * axis.from;
    if (axes.size() == 1 && cut.step == 1) std::memcpy(to, from, static_cast<std::size_t>(cut.count));
    for (std::int64_t i = 0; i < cut.count && (axes.size() > 1 || cut.step != 1); ++i) {
      if (axes.size() > 1) {
        copy(axes.subspan(1), from + i * cut.step * axis.from, to + i * axis.to);
      } else {
        to[i] = from[i * cut.step];
      }
    }
    to += cut.count * axis.to;
    std::memset(to, fill_, static_cast<std::size_t>((cut.outputs - cut.before - cut.count) * axis.to));
  }

  ht_dtype dtype_;
  std::int32_t fill_;
};

class Slice final : public Box {
 public:
  Slice(const integer::Step &step, Ints starts, Ints ends, Ints axes, Ints steps)
      : Box(step),
        starts_(std::move(starts)),
        ends_(std::move(ends)),
        axes_(std::move(axes)),
        steps_(std::move(steps)) {}

 private:
  bool cut(std::vector<Cut> &cuts) const override {
    const auto rank = static_cast<std::int64_t>(cuts.size());
    std::vector<bool> seen(cuts.size());
    for (std::size_t i = 0; i < starts_.size(); ++i) {
      std::int64_t axis = axes_.empty() ? static_cast<std::int64_t>(i) : axes_[i];
      if (axis < 0) axis += rank;
      if (axis < 0 || axis >= rank || seen[static_cast<std::size_t>(axis)]) return false;
      seen[static_cast<std::size_t>(axis)] = true;
      Cut &out = cuts[static_cast<std::size_t>(axis)];
      const std::int64_t extent = out.count, step = steps_.empty() ? 1 : steps_[i];
      if (step < 1) return false;
      const auto bounded = [&](std::int64_t at) {
        return std::clamp<std::int64_t>(at < 0 ? at + extent : at, 0, extent);
      };
      const std::int64_t first = bounded(starts_[i]), last = bounded(ends_[i]);
      out.first = first;
      out.step = step;
      out.count = out.outputs = last > first ? (last - first - 1) / step + 1 : 0;
    }
    return true;
  }
  Ints starts_, ends_, axes_, steps_;
};

class Pad final : public Box {
 public:
  Pad(const integer::Step &step, Ints pads, Ints axes) : Box(step), pads_(std::move(pads)), axes_(std::move(axes)) {}

 private:
  bool cut(std::vector<Cut> &cuts) const override {
    const auto rank = static_cast<std::int64_t>(cuts.size());
    const std::size_t count = axes_.empty() ? cuts.size() : axes_.size();
    if (pads_.size() != 2 * count) return false;
    std::vector<bool> seen(cuts.size());
    for (std::size_t i = 0; i < count; ++i) {
      std::int64_t axis = axes_.empty() ? static_cast<std::int64_t>(i) : axes_[i];
      if (axis < 0) axis += rank;
      if (axis < 0 || axis >= rank || seen[static_cast<std::size_t>(axis)]) return false;
      seen[static_cast<std::size_t>(axis)] = true;
      if (pads_[i] < 0 || pads_[i + count] < 0 || std::max(pads_[i], pads_[i + count]) > kMost) return false;
      Cut &out = cuts[static_cast<std::size_t>(axis)];
      out.before = pads_[i];
      out.outputs += pads_[i] + pads_[i + count];
    }
    return true;
  }
  static constexpr std::int64_t kMost = 65536;
  Ints pads_, axes_;
};

}  // namespace

std::unique_ptr<integer::FastStep> fast_box(const sdk::Context &ctx, const sdk::Node &node, const integer::Step &step) {
  const sdk::Graph graph(ctx);
  if (!integer::has_table(*step.inputs[0].codes) || !step.carried || node.opset() < 11) return nullptr;
  const bool slice = node.is("Slice");
  if (!slice && graph.attribute_text(node.handle, "mode", "constant") != "constant") return nullptr;
  const auto first = stored_integers(graph, node, 1), second = stored_integers(graph, node, slice ? 2 : 3);
  if (!first || !second) return nullptr;
  if (!slice) return std::make_unique<Pad>(step, *first, *second);
  const auto axes = stored_integers(graph, node, 3), steps = stored_integers(graph, node, 4);
  if (!axes || !steps || second->size() != first->size() || (!axes->empty() && axes->size() != first->size()) ||
      (node.input(4) != HT_NONE && steps->size() != first->size()))
    return nullptr;
  return std::make_unique<Slice>(step, *first, *second, *axes, *steps);
}

}  // namespace halftone::onednn
