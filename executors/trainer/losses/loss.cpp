#include "loss.h"

#include <cmath>
#include <string>

#include "halftone/status.hpp"
#include "kinds.h"

namespace halftone::trainer {
namespace {

[[noreturn]] void bad(const std::string &text) {
  throw sdk::Failure(HT_INVALID_ARGUMENT, text);
}

std::size_t extent(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

std::uint64_t class_axes(std::uint64_t axes) {
  return axes == 0 ? std::uint64_t{2} : axes;
}

}  // namespace

ClassLayout class_layout(std::span<const std::int64_t> shape, std::uint64_t axes) {
  if (shape.empty()) bad("a loss is of values with rows along axis 0; this one has no axes");
  const std::uint64_t asked = class_axes(axes);
  if ((asked & 1) != 0) bad("axis 0 of a loss holds the rows, it cannot hold classes");
  if (axes != 0 && asked >> shape.size() != 0) {
    bad("the axes of classes of a loss are beyond the value's " + std::to_string(shape.size()) + " axes");
  }
  ClassLayout layout;
  int phase = 0;  // before, within and after the axes of classes
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const bool holds_classes = axis < 64 && (asked >> axis & 1) != 0;
    if (holds_classes && phase == 2) bad("the axes of classes of a loss have to be neighbours");
    if (holds_classes) phase = 1;
    if (!holds_classes && phase == 1) phase = 2;
    (phase == 0 ? layout.outer : phase == 1 ? layout.classes : layout.inner) *= extent(shape[axis]);
  }
  return layout;
}

void check_loss(const ht_train_loss &loss, std::span<const std::int64_t> shape) {
  if (loss.kind < HT_LOSS_MSE || loss.kind > HT_LOSS_KL) {
    bad("unknown kind of loss " + std::to_string(loss.kind) + "; known are 1 to " + std::to_string(HT_LOSS_KL));
  }
  if (!std::isfinite(loss.weight)) bad("the weight of a loss is not finite");
  if (loss.kind == HT_LOSS_POWER && !(loss.parameter >= 1.0F && std::isfinite(loss.parameter))) {
    bad("the exponent of a loss is " + std::to_string(loss.parameter) + "; it has to be 1 or more");
  }
  if (loss.kind == HT_LOSS_KL && !(loss.parameter > 0.0F && std::isfinite(loss.parameter))) {
    bad("the temperature of a loss is " + std::to_string(loss.parameter) + "; it has to be above 0");
  }
  class_layout(shape, loss.axes);
}

std::vector<std::int64_t> target_shape(const ht_train_loss &loss, std::span<const std::int64_t> shape) {
  if (loss.kind != HT_LOSS_CROSS_ENTROPY) return {shape.begin(), shape.end()};
  std::vector<std::int64_t> out;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis >= 64 || (class_axes(loss.axes) >> axis & 1) == 0) out.push_back(shape[axis]);
  }
  return out;
}

double loss_of_shard(const ht_train_loss &loss, const Shard &shard, const float *output, const void *target,
                     float *gradient) {
  check_loss(loss, shard.shape);
  const ClassLayout layout = class_layout(shard.shape, loss.axes);
  if (layout.size() == 0) return 0;
  const double rows = static_cast<double>(shard.batch_rows);
  const std::size_t of_shard = extent(shard.shape[0]);
  const double positions = rows * static_cast<double>(layout.positions() / of_shard);
  const double elements = rows * static_cast<double>(layout.size() / of_shard),
               weight = static_cast<double>(loss.weight);
  const double parameter = static_cast<double>(loss.parameter);
  const auto *values = static_cast<const float *>(target);
  switch (loss.kind) {
    case HT_LOSS_MSE:
      return power_loss(layout.size(), 2, weight / elements, output, values, gradient);
    case HT_LOSS_POWER:
      return power_loss(layout.size(), parameter, weight / positions, output, values, gradient);
    case HT_LOSS_CROSS_ENTROPY:
      return cross_entropy_loss(layout, shard, weight / positions, output, static_cast<const std::int64_t *>(target),
                                gradient);
    default:
      return divergence_loss(layout, parameter, weight / positions, output, values, gradient);
  }
}

}  // namespace halftone::trainer
