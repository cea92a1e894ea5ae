// Remembers the verdicts of probes, so that a plug-in is tried once and not at every start.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "core/host/probe.h"

namespace halftone::host {

// Keyed by path; an entry holds for as long as size and modification time are the same, or, when only the time moved,
// the content's digest. Verdicts of another host version or ABI are forgotten. A cache that cannot be read or written
// is as good as an empty one.
class ProbeCache {
 public:
  explicit ProbeCache(std::filesystem::path file);  // empty: nothing is kept
  static std::filesystem::path default_file();      // ~/.cache/halftone/probe.json

  std::optional<Verdict> find(const std::filesystem::path &plugin);
  void put(const std::filesystem::path &plugin, const Verdict &verdict);  // a refusal is not kept
  void save() noexcept;                                                   // when something changed

 private:
  struct Entry {
    std::uint64_t size = 0;
    std::int64_t mtime_ns = 0;
    std::string digest;
    bool good = false;
    std::string reason;
  };
  void load();
  std::filesystem::path file_;
  std::map<std::string, Entry> entries_;
  bool changed_ = false;
};

}  // namespace halftone::host
