#include "core/pipeline/observation.h"

#include <string>
#include <unordered_map>
#include <utility>

#include "core/base/error.h"
#include "core/pipeline/observer_gatherer.h"

namespace halftone::pipeline {
namespace {

constexpr std::uint32_t kPerChannel = HT_WANT_CHANNEL_RANGE | HT_WANT_CHANNEL_MOMENTS;

model::Handle observed_value(const host::WorkingModel &working, model::Handle config) {
  const quant::SlotKey &key = working.configs.get(config).key;
  const model::Node &node = working.model.node(key.node);
  const auto &slots = key.is_output ? node.outputs : node.inputs;
  const model::Handle value = key.slot < slots.size() ? slots[key.slot] : HT_NONE;
  if (value == HT_NONE || working.model.value(value).initializer) {
    fail(Status::kInvalidArgument, "{} holds no value that the data give", quant::describe(key, working.model));
  }
  return value;
}

}  // namespace

std::vector<ht_statistics_request> observation_requests(host::CalibrationService &service, host::Context &ctx,
                                                        std::span<const model::Handle> configs,
                                                        std::string_view observer, const ht_collect_options &options) {
  std::vector<ht_statistics_request> requests;
  std::unordered_map<model::Handle, std::size_t> by_value;
  for (const model::Handle config : configs) {
    std::uint32_t wants = service.wants(ctx, config, observer);
    if (options.group == 0) wants &= ~HT_WANT_GROUPS;
    const model::Handle value = observed_value(*ctx.working, config);
    const auto [at, is_new] = by_value.try_emplace(value, requests.size());
    if (is_new) requests.push_back({sizeof(ht_statistics_request), 0, value, 1, 0});
    ht_statistics_request &request = requests[at->second];
    const ht_quant_spec &spec = ctx.working->configs.get(config).spec;
    if ((wants & kPerChannel) != 0 && spec.granularity != HT_PER_TENSOR) {
      const auto axis = static_cast<std::uint32_t>(spec.axis);
      if ((request.wants & kPerChannel) != 0 && request.channel_axis != axis) {
        fail(Status::kUnimplemented, "two configs want different channel axes of one value, '{}'",
             ctx.working->model.value(value).name);
      }
      request.channel_axis = axis;
    }
    request.wants |= wants;
  }
  return requests;
}

const calibration::Gatherer *find_gathered(const Gathered &gathered, model::Handle config,
                                           const host::Instance &observer) {
  const auto found = gathered.find(config);
  return found == gathered.end() || found->second.observer != &observer ? nullptr : found->second.found.get();
}

void Observation::add(model::Handle config, model::Handle value, const ht_quant_spec &spec,
                      const host::Instance &observer) {
  if (has_accumulators(observer)) entries_.push_back({config, value, spec, &observer, nullptr, nullptr});
}

calibration::Watches Observation::first(host::Context &ctx) {
  return begin(ctx);
}

calibration::Watches Observation::next(
    host::Context &ctx, const std::function<const calibration::Statistics *(model::Handle)> &statistics) {
  for (Entry &entry : entries_) {
    if (entry.statistics) continue;
    const calibration::Statistics *found = statistics(entry.value);
    if (found->total.count() > 0) entry.statistics = std::make_shared<calibration::PlainStatistics>(*found);
  }
  return begin(ctx);
}

calibration::Watches Observation::begin(host::Context &ctx) {
  calibration::Watches watches;
  watched_.clear();
  const bool is_first = passes_ == 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry &entry = entries_[i];
    if (!is_first && !entry.statistics) continue;  // no sample gave an element
    const ht_statistics *statistics = is_first ? nullptr : &entry.statistics->get();
    auto total = begin_gathering(ctx, *entry.observer, entry.spec, statistics, entry.last.get());
    if (!total) continue;
    if (passes_ == kMostPasses) refuse_more_passes(*entry.observer);
    calibration::Watch watch;
    watch.value = entry.value;
    watch.any_order = merges_in_any_order(*entry.observer);
    watch.total = std::move(total);
    // Entries stay where they are while a pass runs.
    watch.make = [&entry, statistics](host::Context &own) {
      auto made = begin_gathering(own, *entry.observer, entry.spec, statistics, entry.last.get());
      if (made) return made;
      fail(Status::kFailedPrecondition, "observer '{}' gives an accumulator and then none for equal arguments",
           entry.observer->component().id());
    };
    watches.push_back(std::move(watch));
    watched_.push_back(i);
  }
  ++passes_;
  return watches;
}

void Observation::keep(calibration::Watches &watches) {
  for (std::size_t i = 0; i < watches.size(); ++i) entries_[watched_[i]].last = std::move(watches[i].total);
}

Gathered Observation::take() {
  Gathered gathered;
  for (Entry &entry : entries_) {
    if (entry.last) gathered[entry.config] = {entry.observer, std::move(entry.last)};
  }
  return gathered;
}

void Observation::refuse_file(host::Context &ctx, const std::string &path) const {
  const Entry &entry = entries_[watched_.front()];
  fail(Status::kInvalidArgument,
       "observer '{}' goes over the samples itself for the {}, and '{}' has no samples; calibrate on the data, or "
       "choose another observer",
       entry.observer->component().id(),
       quant::describe(ctx.working->configs.get(entry.config).key, ctx.working->model), path);
}

}  // namespace halftone::pipeline
