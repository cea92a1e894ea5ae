#include "core/pipeline/reproducer.h"

#include <unistd.h>

#include <cstdlib>
#include <thread>

#include <nlohmann/json.hpp>

#include "core/base/cpu_features.h"
#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/temporary.h"
#include "core/host/isolation/trust.h"
#include "core/host/search.h"
#include "core/pipeline/replay_text.h"

namespace halftone::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr const char *kPipeline = "pipeline.yaml", *kState = "before.state", *kAbout = "reproducer.json";

std::string shell_quoted(const std::string &text) {
  const bool plain =
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%") ==
      std::string::npos;
  if (plain && !text.empty()) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

bool is_first_party(const fs::path &file) {
  const fs::path relative = file.lexically_relative(host::first_party_folder());
  return !relative.empty() && *relative.begin() != "..";
}

// Plug-ins of others have to be named again, wherever they were found this time.
std::string command_for(const fs::path &folder, const host::Registry &registry) {
  std::string command = "halftone run " + shell_quoted((folder / kPipeline).string());
  for (const auto &loaded : registry.plugins()) {
    if (loaded->file.empty() || is_first_party(loaded->file)) continue;
    command += " --plugin-path " + shell_quoted(loaded->file.string());
  }
  for (const auto &[id, file] : registry.descriptors) {
    if (!is_first_party(file)) command += " --plugin-path " + shell_quoted(file.string());
  }
  return command;
}

std::string digest_of(const fs::path &file) {
  try {
    return Digester().add(MappedFile::open(file)->bytes()).finish().hex();
  } catch (const Error &) {
    return {};  // it is gone by now
  }
}

nlohmann::ordered_json plugins_of(const host::Registry &registry) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto &loaded : registry.plugins()) {
    const ht_plugin &plugin = *loaded->plugin;
    nlohmann::ordered_json entry;
    entry["id"] = plugin.id;
    entry["version"] = plugin.version;
    entry["build"] = plugin.build;
    entry["file"] = loaded->file.string();
    if (!loaded->file.empty()) entry["xxh3_128"] = digest_of(loaded->file);
    list.push_back(std::move(entry));
  }
  return list;
}

std::string about(const PipelineSpec &spec, const host::Registry &registry, const FailedStep &failed,
                  const std::string &command) {
  static constexpr const char *kLevels[] = {"trusted", "checked", "isolated"};
  nlohmann::ordered_json json;
  json["reproducer"] = 1;
  json["halftone"] = HALFTONE_VERSION;
  json["pass"] = failed.step.component->id();
  json["version"] = failed.step.component->description->version;
  json["trust"] = kLevels[static_cast<std::size_t>(host::trust_of(*failed.step.component))];
  json["error"] = failed.error.what();
  json["command"] = command;
  json["threads"] = spec.calibration.threads == 0 ? std::thread::hardware_concurrency() : spec.calibration.threads;
  json["isa"] = std::string(instruction_set());
  json["model"] = fs::absolute(spec.model).lexically_normal().string();
  json["plugins"] = plugins_of(registry);
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// Nothing of the user's is replaced.
void require_free(const fs::path &folder) {
  std::error_code none;
  if (!fs::exists(folder, none) || fs::exists(folder / kAbout, none)) return;
  if (fs::is_directory(folder, none) && fs::is_empty(folder, none)) return;
  fail(Status::kAlreadyExists, "'{}' exists and is no reproducer; name another folder", folder.string());
}

}  // namespace

bool is_plugin_fault(Status status) {
  return status == Status::kInternal || status == Status::kTimeout;
}

fs::path default_reproducer(const PipelineSpec &spec) {
  fs::path beside = spec.report;
  if (beside.empty() && !spec.exports.empty()) beside = spec.exports.front().path;
  if (beside.empty()) beside = spec.configs_out;
  std::error_code none;
  if (!beside.empty() && !fs::is_other(beside, none)) return beside.string() + ".reproducer";
  return fs::temp_directory_path() / fmt::format("halftone-reproducer-{}", ::getpid());
}

std::string write_reproducer(const fs::path &folder, const PipelineSpec &spec, const host::Registry &registry,
                             const FailedStep &failed, const RunState &before) {
  const fs::path target = fs::absolute(folder).lexically_normal();
  require_free(target);
  const std::string command = command_for(target, registry);
  const fs::path staged = temporary_name(target);
  struct Unfinished {
    fs::path folder;
    ~Unfinished() {
      std::error_code none;
      if (!folder.empty()) fs::remove_all(folder, none);
    }
  } unfinished{staged};
  fs::create_directories(staged);
  write_state(before, staged / kState);
  write_file_atomically(staged / kPipeline, replay_text(spec, failed.step, kState));
  write_file_atomically(staged / kAbout, about(spec, registry, failed, command));
  fs::remove_all(target);
  fs::rename(staged, target);
  unfinished.folder.clear();
  sync_folder(target.parent_path());
  return command;
}

}  // namespace halftone::pipeline
