// A pass in C++: derive, describe, run.
#pragma once

#include "halftone/component.hpp"
#include "halftone/config.hpp"
#include "halftone/graph.hpp"

namespace halftone::sdk {

class Pass {
 public:
  static constexpr std::uint32_t kKind = HT_KIND_PASS;
  static constexpr const char *kRole = HT_PASS_1;
  virtual ~Pass() = default;
  // Edits the working model; throw Failure to give them all up.
  virtual void run(const Context &ctx) = 0;

  template <typename T>
  static const ht_pass *role_table() {
    static const ht_pass table = {sizeof(ht_pass), 0, [](void *instance, ht_ctx *raw) noexcept -> ht_status {
                                    auto *self = static_cast<Instance<T> *>(instance);
                                    return guarded(self->host.raw, raw,
                                                   [&] { self->object.run(Context(self->host, raw)); });
                                  }};
    return &table;
  }
};

}  // namespace halftone::sdk

#define HALFTONE_PASS(Class) HALFTONE_COMPONENT(Class)
