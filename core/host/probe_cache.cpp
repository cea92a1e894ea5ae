#include "core/host/probe_cache.h"

#include <sys/stat.h>

#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/host/search.h"
#include "halftone/base.h"

namespace halftone::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kFormat = 1;

// Whose verdicts these are: another host may judge otherwise.
std::string judge() {
  return fmt::format("halftone {} abi {}.{}", HALFTONE_VERSION, HT_ABI_MAJOR, HT_ABI_MINOR);
}

bool look_at(const fs::path &file, std::uint64_t &size, std::int64_t &mtime_ns) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return false;
  constexpr std::int64_t kSecond = 1000000000;
  size = static_cast<std::uint64_t>(info.st_size);
  mtime_ns = static_cast<std::int64_t>(info.st_mtim.tv_sec) * kSecond + info.st_mtim.tv_nsec;
  return true;
}

std::string digest_of(const fs::path &file) {
  return Digester().add(MappedFile::open(file)->bytes()).finish().hex();
}

}  // namespace

ProbeCache::ProbeCache(fs::path file) : file_(std::move(file)) {
  try {
    load();
  } catch (const std::exception &) {  // absent, damaged or of another shape: it fills again
    entries_.clear();
  }
}

fs::path ProbeCache::default_file() {
  const fs::path folder = user_folder("XDG_CACHE_HOME", ".cache");
  return folder.empty() ? fs::path() : folder / "probe.json";
}

void ProbeCache::load() {
  std::error_code error;
  if (file_.empty() || !fs::exists(file_, error)) return;
  const json root = json::parse(read_file(file_));
  if (root.at("format") != kFormat || root.at("judge") != judge()) return;
  for (const auto &[path, item] : root.at("plugins").items()) {
    entries_[path] = {item.at("size"), item.at("mtime_ns"), item.at("digest"), item.at("good"), item.at("reason")};
  }
}

std::optional<Verdict> ProbeCache::find(const fs::path &plugin) {
  const auto found = entries_.find(plugin.string());
  if (found == entries_.end()) return std::nullopt;
  Entry &entry = found->second;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  bool holds = look_at(plugin, size, mtime_ns) && size == entry.size;
  if (holds && mtime_ns != entry.mtime_ns) {
    try {
      holds = digest_of(plugin) == entry.digest;
    } catch (const std::exception &) {
      holds = false;
    }
    entry.mtime_ns = mtime_ns;
    changed_ = true;
  }
  if (!holds) {
    entries_.erase(found);
    changed_ = true;
    return std::nullopt;
  }
  return Verdict{entry.good ? Verdict::Kind::kGood : Verdict::Kind::kMisbehaved, entry.reason};
}

void ProbeCache::put(const fs::path &plugin, const Verdict &verdict) {
  changed_ |= entries_.erase(plugin.string()) > 0;
  if (verdict.kind == Verdict::Kind::kRefused) return;
  Entry entry;
  try {
    if (!look_at(plugin, entry.size, entry.mtime_ns)) return;
    entry.digest = digest_of(plugin);
  } catch (const std::exception &) {
    return;
  }
  entry.good = verdict.kind == Verdict::Kind::kGood;
  entry.reason = verdict.reason;
  entries_[plugin.string()] = std::move(entry);
  changed_ = true;
}

void ProbeCache::save() noexcept {
  if (!changed_ || file_.empty()) return;
  try {
    json plugins = json::object();
    std::error_code error;
    for (const auto &[path, entry] : entries_) {
      if (!fs::exists(path, error)) continue;
      plugins[path] = {{"size", entry.size},
                       {"mtime_ns", entry.mtime_ns},
                       {"digest", entry.digest},
                       {"good", entry.good},
                       {"reason", entry.reason}};
    }
    const json root = {{"format", kFormat}, {"judge", judge()}, {"plugins", plugins}};
    fs::create_directories(file_.parent_path(), error);
    write_file_atomically(file_, root.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
    changed_ = false;
  } catch (const std::exception &) {  // a home that cannot be written costs time, not function
  }
}

}  // namespace halftone::host
