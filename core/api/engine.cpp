#include "core/api/engine.h"

#include <nlohmann/json.hpp>

#include "core/api/failure.h"
#include "core/api/text.h"
#include "core/host/schema.h"

namespace halftone::api {

Engine::Engine(const ht_engine_options &options) : user_(options.user), log_(options.log), progress_(options.progress) {
  host::SearchOptions search;
  search.use_environment = options.no_environment == 0;
  if (options.plugin_path_count != 0) require_given(options.plugin_paths, "plugin_paths");
  for (std::uint64_t i = 0; i < options.plugin_path_count; ++i) {
    require_given(options.plugin_paths[i], "plugin_paths");
    search.plugin_paths.emplace_back(options.plugin_paths[i]);
  }
  registry_ = host::load_plugins(search);
  for (const auto &[file, reason] : registry_.refused) {
    log(HT_LOG_WARNING, fmt::format("plug-in '{}' was not loaded: {}", file.string(), reason));
  }
}

void Engine::add(const ht_plugin *plugin) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) {
    fail(Status::kFailedPrecondition,
         "a plug-in cannot be added while the engine runs something; add it before, or when that has ended");
  }
  registry_.add(plugin, {});
}

void Engine::log(std::uint32_t level, const std::string &text) const {
  if (log_ != nullptr) log_(user_, level, text.c_str());
}

void Engine::progress(const std::string &step, std::uint64_t done, std::uint64_t total) const {
  if (progress_ != nullptr) progress_(user_, step.c_str(), done, total);
}

void Listening::step(std::string name) {
  const std::scoped_lock lock(mutex_);
  step_ = std::move(name);
}

host::RunSinks Listening::sinks() {
  host::RunSinks sinks;
  sinks.log = [this](const host::LogLine &line) { engine_.log(line.level, line.text); };
  sinks.notice = [this](const std::string &text) { engine_.log(HT_LOG_INFO, text); };
  sinks.progress = [this](std::uint64_t done, std::uint64_t total) {
    std::string name;
    {
      const std::scoped_lock lock(mutex_);
      name = step_;
    }
    engine_.progress(name, done, total);
  };
  if (stop_ != nullptr) sinks.cancelled = &stop_->requested;
  return sinks;
}

namespace {

nlohmann::ordered_json described(const host::Component &component) {
  const ht_component &d = *component.description;
  nlohmann::ordered_json out{{"id", d.id}, {"version", d.version}, {"title", d.title}, {"doc", d.doc}};
  out["parameters"] = nlohmann::ordered_json::array();
  const host::Schema schema(d.params, d.param_count);
  for (std::uint64_t i = 0; i < schema.size(); ++i)
    out["parameters"].push_back({{"name", schema[i].name}, {"doc", schema[i].doc}});
  return out;
}

}  // namespace

}  // namespace halftone::api

using namespace halftone;

ht_status HT_CALL ht_engine_create(const ht_engine_options *options, ht_engine **engine) {
  return api::guarded([&] {
    api::require_given(engine, "engine");
    *engine = new ht_engine{std::make_shared<api::Engine>(api::options_of(options))};
  });
}

void HT_CALL ht_engine_destroy(ht_engine *engine) {
  delete engine;
}

ht_status HT_CALL ht_engine_register(ht_engine *engine, const ht_plugin *plugin) {
  return api::guarded([&] {
    api::require_given(engine, "engine");
    api::require_given(plugin, "plugin");
    engine->engine->add(plugin);
  });
}

ht_status HT_CALL ht_engine_components(ht_engine *engine, std::uint32_t kind, ht_text **list) {
  return api::guarded([&] {
    api::require_given(engine, "engine");
    const auto in_use = engine->engine->in_use();
    const host::Registry &registry = engine->engine->registry();
    nlohmann::ordered_json out = nlohmann::ordered_json::array();
    for (const host::Component *component : registry.all(kind)) out.push_back(api::described(*component));
    if (kind == HT_KIND_PLATFORM) {
      for (const auto &[id, file] : registry.descriptors) out.push_back({{"id", id}, {"file", file.string()}});
    }
    api::give_text(out.dump(1), list);
  });
}
