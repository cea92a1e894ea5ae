#include "core/host/instance.h"

#include <utility>

#include "core/base/error.h"
#include "core/host/plugin_host.h"

namespace halftone::host {
namespace {

std::string name_of(const Component &component) {
  return fmt::format("{} '{}'", kind_name(component.description->kind), component.id());
}

// Names the component in the context while it is being called.
class Calling {
 public:
  Calling(Context &ctx, std::string_view id) : ctx_(ctx), before_(std::exchange(ctx.component, std::string(id))) {}
  ~Calling() { ctx_.component = std::move(before_); }
  Calling(const Calling &) = delete;
  Calling &operator=(const Calling &) = delete;

 private:
  Context &ctx_;
  std::string before_;
};

}  // namespace

struct Instance::HostTable : PluginHost {
  using PluginHost::PluginHost;
};

Instance::Instance(const Component &component, const Setting *settings, Context &ctx)
    : component_(component),
      arguments_(component.description->params, component.description->param_count, settings, name_of(component)),
      host_(std::make_unique<HostTable>(component.description->capabilities, &component)) {
  const Calling calling(ctx, component.id());
  try {
    call_component(ctx, [&] {
      const std::vector<ht_value> &values = arguments_.values();
      return component_.description->create(&host_->table, &ctx, values.data(), values.size(), &raw_);
    });
  } catch (Error &error) {
    error.note(fmt::format("while {} was created", name_of(component)));
    throw;
  }
}

Instance::~Instance() {
  try {
    component_.description->destroy(raw_);
  } catch (...) {  // the component is gone either way, and a destructor has nobody to tell
  }
}

const void *Instance::role_table(const char *id) const {
  const void *table = component_.role(id);
  if (table == nullptr) fail(Status::kInternal, "{} does not offer role '{}'", name_of(component_), id);
  return table;
}

}  // namespace halftone::host
