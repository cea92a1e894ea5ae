// An engine: the plug-ins of one user of the library, and who hears of what it does.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "core/api/stop.h"
#include "core/host/context.h"
#include "core/host/registry.h"
#include "halftone/embed.h"

namespace halftone::api {

class Engine {
 public:
  explicit Engine(const ht_engine_options &options);

  const host::Registry &registry() const noexcept { return registry_; }
  // Throws FailedPrecondition while the engine is in use.
  void add(const ht_plugin *plugin);
  // To be held while the registry is used: plug-ins are added between calls only. Nests, as nobody ever waits to add.
  std::shared_lock<std::shared_mutex> in_use() const { return std::shared_lock(mutex_); }
  void log(std::uint32_t level, const std::string &text) const;
  void progress(const std::string &step, std::uint64_t done, std::uint64_t total) const;

 private:
  mutable std::shared_mutex mutex_;
  host::Registry registry_;
  void *user_ = nullptr;
  void(HT_CALL *log_)(void *, std::uint32_t, const char *) = nullptr;
  void(HT_CALL *progress_)(void *, const char *, std::uint64_t, std::uint64_t) = nullptr;
};

// The sinks of one call: they name the step that is being run. Lives longer than the sinks.
class Listening {
 public:
  Listening(const Engine &engine, ht_stop *stop) : engine_(engine), stop_(stop) {}
  void step(std::string name);
  host::RunSinks sinks();

 private:
  const Engine &engine_;
  ht_stop *stop_;
  std::mutex mutex_;
  std::string step_;
};

inline constexpr std::size_t kLargestOptions = std::size_t{1} << 16;

// The caller's struct as far as it goes; what it does not reach is 0. Throws InvalidArgument for a size that cannot be.
template <typename T>
T options_of(const T *given) {
  T options{};
  if (given != nullptr) {
    const std::size_t size = given->struct_size;
    if (size < sizeof(std::uint32_t) || size > kLargestOptions)
      fail(Status::kInvalidArgument, "struct_size is {}; set it to the sizeof of the struct", size);
    std::memcpy(static_cast<void *>(&options), given, std::min(size, sizeof(T)));
  }
  options.struct_size = sizeof(T);
  return options;
}

}  // namespace halftone::api

struct ht_engine {
  std::shared_ptr<halftone::api::Engine> engine;
};
