// An observer in C++: statistics in, ranges out.
#pragma once

#include <span>

#include "halftone/component.hpp"

namespace halftone::sdk {

// Derive and define: `static constexpr std::uint32_t kWants, kWantsPerChannel` (HT_WANT_* bits; 0 for the second means
// that per-channel configs are refused).
class Observer {
 public:
  static constexpr std::uint32_t kKind = HT_KIND_OBSERVER;
  static constexpr const char *kRole = HT_OBSERVER_1;
  virtual ~Observer() = default;
  // Fills one range per tensor or channel and returns the rule's text for provenance.
  virtual ht_str derive(const Context &ctx, const ht_statistics &statistics, const ht_quant_spec &spec,
                        std::span<float> low, std::span<float> high) const = 0;

  template <typename T>
  static const ht_observer *role_table() {
    static const ht_observer table = {
        sizeof(ht_observer), T::kWants, T::kWantsPerChannel, 0,
        [](void *instance, ht_ctx *raw, const ht_statistics *statistics, const ht_quant_spec *spec, std::uint64_t count,
           float *low, float *high, ht_str *rule) noexcept -> ht_status {
          auto *self = static_cast<Instance<T> *>(instance);
          return guarded(self->host.raw, raw, [&] {
            *rule = self->object.derive(Context(self->host, raw), *statistics, *spec, {low, count}, {high, count});
          });
        }};
    return &table;
  }
};

}  // namespace halftone::sdk

#define HALFTONE_OBSERVER(Class) HALFTONE_COMPONENT(Class)
