#include "group_search.h"

#include <cstdio>
#include <string>
#include <vector>

namespace halftone::observers {
namespace {

// Holds one sample, or all of them in their order.
class Groups final : public sdk::Accumulator {
 public:
  Groups(const ht_statistics &statistics, const ht_quant_spec &spec, std::uint64_t group,
         std::unique_ptr<GroupFold> fold)
      : group_(group), sample_(statistics, spec), waiting_(sample_), nothing_(sample_) {
    for (std::size_t c = 0; c + 1 < sample_.channels(); ++c) folds_.push_back(fold->copy());
    folds_.push_back(std::move(fold));
  }

  void observe(const sdk::Context &, const ht_tensor_view &tensor) override { sample_.add(tensor); }
  void merge(const sdk::Context &, const Accumulator &other) override {
    take_own();
    take(static_cast<const Groups &>(other).sample_);
  }

  // With the last group, whether it is full or not.
  void complete() {
    take_own();
    if (in_group_ > 0) close();
  }
  Groups whole() const {
    Groups all(*this);
    all.complete();
    return all;
  }
  std::size_t channels() const { return folds_.size(); }
  Range range(std::size_t channel) const { return folds_[channel]->range(); }
  std::uint64_t groups() const { return groups_; }

 private:
  Groups(const Groups &other)
      : group_(other.group_),
        groups_(other.groups_),
        in_group_(other.in_group_),
        sample_(other.sample_),
        waiting_(other.waiting_),
        nothing_(other.nothing_) {
    for (const auto &fold : other.folds_) folds_.push_back(fold->copy());
  }
  // What was observed here comes before what is merged.
  void take_own() {
    if (sample_.empty()) return;
    take(sample_);
    sample_ = nothing_;
  }
  void take(const SampleDistributions &sample) {
    if (sample.empty()) return;
    waiting_.merge(sample);
    if (++in_group_ == group_) close();
  }
  void close() {
    for (std::size_t c = 0; c < folds_.size(); ++c) {
      waiting_.visit(c, [&](const Distribution &d) { folds_[c]->add(d); });
    }
    waiting_ = nothing_;
    in_group_ = 0;
    ++groups_;
  }

  std::uint64_t group_, groups_ = 0, in_group_ = 0;
  SampleDistributions sample_, waiting_, nothing_;
  std::vector<std::unique_ptr<GroupFold>> folds_;
};

}  // namespace

SampleDistributions::SampleDistributions(const ht_statistics &statistics, const ht_quant_spec &spec)
    : axis_(static_cast<std::size_t>(spec.axis)) {
  if (spec.granularity == HT_PER_TENSOR) {
    tensor_.emplace(std::max(-statistics.minimum, statistics.maximum));
  } else {
    channels_.emplace(statistics);
  }
}

void SampleDistributions::add(const ht_tensor_view &tensor) {
  std::size_t count = 1;
  for (std::uint32_t k = 0; k < tensor.rank; ++k) count *= static_cast<std::size_t>(tensor.shape[k]);
  const std::span<const float> values(static_cast<const float *>(tensor.data), count);
  any_ = any_ || count > 0;
  if (tensor_) {
    tensor_->add(values);
  } else {
    channels_->add(values, {tensor.shape, tensor.rank}, axis_);
  }
}

void SampleDistributions::merge(const SampleDistributions &other) {
  any_ = any_ || other.any_;
  if (tensor_) {
    tensor_->merge(*other.tensor_);
  } else {
    channels_->merge(*other.channels_);
  }
}

ht_str GroupedSearch::derive(const sdk::Context &, const ht_statistics &, const ht_quant_spec &, std::span<float>,
                             std::span<float>) const {
  throw sdk::Failure(HT_FAILED_PRECONDITION,
                     "`" + rule() + "` follows the samples in their order, which common statistics do not keep");
}

std::unique_ptr<sdk::Accumulator> GroupedSearch::begin(const sdk::Context &, const ht_quant_spec &spec,
                                                       const ht_statistics *statistics,
                                                       const sdk::Accumulator *previous) const {
  if (statistics == nullptr || previous != nullptr) return nullptr;
  return std::make_unique<Groups>(*statistics, spec, group_, fold(spec));
}

ht_str GroupedSearch::finish(const sdk::Context &ctx, const sdk::Accumulator &seen, const ht_statistics &,
                             const ht_quant_spec &, std::span<float> low, std::span<float> high) const {
  const Groups all = static_cast<const Groups &>(seen).whole();
  if (all.channels() != low.size()) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "ranges of " + std::to_string(all.channels()) + " channels where " +
                                                std::to_string(low.size()) + " are needed");
  }
  for (std::size_t c = 0; c < low.size(); ++c) {
    const Range range = all.range(c);
    low[c] = static_cast<float>(range.low);
    high[c] = static_cast<float>(range.high);
  }
  return ctx.keep(rule() + ", " + std::to_string(all.groups()) + (all.groups() == 1 ? " group" : " groups"));
}

}  // namespace halftone::observers
