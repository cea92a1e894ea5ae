#include "trial_losses.h"

#include <utility>

namespace halftone::passes {
namespace {

std::size_t count_of(const ht_tensor_view &tensor) {
  std::size_t count = 1;
  for (std::uint32_t k = 0; k < tensor.rank; ++k) count *= static_cast<std::size_t>(tensor.shape[k]);
  return count;
}

}  // namespace

TrialLosses::TrialLosses(std::size_t trials, LossOptions options, std::vector<std::int64_t> labels,
                         std::set<ht_handle> probabilities)
    : options_(options), labels_(std::move(labels)), probabilities_(std::move(probabilities)), totals_(trials) {}

void TrialLosses::prepare(std::uint32_t workers) {
  workers_ = std::vector<Worker>(workers);
}

// A sample belongs to one worker until reduce(), so that only finding its sums needs the lock.
std::map<std::uint32_t, TrialLosses::Sum> &TrialLosses::sums_of(std::uint32_t worker, std::uint64_t sample) {
  Worker &own = workers_.at(worker);
  if (own.sample != sample) {
    const std::scoped_lock lock(mutex_);
    own.sums = &left_[sample];
    own.sample = sample;
  }
  return *own.sums;
}

void TrialLosses::see(const sdk::Context &, std::uint32_t worker, std::uint64_t sample, std::uint32_t trial,
                      ht_handle value, const ht_tensor_view &tensor) {
  const std::span<const float> values(static_cast<const float *>(tensor.data), count_of(tensor));
  const std::span<const std::int64_t> shape(tensor.shape, tensor.rank);
  std::map<std::uint32_t, Sum> &sums = sums_of(worker, sample);
  Worker &own = workers_[worker];
  if (trial == HT_TRIAL_NONE) {
    Kept &kept = own.floats[value];
    kept.values.assign(values.begin(), values.end());
    kept.shape.assign(shape.begin(), shape.end());
    return;
  }
  LossOptions options = options_;
  options.probabilities = probabilities_.contains(value);
  if (!labels_.empty()) options.label = labels_.at(sample);
  const Kept &floats = own.floats.at(value);
  Sum &sum = sums[trial];
  sum.loss += loss_between({floats.values, floats.shape}, {values, shape}, options);
  ++sum.count;
}

void TrialLosses::reduce(std::uint64_t sample) {
  const std::scoped_lock lock(mutex_);
  const auto left = left_.find(sample);
  if (left == left_.end()) return;
  for (const auto &[trial, sum] : left->second) {
    totals_[trial].loss += sum.loss / static_cast<double>(sum.count);
    ++totals_[trial].count;
  }
  left_.erase(left);
}

std::vector<double> TrialLosses::means() const {
  std::vector<double> means;
  for (const Sum &total : totals_) {
    means.push_back(total.count == 0 ? 0 : total.loss / static_cast<double>(total.count));
  }
  return means;
}

}  // namespace halftone::passes
