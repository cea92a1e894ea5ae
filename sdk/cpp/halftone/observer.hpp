// An observer in C++: statistics in, ranges out; or with an accumulator of its own.
#pragma once

#include <memory>
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
    static const ht_observer table = first_form<T>();
    return &table;
  }

 protected:
  template <typename T>
  static ht_observer first_form() {
    ht_observer table{};
    table.struct_size = sizeof(ht_observer);
    table.wants = T::kWants;
    table.wants_per_channel = T::kWantsPerChannel;
    table.derive = [](void *instance, ht_ctx *raw, const ht_statistics *statistics, const ht_quant_spec *spec,
                      std::uint64_t count, float *low, float *high, ht_str *rule) noexcept -> ht_status {
      auto *self = static_cast<Instance<T> *>(instance);
      return guarded(self->host.raw, raw, [&] {
        *rule = self->object.derive(Context(self->host, raw), *statistics, *spec, {low, count}, {high, count});
      });
    };
    return table;
  }
};

// What an observer keeps of the samples. Different ones are used from several threads at once.
class Accumulator {
 public:
  virtual ~Accumulator() = default;
  virtual void observe(const Context &ctx, const ht_tensor_view &tensor) = 0;
  // `other` is of the same begin(). Unless the observer merges exactly, it holds the sample that comes next.
  virtual void merge(const Context &ctx, const Accumulator &other) = 0;
};

// An observer with accumulators; see ht_observer for the order of the calls. An observer whose merging gives the same
// bits in any order defines `static constexpr std::uint32_t kFlags = HT_OBSERVER_EXACT_MERGE`, which is faster.
class AccumulatingObserver : public Observer {
 public:
  static constexpr std::uint32_t kFlags = 0;
  // Null where no pass over the data is needed, or no further one.
  virtual std::unique_ptr<Accumulator> begin(const Context &ctx, const ht_quant_spec &spec,
                                             const ht_statistics *statistics, const Accumulator *previous) const = 0;
  virtual ht_str finish(const Context &ctx, const Accumulator &seen, const ht_statistics &statistics,
                        const ht_quant_spec &spec, std::span<float> low, std::span<float> high) const = 0;

  template <typename T>
  static const ht_observer *role_table() {
    static const ht_observer table = second_form<T>();
    return &table;
  }

 private:
  template <typename T>
  static ht_observer second_form() {
    ht_observer table = first_form<T>();
    table.flags = T::kFlags;
    table.begin = [](void *instance, ht_ctx *raw, const ht_quant_spec *spec, const ht_statistics *statistics,
                     const void *previous, void **accumulator) noexcept -> ht_status {
      auto *self = static_cast<Instance<T> *>(instance);
      return guarded(self->host.raw, raw, [&] {
        *accumulator =
            self->object.begin(Context(self->host, raw), *spec, statistics, static_cast<const Accumulator *>(previous))
                .release();
      });
    };
    table.observe = [](void *instance, ht_ctx *raw, void *accumulator,
                       const ht_tensor_view *tensor) noexcept -> ht_status {
      auto *self = static_cast<Instance<T> *>(instance);
      return guarded(self->host.raw, raw,
                     [&] { static_cast<Accumulator *>(accumulator)->observe(Context(self->host, raw), *tensor); });
    };
    table.merge = [](void *instance, ht_ctx *raw, void *accumulator, const void *other) noexcept -> ht_status {
      auto *self = static_cast<Instance<T> *>(instance);
      return guarded(self->host.raw, raw, [&] {
        static_cast<Accumulator *>(accumulator)
            ->merge(Context(self->host, raw), *static_cast<const Accumulator *>(other));
      });
    };
    table.finish = [](void *instance, ht_ctx *raw, const void *accumulator, const ht_statistics *statistics,
                      const ht_quant_spec *spec, std::uint64_t count, float *low, float *high,
                      ht_str *rule) noexcept -> ht_status {
      auto *self = static_cast<Instance<T> *>(instance);
      return guarded(self->host.raw, raw, [&] {
        *rule = self->object.finish(Context(self->host, raw), *static_cast<const Accumulator *>(accumulator),
                                    *statistics, *spec, {low, count}, {high, count});
      });
    };
    table.release = [](void *, void *accumulator) noexcept { delete static_cast<Accumulator *>(accumulator); };
    return table;
  }
};

}  // namespace halftone::sdk

#define HALFTONE_OBSERVER(Class) HALFTONE_COMPONENT(Class)
