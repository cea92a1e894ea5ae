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

// What a proxy has in its slots, whatever its kind.
struct ProxyFunctions {
  decltype(ht_component::create) create;
  decltype(ht_component::destroy) destroy;
  decltype(ht_pass::run) run;
  decltype(ht_exporter::write) write;
  decltype(ht_reader::open) open;
  decltype(ht_reader::close) close;
  decltype(ht_reader::count) count;
  decltype(ht_reader::read) read;
  decltype(ht_reader::name) name;
};
const ProxyFunctions &guarded_functions();   // guarded.cpp
const ProxyFunctions &isolated_functions();  // isolated.cpp

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
  void fill(const ProxyFunctions &functions);

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

// The proxy whose instance is being created with this host table.
const ComponentProxy &proxy_of(const ht_host *host);

}  // namespace halftone::host
