// Observers that look at groups of consecutive samples, each group's distribution for itself, and make one range of
// what they find. Memory does not grow with the samples.
#pragma once

#include <memory>
#include <optional>

#include "channel_distributions.h"
#include "halftone/observer.hpp"
#include "magnitude_histogram.h"

namespace halftone::observers {

// What is kept of the groups that are complete, for one tensor or channel.
class GroupFold {
 public:
  virtual ~GroupFold() = default;
  virtual void add(const Distribution &group) = 0;
  virtual Range range() const = 0;
  virtual std::unique_ptr<GroupFold> copy() const = 0;
};

// Distributions of samples: of the tensor, or of its channels.
class SampleDistributions {
 public:
  SampleDistributions(const ht_statistics &statistics, const ht_quant_spec &spec);
  void add(const ht_tensor_view &tensor);
  void merge(const SampleDistributions &other);
  bool empty() const { return !any_; }
  std::size_t channels() const { return channels_ ? channels_->channels() : 1; }
  template <class Take>
  void visit(std::size_t channel, const Take &take) const {
    if (channels_) return channels_->visit(channel, take);
    take(tensor_->distribution());
  }

 private:
  std::size_t axis_;
  std::optional<MagnitudeHistogram> tensor_;
  std::optional<ChannelDistributions> channels_;
  bool any_ = false;
};

class GroupedSearch : public sdk::AccumulatingObserver {
 public:
  static constexpr std::uint32_t kWants = 0;
  static constexpr std::uint32_t kWantsPerChannel = HT_WANT_CHANNEL_RANGE;

  explicit GroupedSearch(std::int64_t group) : group_(static_cast<std::uint64_t>(group)) {}

  // Nothing kept yet.
  virtual std::unique_ptr<GroupFold> fold(const ht_quant_spec &spec) const = 0;
  // The words for provenance.
  virtual std::string rule() const = 0;

  ht_str derive(const sdk::Context &ctx, const ht_statistics &statistics, const ht_quant_spec &spec,
                std::span<float> low, std::span<float> high) const override;
  std::unique_ptr<sdk::Accumulator> begin(const sdk::Context &ctx, const ht_quant_spec &spec,
                                          const ht_statistics *statistics,
                                          const sdk::Accumulator *previous) const override;
  ht_str finish(const sdk::Context &ctx, const sdk::Accumulator &seen, const ht_statistics &statistics,
                const ht_quant_spec &spec, std::span<float> low, std::span<float> high) const override;

 protected:
  // `group`, for describe().
  static void declare_group(sdk::Description &d) {
    d.params.integer("group", "samples that are looked at together", 16, 1, 1 << 20, "samples");
  }

 private:
  std::uint64_t group_;
};

}  // namespace halftone::observers
