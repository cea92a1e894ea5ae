// From search results to a registry: probe what is foreign, load what is good, remember why the rest was refused.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <utility>

#include "core/base/error.h"
#include "core/host/descriptor_text.h"
#include "core/host/library.h"
#include "core/host/negotiate.h"
#include "core/host/probe.h"
#include "core/host/probe_cache.h"
#include "core/host/registry.h"
#include "core/host/search.h"

namespace halftone::host {
namespace {

namespace fs = std::filesystem;

using Verdicts = std::map<fs::path, Verdict>;

// Verdicts for all foreign files: from the cache, or from one run of the probe.
Verdicts judge(const std::vector<Candidate> &libraries) {
  Verdicts verdicts;
  ProbeCache cache(ProbeCache::default_file());
  std::vector<fs::path> unknown;
  for (const Candidate &candidate : libraries) {
    if (candidate.first_party) continue;
    const std::optional<Verdict> known = cache.find(candidate.file);
    // Who names a quarantined file wants it tried again.
    if (known && (known->kind == Verdict::Kind::kGood || !candidate.required)) {
      verdicts[candidate.file] = *known;
    } else {
      unknown.push_back(candidate.file);
    }
  }
  const std::vector<Verdict> found = probe_files(unknown, ProbeOptions());
  for (std::size_t i = 0; i < unknown.size(); ++i) {
    cache.put(unknown[i], found[i]);
    verdicts[unknown[i]] = found[i];
  }
  cache.save();
  return verdicts;
}

// Starts reading all files at once: where none is in memory yet, loading one after the other would wait for each.
void read_ahead(const std::vector<Candidate> &libraries) {
  for (const Candidate &candidate : libraries) {
    const int file = ::open(candidate.file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) continue;  // loading says why
    ::posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED);
    ::close(file);
  }
}

void load_library(Registry &registry, const Candidate &candidate, const Verdicts &verdicts) {
  try {
    const auto verdict = verdicts.find(candidate.file);
    if (verdict != verdicts.end() && verdict->second.kind != Verdict::Kind::kGood) {
      throw Error(Status::kFailedPrecondition, verdict->second.reason);
    }
    registry.add(open_plugin(candidate.file), candidate.file);
  } catch (const Error &error) {
    if (candidate.required) throw;
    registry.refused.emplace_back(candidate.file, error.what());
  }
}

void load_descriptor(Registry &registry, const Candidate &candidate) {
  const std::string id = candidate.file.stem().stem().string();  // without ".platform.yaml"
  try {
    if (!is_name(id, "-.")) {
      fail(Status::kInvalidArgument,
           "platform descriptor '{}': '{}' is no name of lower-case letters, digits, hyphens and dots; rename the file",
           candidate.file.string(), id);
    }
    const auto taken = registry.descriptors.find(id);
    if (taken != registry.descriptors.end()) {
      fail(Status::kAlreadyExists,
           "platform descriptor '{}': platform '{}' is already described by '{}'; remove one of "
           "the two",
           candidate.file.string(), id, taken->second.string());
    }
    if (const Component *platform = registry.find(HT_KIND_PLATFORM, id)) {
      fail(Status::kAlreadyExists,
           "platform descriptor '{}': platform '{}' is already offered by {}; remove one of the "
           "two",
           candidate.file.string(), id, plugin_label(platform->plugin->plugin, platform->plugin->file));
    }
    registry.descriptors.emplace(id, candidate.file);
  } catch (const Error &error) {
    if (candidate.required) throw;
    registry.refused.emplace_back(candidate.file, error.what());
  }
}

}  // namespace

Registry load_plugins(const SearchOptions &options) {
  SearchResult found = find_plugins(options);
  Registry registry;
  registry.searched = std::move(found.searched);
  registry.refused = std::move(found.refused);
  read_ahead(found.libraries);
  const Verdicts verdicts = options.probe ? judge(found.libraries) : Verdicts();
  for (const Candidate &candidate : found.libraries) load_library(registry, candidate, verdicts);
  for (const ht_plugin *plugin : registered_plugins()) {
    try {
      registry.add(plugin, {});
    } catch (const Error &error) {
      registry.refused.emplace_back(fs::path(), error.what());
    }
  }
  for (const Candidate &candidate : found.descriptors) load_descriptor(registry, candidate);
  return registry;
}

}  // namespace halftone::host
