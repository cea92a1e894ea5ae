// Accumulators that are not the kernel's: what observers with accumulators of their own gather of the samples, beside
// the common statistics or in passes of their own.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/calibration/sample_flow.h"

namespace halftone::calibration {

class Gatherer {
 public:
  virtual ~Gatherer() = default;
  // `tensor` is float32 in row-major order and not empty.
  virtual void observe(host::Context &ctx, const ht_tensor_view &tensor) = 0;
  virtual void merge(host::Context &ctx, const Gatherer &other) = 0;
};

// A value that is watched by a gatherer.
struct Watch {
  model::Handle value = HT_NONE;
  bool any_order = false;  // merging gives the same bits in any order
  // [any] Makes an empty one; never null.
  std::function<std::unique_ptr<Gatherer>(host::Context &)> make;
  std::unique_ptr<Gatherer> total;  // of all good samples; made by whoever runs the pass
};
using Watches = std::vector<Watch>;

// Feeds the watches of one worker beside another sink (or none). Watches of any order are summed up for each worker,
// the others are left to the ordered step, sample by sample.
class WatchSink final : public SampleSink {
 public:
  using Gatherers = std::vector<std::unique_ptr<Gatherer>>;

  // What this worker summed up is left in `kept` when the sink ends. `may_skip`: a sample that fails half-way is
  // dropped with all that was seen of it.
  WatchSink(const Watches &watches, bool may_skip, std::unique_ptr<SampleSink> inner, Gatherers &kept);
  ~WatchSink() override;

  void begin(std::uint64_t index) override;
  void value(model::Handle value, const ht_tensor_view &tensor) override;
  std::shared_ptr<void> take(host::Context &ctx, const Sample &sample) override;

  // What take() hands over.
  struct Left {
    std::shared_ptr<void> inner;
    Gatherers samples;  // one for each watch; null for those of any order
  };

 private:
  const Watches &watches_;
  bool may_skip_;
  std::unique_ptr<SampleSink> inner_;
  Gatherers &kept_;
  Gatherers totals_, sample_;
  host::Context ctx_;
};

// Merges what a sample left into the totals, in the order of the samples.
void merge_in_order(host::Context &ctx, Watches &watches, const WatchSink::Left &left);
// Merges what a worker kept into the totals.
void merge_kept(host::Context &ctx, Watches &watches, const WatchSink::Gatherers &kept);

// A pass over the data for watches alone.
void gather(const Dataset &dataset, const host::Session &session, const FlowOptions &options, Watches &watches);

}  // namespace halftone::calibration
