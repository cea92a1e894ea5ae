// What the observers of configs need of the data: common statistics, and passes for accumulators of their own.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/calibration/gatherer.h"
#include "core/calibration/statistics.h"
#include "core/host/instance.h"
#include "core/host/service/calibration_service.h"

namespace halftone::pipeline {

// What observe_all() asks of collect(): for each value of the configs, all that their observers want. Throws
// InvalidArgument for a config whose slot is empty or holds a stored tensor, Unimplemented when two configs want
// channels along different axes of one value.
std::vector<ht_statistics_request> observation_requests(host::CalibrationService &service, host::Context &ctx,
                                                        std::span<const model::Handle> configs,
                                                        std::string_view observer, const ht_collect_options &options);

// What observers with accumulators found, by config, and whose it is.
struct GatheredRange {
  const host::Instance *observer = nullptr;
  std::unique_ptr<calibration::Gatherer> found;
};
using Gathered = std::map<model::Handle, GatheredRange>;

// Null where there is nothing, or what there is belongs to another observer.
const calibration::Gatherer *find_gathered(const Gathered &gathered, model::Handle config,
                                           const host::Instance &observer);

// The passes for observers with accumulators: first(), or next() until it gives nothing, then a pass over the data and
// keep().
class Observation {
 public:
  // The observer must outlive this object and what take() gives.
  void add(model::Handle config, model::Handle value, const ht_quant_spec &spec, const host::Instance &observer);

  calibration::Watches first(host::Context &ctx);
  // Throws FailedPrecondition when an observer asks for the data again and again.
  calibration::Watches next(host::Context &ctx,
                            const std::function<const calibration::Statistics *(model::Handle)> &statistics);
  void keep(calibration::Watches &watches);
  Gathered take();

  // The data are wanted, and there is a statistics file instead.
  [[noreturn]] void refuse_file(host::Context &ctx, const std::string &path) const;

 private:
  struct Entry {
    model::Handle config = HT_NONE, value = HT_NONE;
    ht_quant_spec spec{};
    const host::Instance *observer = nullptr;
    std::unique_ptr<calibration::Gatherer> last;
    std::shared_ptr<const calibration::PlainStatistics> statistics;  // begin() may read them on every worker
  };
  calibration::Watches begin(host::Context &ctx);

  std::vector<Entry> entries_;
  std::vector<std::size_t> watched_;  // of the pass under way
  int passes_ = 0;
};

}  // namespace halftone::pipeline
