// A component that stands in for another one: the same descriptor, with functions of the host's in every slot. Whoever
// uses it need not know.
#pragma once

#include <cstdint>
#include <memory>

#include "core/host/isolation/trust_settings.h"
#include "core/host/isolation/worker_host.h"
#include "core/host/registry.h"
#include "halftone/exporter.h"
#include "halftone/pass.h"
#include "halftone/reader.h"

namespace halftone::host {

class ComponentProxy {
 public:
  // Of a pass, an exporter or a reader, which outlives the proxy.
  ComponentProxy(const Component &original, Trust trust, WorkerOptions options);
  ComponentProxy(const ComponentProxy &) = delete;
  ComponentProxy &operator=(const ComponentProxy &) = delete;

  Component component() const { return {&description_, original_.plugin, this}; }
  const Component &original() const noexcept { return original_; }
  Trust trust() const noexcept { return trust_; }
  const WorkerOptions &options() const noexcept { return options_; }

 private:
  Component original_;
  Trust trust_;
  WorkerOptions options_;
  ht_component description_{};
  ht_pass pass_{};
  ht_exporter exporter_{};
  ht_reader reader_{};
  ht_role role_{};
  const ht_role *roles_[1] = {&role_};
};

// Fill in the functions of a proxy.
void use_guarded(ht_component &component, ht_pass &pass, ht_exporter &exporter, ht_reader &reader);
void use_isolated(ht_component &component, ht_pass &pass, ht_exporter &exporter, ht_reader &reader);

// The proxy whose instance is being created with this host table.
const ComponentProxy &proxy_of(const ht_host *host);

}  // namespace halftone::host
