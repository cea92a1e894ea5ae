#include "loss_curvature.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "float_part.h"
#include "halftone/counter_random.hpp"
#include "halftone/graph.hpp"
#include "halftone/memory_share.hpp"
#include "halftone/stored_tensor.hpp"
#include "output_probe.h"

namespace halftone::passes {
namespace {

double root_mean_square(const std::vector<float> &values) {
  double sum = 0;
  for (const float x : values) sum += static_cast<double>(x) * static_cast<double>(x);
  return values.empty() ? 0 : std::sqrt(sum / static_cast<double>(values.size()));
}

// Of a weight that is all zeros, in place of its own size.
constexpr double kSizeOfZeros = 0.01;

ht_status take_output(void *user, ht_handle value, const ht_tensor_view *tensor) noexcept {
  auto &[handles, targets] = *static_cast<std::pair<const std::vector<ht_handle> *, std::vector<RowTensor> *> *>(user);
  const auto at = std::find(handles->begin(), handles->end(), value);
  if (at == handles->end()) return HT_OK;
  RowTensor &target = (*targets)[static_cast<std::size_t>(at - handles->begin())];
  try {
    target.dtype = tensor->dtype;
    target.shape.assign(tensor->shape, tensor->shape + tensor->rank);
    const auto *data = static_cast<const std::byte *>(tensor->data);
    target.bytes.assign(data, data + static_cast<std::size_t>(sdk::count_of(*tensor)) * sizeof(float));
  } catch (const std::bad_alloc &) {
    return HT_RESOURCE_EXHAUSTED;
  }
  return HT_OK;
}

}  // namespace

LossCurvature::LossCurvature(const sdk::Context &ctx, const CurvatureLoss &loss, const std::vector<ht_handle> &weights,
                             const Choices &choices)
    : loss_(loss), choices_(choices) {
  const sdk::Graph graph(ctx);
  const FloatPart part = float_part(ctx, loss.outputs);
  sdk::TrainingSetup setup;
  setup.inputs = part.inputs;
  setup.outputs = loss.outputs;
  setup.memory = sdk::training_memory(ctx);
  for (const ht_handle output : loss.outputs) {
    setup.loss(choices.by_outputs ? HT_LOSS_MSE : loss.kind, output, 1, 1, loss.axes);
  }
  for (const ht_handle handle : weights) {
    Weight &weight = weights_.emplace_back();
    weight.handle = handle;
    weight.in_part = part.reads.contains(handle);
    const ht_tensor_info type = graph.value(handle).info.type;
    weight.shape.assign(type.shape, type.shape + type.rank);
    weight.base = sdk::read_floats(graph, handle).value_or(std::vector<float>());
    const double size = root_mean_square(weight.base);
    weight.step = choices.step * (size > 0 ? size : kSizeOfZeros);
    if (weight.in_part) setup.weights.push_back(handle);
  }
  if (setup.inputs.empty() || setup.weights.empty()) {
    throw sdk::Failure(HT_FAILED_PRECONDITION, "the loss depends on no input or on no weight of the model");
  }
  data_ = std::make_unique<RowBatches>(ctx, RowBatches::Choices{part.inputs, choices.samples, choices.batch});
  session_ = std::make_unique<sdk::TrainingSession>(ctx, sdk::Trainer(ctx), setup);
}

LossCurvature::~LossCurvature() = default;

void LossCurvature::set_targets(const sdk::Context &ctx, Point &point) const {
  for (const RowTensor &input : point.batch_.inputs) point.fed_.inputs.push_back(input.view());
  point.targets_.resize(loss_.outputs.size());
  std::pair<const std::vector<ht_handle> *, std::vector<RowTensor> *> user{&loss_.outputs, &point.targets_};
  (void)session_->evaluate(ctx, point.fed_, &take_output, &user);
  if (loss_.kind == HT_LOSS_CROSS_ENTROPY) {
    RowTensor labels;
    labels.dtype = HT_I64;
    labels.shape = {static_cast<std::int64_t>(point.batch_.rows)};
    labels.bytes.resize(point.batch_.samples.size() * sizeof(std::int64_t));
    if (point.batch_.samples.size() != point.batch_.rows || point.targets_.front().shape.size() != 2) {
      throw sdk::Failure(HT_FAILED_PRECONDITION,
                         "a label for each sample needs a result of one row for each sample and an axis of classes; "
                         "take another `loss`");
    }
    for (std::size_t i = 0; i < point.batch_.samples.size(); ++i) {
      const std::int64_t label = loss_.labels.at(point.batch_.samples[i]);
      std::memcpy(labels.bytes.data() + i * sizeof(label), &label, sizeof(label));
    }
    point.targets_.front() = std::move(labels);
  }
  for (const RowTensor &target : point.targets_) point.fed_.targets.push_back(target.view());
}

void LossCurvature::for_each(const sdk::Context &ctx, const std::function<void(const Point &)> &see) const {
  data_->for_each(ctx, [&](const RowBatch &batch) {
    Point point(*this, ctx, batch);
    set_targets(ctx, point);
    see(point);
  });
}

void LossCurvature::Point::displace(std::size_t weight, double side, const Direction &direction) const {
  const Weight &of = of_.weights_[weight];
  RowTensor moved;
  moved.shape = of.shape;
  moved.bytes.resize(of.base.size() * sizeof(float));
  auto *to = reinterpret_cast<float *>(moved.bytes.data());
  for (std::size_t i = 0; i < of.base.size(); ++i) {
    to[i] = static_cast<float>(static_cast<double>(of.base[i]) + side * of.step * static_cast<double>(direction(i)));
  }
  of_.session_->write(ctx_, HT_LEARNED_WEIGHT, of.handle, moved.view());
}

void LossCurvature::Point::aim(std::uint64_t key) const {
  aimed_ = targets_;
  fed_.targets.clear();
  for (std::size_t i = 0; i < aimed_.size(); ++i) {
    const std::size_t count = targets_[i].bytes.size() / sizeof(float);
    const std::uint64_t own = sdk::mixed(sdk::mixed(key, batch_.samples.front()), i);
    probe_outputs(of_.loss_.kind, of_.loss_.axes, {reinterpret_cast<const float *>(targets_[i].bytes.data()), count},
                  targets_[i].shape, own, {reinterpret_cast<float *>(aimed_[i].bytes.data()), count});
    fed_.targets.push_back(aimed_[i].view());
  }
}

void LossCurvature::Point::put_back(std::size_t weight) const {
  displace(weight, 0, [](std::size_t) { return 0.0F; });
}

void LossCurvature::Point::differentiate() const {
  of_.session_->update(ctx_, sdk::TrainingRates{});  // rates of 0: forgets the gradients, and changes nothing
  (void)of_.session_->accumulate(ctx_, fed_);
}

std::span<const float> LossCurvature::Point::gradient(std::size_t weight) const {
  const ht_tensor_view view = of_.session_->gradient(ctx_, HT_LEARNED_WEIGHT, of_.weights_[weight].handle);
  return {static_cast<const float *>(view.data), of_.weights_[weight].base.size()};
}

}  // namespace halftone::passes
