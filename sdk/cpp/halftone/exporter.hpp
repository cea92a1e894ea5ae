// An exporter in C++.
#pragma once

#include <string>

#include "halftone/component.hpp"
#include "halftone/config.hpp"
#include "halftone/graph.hpp"

namespace halftone::sdk {

// Derive and define `static constexpr const char *kExtension` (null for any).
class Exporter {
 public:
  static constexpr std::uint32_t kKind = HT_KIND_EXPORTER;
  static constexpr const char *kRole = HT_EXPORTER_1;
  virtual ~Exporter() = default;
  // Works on a private copy of the model.
  virtual void write(const Context &ctx, const std::string &path) = 0;

  template <typename T>
  static const ht_exporter *role_table() {
    static const ht_exporter table = {sizeof(ht_exporter), 0, T::kExtension,
                                      [](void *instance, ht_ctx *raw, const ht_str *path) noexcept -> ht_status {
                                        auto *self = static_cast<Instance<T> *>(instance);
                                        return guarded(self->host.raw, raw, [&] {
                                          self->object.write(Context(self->host, raw), std::string(view(*path)));
                                        });
                                      }};
    return &table;
  }
};

}  // namespace halftone::sdk

#define HALFTONE_EXPORTER(Class) HALFTONE_COMPONENT(Class)
