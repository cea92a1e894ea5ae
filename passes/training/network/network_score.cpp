#include "network_score.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace halftone::passes {

// Of all batches so far, and of the one at hand.
struct NetworkScorer::Sums {
  const NetworkPart &part;
  const NetworkData &data;
  NetworkBatch &batch;
  std::span<const std::uint64_t> samples;
  std::vector<double> error, power;  // by output
  double misses = 0;

  // Called by the trainer: nothing may be thrown.
  static ht_status HT_CALL take(void *user, ht_handle value, const ht_tensor_view *tensor) noexcept {
    auto &self = *static_cast<Sums *>(user);
    const auto at = std::ranges::find(self.part.outputs, value);
    if (at == self.part.outputs.end() || tensor->dtype != HT_F32) return HT_OK;
    self.add(static_cast<std::size_t>(at - self.part.outputs.begin()), *tensor);
    return HT_OK;
  }

  void add(std::size_t output, const ht_tensor_view &tensor) {
    const auto *got = static_cast<const float *>(tensor.data);
    const float *wanted = batch.target(output);
    const auto count = static_cast<std::size_t>(sdk::count_of(tensor));
    for (std::size_t i = 0; i < count; ++i) {
      const double off = double{got[i]} - double{wanted[i]};
      error[output] += off * off;
      power[output] += double{wanted[i]} * double{wanted[i]};
    }
    if (output == 0) count_misses(tensor, wanted);
  }

  void count_misses(const ht_tensor_view &tensor, const float *wanted) {
    const auto count = static_cast<std::size_t>(sdk::count_of(tensor)),
               each = count / std::max<std::size_t>(samples.size(), 1);
    const auto *got = static_cast<const float *>(tensor.data);
    for (std::size_t i = 0; i < samples.size() && each > 0; ++i) {
      const float *own = got + i * each, *from = wanted + i * each;
      const auto winner = std::max_element(own, own + each) - own;
      const auto right =
          samples[i] < data.labels().size() ? data.labels()[samples[i]] : std::max_element(from, from + each) - from;
      if (winner != right) misses += 1;
    }
  }
};

NetworkScorer::NetworkScorer(const NetworkPart &part, const NetworkData &data, const NetworkLosses &losses,
                             std::vector<std::uint64_t> samples, std::uint64_t batch)
    : part_(part), data_(data), batch_(losses, data) {
  std::ranges::sort(samples);
  std::map<std::size_t, std::vector<std::uint64_t>> open;
  for (const std::uint64_t sample : samples) {
    std::vector<std::uint64_t> &group = open[data.classes()[sample]];
    group.push_back(sample);
    if (group.size() == batch) groups_.push_back(std::exchange(group, {}));
  }
  for (auto &[of, group] : open) {
    if (!group.empty()) groups_.push_back(std::move(group));
  }
}

NetworkScore NetworkScorer::score(const sdk::Context &ctx, const sdk::TrainingSession &session) {
  Sums sums{
      part_, data_, batch_, {}, std::vector<double>(part_.outputs.size()), std::vector<double>(part_.outputs.size())};
  double loss = 0, samples = 0;
  sdk::TrainingBatch batch;
  for (const std::vector<std::uint64_t> &group : groups_) {
    batch_.fill(group, batch);
    sums.samples = group;
    const ht_train_result result = session.evaluate(ctx, batch, &Sums::take, &sums);
    loss += result.loss * static_cast<double>(group.size());
    samples += static_cast<double>(group.size());
  }
  NetworkScore score;
  if (samples == 0) return score;
  score.loss = loss / samples;
  score.misses = sums.misses / samples;
  for (std::size_t i = 0; i < sums.error.size(); ++i) {
    score.noise += sums.error[i] / (sums.power[i] > 0 ? sums.power[i] : 1) / static_cast<double>(sums.error.size());
  }
  return score;
}

}  // namespace halftone::passes
