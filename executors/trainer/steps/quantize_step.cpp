#include "quantize_step.h"

#include <algorithm>

namespace halftone::trainer {
namespace {

void add_scaled(std::vector<double> &to, const std::vector<double> &from, double factor) {
  if (to.empty()) to.resize(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) to[i] += factor * from[i];
}

}  // namespace

Tensor QuantizeStep::source(const ShardRun &run) const {
  const Tensor &value = in(run, 0);
  const bool any_order =
      use_.spec.granularity == HT_PER_TENSOR || (use_.spec.granularity == HT_PER_CHANNEL && use_.spec.axis == 1);
  return any_order ? value : in_order(run.pool, value, Order::kPlain);
}

Grouping QuantizeStep::grouping(const Tensor &tensor) const {
  const Point &point = *program_.points[static_cast<std::size_t>(use_.point)];
  if (tensor.order == Order::kPlain) return grouping_of(use_, tensor.shape, point);
  const std::size_t channels = use_.spec.granularity == HT_PER_TENSOR ? 1 : static_cast<std::size_t>(tensor.shape[1]);
  if (channels == 1) return {1, 1, tensor.count()};
  return {tensor.count() / channels, channels, 1};
}

// Rows of a value are taken to be rows of the batch where their number fits.
Draw QuantizeStep::draw(const ShardRun &run, const Tensor &tensor) const {
  Draw d;
  d.seed = run.seed;
  d.step = run.number;
  d.point = static_cast<std::uint64_t>(use_.point);
  if (!tensor.shape.empty() && tensor.shape[0] > 0) {
    const auto rows = static_cast<std::size_t>(tensor.shape[0]);
    d.first_element = rows % run.rows == 0 ? run.first_row * (tensor.count() / run.rows) : 0;
  }
  return d;
}

void QuantizeStep::forward(ShardRun &run) const {
  if (in(run, 0).dtype != HT_F32) {
    out(run, 0) = in(run, 0);  // other types are left alone
    return;
  }
  if (use_.quantizer == nullptr) return forward_dynamic(run);
  const Tensor from = source(run);
  Tensor to = make_like(run.pool, from);
  const Point &point = *program_.points[static_cast<std::size_t>(use_.point)];
  use_.quantizer->forward(point.state, grouping(from), from.floats(), to.floats(), draw(run, from), run.kind.soft);
  out(run, 0) = std::move(to);
}

// An executor takes the range of one sample.
void QuantizeStep::forward_dynamic(ShardRun &run) const {
  const Tensor &from = in(run, 0);
  Tensor to = make_like(run.pool, from);
  const bool rows_fit = !from.shape.empty() && static_cast<std::size_t>(from.shape[0]) % run.rows == 0;
  const std::size_t rows = rows_fit ? run.rows : 1;
  const std::int64_t count = static_cast<std::int64_t>(from.count() / rows);
  for (std::size_t r = 0; r < rows && count > 0; ++r) {
    const float *x = from.floats() + r * static_cast<std::size_t>(count);
    const auto [low, high] = std::minmax_element(x, x + count);
    float scale = 0;
    std::int32_t zero_point = 0;
    const ht_arithmetic &arithmetic = *run.host->arithmetic;
    sdk::check(arithmetic.scale_from_range(run.ctx, &use_.spec, *low, *high, &scale, &zero_point));
    ht_quantizer q{};
    q.struct_size = sizeof(q);
    q.kind = use_.spec.kind;
    q.rounding = use_.spec.rounding;
    q.granularity = HT_PER_TENSOR;
    q.quant_min = use_.spec.quant_min;
    q.quant_max = use_.spec.quant_max;
    q.count = 1;
    q.scales = &scale;
    q.zero_points = &zero_point;
    const ht_tensor_view in_view = sdk::float_view(x, {&count, 1});
    ht_tensor_view out_view = sdk::float_view(to.floats() + r * static_cast<std::size_t>(count), {&count, 1});
    sdk::check(arithmetic.fake_quantize(run.ctx, &q, &in_view, &out_view));
  }
  out(run, 0) = std::move(to);
}

void QuantizeStep::backward(ShardRun &run) const {
  const Tensor &dy = arrived(run, 0);
  if (use_.quantizer == nullptr) {  // nothing lies outside a range that was just taken
    if (wanted(0)) run.deliver(inputs[0], dy);
    return;
  }
  const Tensor x = source(run);
  const Tensor d = in_order(run.pool, dy, x.order);
  const Tensor dx = wanted(0) ? make_like(run.pool, x) : Tensor();
  const Grouping groups = grouping(x);
  // Sums of this use alone, so that each use has its own factor.
  const Point &point = *program_.points[static_cast<std::size_t>(use_.point)];
  const auto room = [&](std::uint32_t kind, const std::vector<float> &held) {
    return std::vector<double>((use_.learned >> kind & 1U) == 0 ? 0 : held.size());
  };
  std::vector<double> scales = room(HT_LEARNED_SCALE, point.state.scales);
  std::vector<double> offsets = room(HT_LEARNED_OFFSET, point.state.offsets);
  PointGradients gradients;
  if (!scales.empty()) gradients.scales = scales.data();
  if (!offsets.empty()) gradients.offsets = offsets.data();
  use_.quantizer->backward(point.state, groups, x.floats(), d.floats(), dx.empty() ? nullptr : dx.floats(), gradients,
                           draw(run, x));
  const double factor = use_.quantizer->gradient_factor(groups.size() / std::max<std::size_t>(groups.groups, 1) /
                                                        std::max<std::size_t>(run.rows, 1));
  PointSums &sums = run.sums[static_cast<std::size_t>(use_.point)];
  add_scaled(sums.scales, scales, factor);
  add_scaled(sums.offsets, offsets, factor);
  if (wanted(0)) run.deliver(inputs[0], dx);
}

}  // namespace halftone::trainer
