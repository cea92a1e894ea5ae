// A model that a program holds: as it was loaded, or as a pipeline made it.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/api/engine.h"
#include "core/base/setting.h"
#include "core/host/context.h"
#include "core/pipeline/platform_descriptor.h"
#include "core/pipeline/target.h"

namespace halftone::api {

// Copies share weights, so that every call works on a copy of its own.
struct ModelContent {
  host::WorkingModel working;
  std::filesystem::path file;  // empty for one that came as bytes
  std::vector<std::filesystem::path> external_files;
  std::string platform;  // that it was quantized for, or empty
  Setting platform_settings;
  std::string executor = "onednn";
  std::uint64_t generation = 0;  // counts commits

  bool quantized() const { return !working.configs.all().empty(); }
  // What messages call it.
  std::string name() const { return file.empty() ? "the model" : file.string(); }
};

// Null for a model that no platform belongs to.
std::optional<pipeline::PlatformDescriptor> platform_of(const host::Registry &registry, const ModelContent &content);

// What a model and the accesses to it have in common.
struct SharedContent {
  std::mutex mutex;
  ModelContent content;
};

}  // namespace halftone::api

struct ht_model {
  std::shared_ptr<halftone::api::Engine> engine;
  std::shared_ptr<halftone::api::SharedContent> shared = std::make_shared<halftone::api::SharedContent>();

  halftone::api::ModelContent copy() const {
    const std::scoped_lock lock(shared->mutex);
    return shared->content;
  }
};
