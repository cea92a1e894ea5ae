#include "core/calibration/gatherer.h"

#include <utility>

#include "core/base/error.h"
#include "core/calibration/accumulator_layout.h"
#include "core/calibration/not_the_sample.h"

namespace halftone::calibration {

WatchSink::WatchSink(const Watches &watches, bool may_skip, std::unique_ptr<SampleSink> inner, Gatherers &kept)
    : watches_(watches), may_skip_(may_skip), inner_(std::move(inner)), kept_(kept), totals_(watches.size()) {}

WatchSink::~WatchSink() {
  kept_ = std::move(totals_);
}

void WatchSink::begin(std::uint64_t index) {
  ctx_.arena.reset();
  if (inner_) inner_->begin(index);
  sample_.clear();
  sample_.resize(watches_.size());
}

void WatchSink::value(model::Handle value, const ht_tensor_view &tensor) {
  if (inner_) inner_->value(value, tensor);
  std::unique_ptr<TensorLayout> layout;  // the same for all who watch the value
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    const Watch &watch = watches_[i];
    if (watch.value != value) continue;
    if (!layout) layout = std::make_unique<TensorLayout>(tensor);
    if (layout->elements() == 0) return;
    ht_tensor_view plain = tensor;
    plain.strides = nullptr;
    plain.block_axis = plain.block_size = 0;
    plain.data = const_cast<float *>(layout->values);
    std::unique_ptr<Gatherer> &into = watch.any_order && !may_skip_ ? totals_[i] : sample_[i];
    const auto observe = [&] {
      if (!into) into = watch.make(ctx_);
      into->observe(ctx_, plain);
    };
    may_skip_ ? not_the_sample(observe) : observe();
  }
}

std::shared_ptr<void> WatchSink::take(host::Context &ctx, const Sample &sample) {
  auto left = std::make_shared<Left>();
  if (inner_) left->inner = inner_->take(ctx, sample);
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    if (!watches_[i].any_order || !sample_[i]) continue;
    not_the_sample([&] {
      if (!totals_[i]) totals_[i] = watches_[i].make(ctx_);
      totals_[i]->merge(ctx_, *sample_[i]);
    });
    sample_[i].reset();
  }
  left->samples = std::move(sample_);
  return left;
}

void merge_in_order(host::Context &ctx, Watches &watches, const WatchSink::Left &left) {
  for (std::size_t i = 0; i < left.samples.size(); ++i) {
    if (left.samples[i]) watches[i].total->merge(ctx, *left.samples[i]);
  }
}

void merge_kept(host::Context &ctx, Watches &watches, const WatchSink::Gatherers &kept) {
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) watches[i].total->merge(ctx, *kept[i]);
  }
}

void gather(const Dataset &dataset, const host::Session &session, const FlowOptions &options, Watches &watches) {
  const bool may_skip = options.on_bad_sample == BadSample::kSkip;
  std::vector<WatchSink::Gatherers> kept(options.workers);
  host::Context ctx;
  const FlowResult flow = run_flow(
      dataset, session, options,
      [&](std::uint32_t worker) -> std::unique_ptr<SampleSink> {
        return std::make_unique<WatchSink>(watches, may_skip, nullptr, kept.at(worker));
      },
      [&](std::uint64_t, const std::shared_ptr<void> &left) {
        merge_in_order(ctx, watches, *static_cast<const WatchSink::Left *>(left.get()));
      });
  if (flow.samples == 0 && !flow.skipped.empty()) {
    fail(Status::kDataLoss, "no sample could be used in a second pass over the data; the first because: {}",
         flow.skipped.front().reason);
  }
  for (const WatchSink::Gatherers &part : kept) merge_kept(ctx, watches, part);
}

}  // namespace halftone::calibration
