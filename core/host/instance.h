// A live instance of a component: created with its arguments, destroyed with this object.
#pragma once

#include <memory>
#include <string>

#include "core/base/setting.h"
#include "core/host/arguments.h"
#include "core/host/context.h"
#include "core/host/registry.h"

namespace halftone::host {

class Instance {
 public:
  // Throws what create() recorded. `ctx` is used for the call only.
  Instance(const Component &component, const Setting *settings, Context &ctx);
  ~Instance();
  Instance(const Instance &) = delete;
  Instance &operator=(const Instance &) = delete;

  const Component &component() const noexcept { return component_; }
  const Arguments &arguments() const noexcept { return arguments_; }
  void *raw() const noexcept { return raw_; }
  // The typed role table; throws Internal when the component lacks it (the registry has checked the kind's own role).
  template <typename Table>
  const Table &role(const char *id) const {
    return *static_cast<const Table *>(role_table(id));
  }

 private:
  const void *role_table(const char *id) const;
  const Component &component_;
  Arguments arguments_;
  struct HostTable;  // ht_host with the component's capabilities behind it
  std::unique_ptr<HostTable> host_;
  void *raw_ = nullptr;
};

}  // namespace halftone::host
