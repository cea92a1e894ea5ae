// Samples that the program hands over one after the other, for workers that read them by number.
//
// Workers ask for numbers in nearly their order. What comes before the number that is asked for waits until its own
// worker asks, so that no more is held than there are workers. The first few stay at hand for a while, because checks
// before a pass look at them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/calibration/sample_source.h"
#include "core/host/plugin_host.h"
#include "core/pipeline/pipeline_spec.h"
#include "halftone/embed.h"

namespace halftone::api {

class GivenSamples : public std::enable_shared_from_this<GivenSamples> {
 public:
  // Throws InvalidArgument for a struct that misses what it must have.
  GivenSamples(const ht_samples *samples, std::string name);

  std::optional<std::uint64_t> count() const;
  std::uint64_t settle_count(host::Context &ctx);
  // Of the input at `position`.
  std::optional<calibration::StoredSample> read(host::Context &ctx, std::size_t position, std::uint64_t index);
  const std::string &name() const noexcept { return name_; }
  const std::vector<std::string> &inputs() const noexcept { return inputs_; }
  // Puts the samples into a spec, in place of its paths; preprocessing and the rest stay.
  void enter(pipeline::DataSpec &data);

 private:
  struct Row;
  std::shared_ptr<const Row> row(host::Context &ctx, std::uint64_t index);
  std::shared_ptr<const Row> pull(host::Context &ctx);
  void begin_anew(host::Context &ctx);
  void require_array(const ht_tensor_view &view, std::size_t position) const;

  ht_samples samples_;
  const std::string name_;
  std::vector<std::string> inputs_;  // one empty name: the only one
  host::PluginHost host_{0};

  mutable std::mutex mutex_;
  std::optional<std::uint64_t> count_;
  bool begun_ = false;
  std::uint64_t next_ = 0;                                    // number of the sample that next() gives
  std::map<std::uint64_t, std::shared_ptr<const Row>> kept_;  // the first few
  struct Waiting {
    std::shared_ptr<const Row> row;
    std::size_t readers;  // inputs that have not asked yet
  };
  std::map<std::uint64_t, Waiting> waiting_;
  std::optional<Error> broken_;  // what next() failed with: it is not asked again in this pass
};

}  // namespace halftone::api
