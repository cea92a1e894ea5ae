#include "core/host/isolation/trust.h"

#include <algorithm>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/host/isolation/component_proxy.h"
#include "core/host/isolation/host_link.h"
#include "core/host/roles.h"

namespace halftone::host {
namespace {

constexpr std::uint32_t kKinds[] = {HT_KIND_PASS, HT_KIND_EXPORTER, HT_KIND_READER};

std::string place(const Location &where) {
  return where.file.empty() ? "" : where.text() + ": ";
}

std::vector<std::filesystem::path> kernel_files(const Registry &registry) {
  std::vector<std::filesystem::path> files;
  for (const Component *component : registry.all(HT_KIND_OP_KERNELS)) {
    if (!component->plugin->file.empty()) files.push_back(component->plugin->file);
  }
  std::ranges::sort(files);
  const auto twice = std::ranges::unique(files);
  files.erase(twice.begin(), twice.end());
  return files;
}

// Known before anything runs, so that no run ends in its middle for it.
void require_isolable(const Component &component, const Location &where) {
  const ht_component &d = *component.description;
  const std::string name = fmt::format("{} '{}'", kind_name(d.kind), d.id);
  if (component.plugin->file.empty()) {
    fail(Status::kInvalidArgument,
         "{}{} was registered by this program and has no file that a worker process could load; it cannot be isolated",
         place(where), name);
  }
  for (std::uint64_t i = 0; i < d.need_count; ++i) {
    const std::string_view reason = not_in_worker(d.needs[i]);
    if (reason.empty()) continue;
    fail(Status::kInvalidArgument,
         "{}{} needs service '{}', which a worker process does not have: {}; it cannot be isolated", place(where), name,
         d.needs[i], reason);
  }
}

}  // namespace

TrustedComponents::TrustedComponents(const Registry &base, const TrustSettings &settings)
    : base_(base), registry_(&base) {
  WorkerOptions options;
  options.silence = settings.silence;
  options.kernels = kernel_files(base);
  for (const bool by_name : {false, true}) {
    for (const TrustRule &rule : settings.rules) {
      if (rule.name.empty() != by_name) apply(rule, options);
    }
  }
}

TrustedComponents::~TrustedComponents() = default;

void TrustedComponents::require_level(const Component &component) const {
  const auto found = without_level_.find({component.description->kind, std::string(component.id())});
  if (found != without_level_.end()) throw Error(found->second);
}

Trust trust_of(const Component &component) {
  return component.proxy == nullptr ? Trust::kTrusted : component.proxy->trust();
}

void TrustedComponents::apply(const TrustRule &rule, const WorkerOptions &options) {
  std::vector<std::string> names;
  bool found = false;
  for (const std::uint32_t kind : kKinds) {
    for (const Component *component : base_.all(kind)) {
      names.emplace_back(component->id());
      if (!rule.name.empty() && component->id() != rule.name) continue;
      found = true;
      put(*component, rule, options);
    }
  }
  if (found || rule.name.empty()) return;
  for (const RoleSpec &other : role_specs()) {
    if (base_.find(other.kind, rule.name) == nullptr) continue;
    fail(Status::kInvalidArgument,
         "{}`trust` names {} '{}', which always runs in the program's own process; passes, exporters and readers can "
         "be checked or isolated",
         place(rule.where), other.kind_name, rule.name);
  }
  fail(Status::kInvalidArgument, "{}`trust` names '{}', and there is no pass, exporter or reader of this name{}",
       place(rule.where), rule.name, nearest_hint(rule.name, names));
}

void TrustedComponents::put(const Component &original, const TrustRule &rule, const WorkerOptions &options) {
  const auto key = std::pair(original.description->kind, std::string(original.id()));
  without_level_.erase(key);
  if (rule.trust == Trust::kTrusted) {
    registry_.put(original);
    return;
  }
  try {
    if (rule.trust == Trust::kIsolated) require_isolable(original, rule.where);
  } catch (const Error &error) {
    if (!rule.name.empty() || original.description->kind != HT_KIND_PASS) throw;
    without_level_.emplace(key, error);
    return;
  }
  WorkerOptions own = options;
  if ((original.description->capabilities & HT_CAP_EXECUTE) == 0) own.kernels.clear();
  proxies_.push_back(std::make_unique<ComponentProxy>(original, rule.trust, std::move(own)));
  registry_.put(proxies_.back()->component());
}

}  // namespace halftone::host
