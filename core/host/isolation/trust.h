// How far the components of a run are trusted, by their names.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/host/isolation/trust_settings.h"
#include "core/host/registry.h"

namespace halftone::host {

struct WorkerOptions;  // worker_host.h

// The components of a registry with what stands between them and the host. The registry outlives it.
class TrustedComponents {
 public:
  // Throws InvalidArgument or NotFound, with the rule's place, for a name that is none or that cannot have the level.
  TrustedComponents(const Registry &base, const TrustSettings &settings);
  ~TrustedComponents();
  const Registry &registry() const noexcept { return registry_; }
  // Throws InvalidArgument for a pass that cannot have the level that all are to have, which does not matter to a run
  // without it.
  void require_level(const Component &component) const;

 private:
  void apply(const TrustRule &rule, const WorkerOptions &options);
  void put(const Component &original, const TrustRule &rule, const WorkerOptions &options);

  const Registry &base_;
  Registry registry_;
  std::map<std::pair<std::uint32_t, std::string>, Error> without_level_;  // why not
  std::vector<std::unique_ptr<ComponentProxy>> proxies_;
};

// The level that a component has been given.
Trust trust_of(const Component &component);

}  // namespace halftone::host
