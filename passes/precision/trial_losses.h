// The loss of each trial, averaged over the samples.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "halftone/trial.hpp"
#include "output_loss.h"

namespace halftone::passes {

// Losses of a sample are added up value by value and frame by frame, and divided by how many there are.
class TrialLosses final : public sdk::TrialSink {
 public:
  // `labels` may be empty. `probabilities` are values that need no softmax.
  TrialLosses(std::size_t trials, LossOptions options, std::vector<std::int64_t> labels,
              std::set<ht_handle> probabilities);
  void see(const sdk::Context &ctx, std::uint32_t worker, std::uint64_t sample, std::uint32_t trial, ht_handle value,
           const ht_tensor_view &tensor) override;
  void prepare(std::uint32_t workers) override;
  void reduce(std::uint64_t sample) override;
  // Of a trial that reached no value: 0.
  std::vector<double> means() const;

 private:
  struct Sum {
    double loss = 0;
    std::uint64_t count = 0;
  };
  struct Kept {
    std::vector<float> values;
    std::vector<std::int64_t> shape;
  };
  struct Worker {
    std::map<ht_handle, Kept> floats;
    std::uint64_t sample = ~std::uint64_t{0};
    std::map<std::uint32_t, Sum> *sums = nullptr;  // of that sample, in left_
  };
  std::map<std::uint32_t, Sum> &sums_of(std::uint32_t worker, std::uint64_t sample);

  LossOptions options_;
  std::vector<std::int64_t> labels_;
  std::set<ht_handle> probabilities_;
  std::vector<Worker> workers_;
  std::mutex mutex_;  // of what follows
  std::map<std::uint64_t, std::map<std::uint32_t, Sum>> left_;
  std::vector<Sum> totals_;
};

}  // namespace halftone::passes
