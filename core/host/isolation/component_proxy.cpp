#include "core/host/isolation/component_proxy.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/host/plugin_host.h"

namespace halftone::host {
namespace {

// A table of an older or newer plug-in as far as both sides know it.
template <typename Table>
void copy_table(Table &out, const Component &component, const char *id) {
  const auto *table = static_cast<const Table *>(component.role(id));
  if (table != nullptr) std::memcpy(&out, table, std::min<std::size_t>(table->struct_size, sizeof(Table)));
  out.struct_size = sizeof(Table);
}

}  // namespace

ComponentProxy::ComponentProxy(const Component &original, Trust trust, WorkerOptions options)
    : original_(original), trust_(trust), options_(std::move(options)) {
  const ht_component &given = *original.description;
  std::memcpy(&description_, &given, std::min<std::size_t>(given.struct_size, sizeof description_));
  description_.struct_size = sizeof description_;
  copy_table(pass_, original, HT_PASS_1);
  copy_table(exporter_, original, HT_EXPORTER_1);
  copy_table(reader_, original, HT_READER_1);
  fill(trust == Trust::kIsolated ? isolated_functions() : guarded_functions());
  role_.struct_size = sizeof role_;
  switch (given.kind) {
    case HT_KIND_PASS:
      role_.id = HT_PASS_1;
      role_.table = &pass_;
      break;
    case HT_KIND_EXPORTER:
      role_.id = HT_EXPORTER_1;
      role_.table = &exporter_;
      break;
    default:
      role_.id = HT_READER_1;
      role_.table = &reader_;
      break;
  }
  description_.roles = roles_;
  description_.role_count = 1;
}

void ComponentProxy::fill(const ProxyFunctions &functions) {
  description_.create = functions.create;
  description_.destroy = functions.destroy;
  pass_.run = functions.run;
  exporter_.write = functions.write;
  reader_.open = functions.open;
  reader_.close = functions.close;
  reader_.count = functions.count;
  reader_.read = functions.read;
  reader_.name = functions.name;
}

const ComponentProxy &proxy_of(const ht_host *host) {
  return *reinterpret_cast<const PluginHost *>(host)->component->proxy;
}

}  // namespace halftone::host
