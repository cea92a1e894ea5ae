#include "core/pipeline/observer_gatherer.h"

#include <string>

#include "core/base/error.h"

namespace halftone::pipeline {
namespace {

const ht_observer &role_of(const host::Instance &observer) {
  return observer.role<ht_observer>(HT_OBSERVER_1);
}

class ObserverGatherer final : public calibration::Gatherer {
 public:
  ObserverGatherer(const host::Instance &observer, void *raw) : observer_(observer), raw_(raw) {}
  ~ObserverGatherer() override { role_of(observer_).release(observer_.raw(), raw_); }
  ObserverGatherer(const ObserverGatherer &) = delete;
  ObserverGatherer &operator=(const ObserverGatherer &) = delete;

  void observe(host::Context &ctx, const ht_tensor_view &tensor) override {
    ctx.component = observer_.component().id();
    host::call_component(ctx, [&] { return role_of(observer_).observe(observer_.raw(), &ctx, raw_, &tensor); });
  }
  void merge(host::Context &ctx, const calibration::Gatherer &other) override {
    ctx.component = observer_.component().id();
    const void *from = raw_accumulator(other);
    host::call_component(ctx, [&] { return role_of(observer_).merge(observer_.raw(), &ctx, raw_, from); });
  }
  const void *raw() const noexcept { return raw_; }

 private:
  const host::Instance &observer_;
  void *raw_;
};

}  // namespace

void refuse_more_passes(const host::Instance &observer) {
  fail(Status::kFailedPrecondition, "observer '{}' asks for more than {} passes over the data",
       observer.component().id(), kMostPasses);
}

bool has_accumulators(const host::Instance &observer) {
  const ht_observer &role = role_of(observer);
  const bool any = role.begin != nullptr || role.observe != nullptr || role.merge != nullptr ||
                   role.finish != nullptr || role.release != nullptr;
  const bool all = role.begin != nullptr && role.observe != nullptr && role.merge != nullptr &&
                   role.finish != nullptr && role.release != nullptr;
  if (any && !all) {
    fail(Status::kFailedPrecondition,
         "observer '{}' has some of begin, observe, merge, finish and release but not all; an accumulator needs all "
         "five",
         observer.component().id());
  }
  return all;
}

bool merges_in_any_order(const host::Instance &observer) {
  return (role_of(observer).flags & HT_OBSERVER_EXACT_MERGE) != 0;
}

std::unique_ptr<calibration::Gatherer> begin_gathering(host::Context &ctx, const host::Instance &observer,
                                                       const ht_quant_spec &spec, const ht_statistics *statistics,
                                                       const calibration::Gatherer *previous) {
  void *raw = nullptr;
  const void *before = previous == nullptr ? nullptr : raw_accumulator(*previous);
  const std::string caller = ctx.component;
  ctx.component = observer.component().id();
  host::call_component(ctx,
                       [&] { return role_of(observer).begin(observer.raw(), &ctx, &spec, statistics, before, &raw); });
  ctx.component = caller;
  return raw == nullptr ? nullptr : std::make_unique<ObserverGatherer>(observer, raw);
}

const void *raw_accumulator(const calibration::Gatherer &gatherer) {
  return static_cast<const ObserverGatherer &>(gatherer).raw();
}

}  // namespace halftone::pipeline
