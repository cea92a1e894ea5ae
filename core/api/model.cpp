#include "core/api/model.h"

#include "core/api/failure.h"
#include "core/api/text.h"
#include "core/base/staged_file.h"
#include "core/host/kernel_index.h"
#include "core/pipeline/configs_json.h"
#include "core/pipeline/export_file.h"
#include "core/pipeline/model_to_run.h"
#include "core/pipeline/named.h"
#include "core/pipeline/platform_lookup.h"
#include "core/pipeline/run_files.h"
#include "core/pipeline/yaml_setting.h"

namespace halftone::api {

namespace {

std::unique_ptr<ht_model> made_from(const std::shared_ptr<Engine> &engine, model::ImportResult imported,
                                    std::filesystem::path file) {
  for (const std::string &warning : imported.warnings) engine->log(HT_LOG_WARNING, warning);
  auto made = std::make_unique<ht_model>();
  made->engine = engine;
  made->shared->content.working.model = std::move(imported.model);
  made->shared->content.external_files = std::move(imported.external_files);
  made->shared->content.file = std::move(file);
  return made;
}

// None of the files that the model and the engine were read from may be lost.
void check_output(const host::Registry &registry, const ModelContent &content, const std::string &path) {
  pipeline::RunFiles files;
  files.reads(content.file, "input model");
  files.reads(content.external_files, "weights of the input model");
  files.reads(registry);
  files.writes_model(path);
  files.check();
  pipeline::require_writable(path);
}

}  // namespace

std::optional<pipeline::PlatformDescriptor> platform_of(const host::Registry &registry, const ModelContent &content) {
  if (content.platform.empty()) return std::nullopt;
  return pipeline::find_platform(registry, content.platform, {}, content.platform_settings);
}

}  // namespace halftone::api

using namespace halftone;

ht_status HT_CALL ht_model_load(ht_engine *engine, const char *path, ht_model **model) {
  return api::guarded([&] {
    api::require_given(engine, "engine");
    api::require_given(path, "path");
    api::require_given(model, "model");
    const auto in_use = engine->engine->in_use();
    const host::KernelIndex kernels(engine->engine->registry());
    *model = api::made_from(engine->engine, pipeline::read_model_to_run(path, kernels), path).release();
  });
}

ht_status HT_CALL ht_model_load_bytes(ht_engine *engine, const void *bytes, std::uint64_t size, const char *folder,
                                      ht_model **model) {
  return api::guarded([&] {
    api::require_given(engine, "engine");
    api::require_given(bytes, "bytes");
    api::require_given(model, "model");
    const auto in_use = engine->engine->in_use();
    const host::KernelIndex kernels(engine->engine->registry());
    const std::string_view content(static_cast<const char *>(bytes), size);
    *model = api::made_from(engine->engine, pipeline::model_to_run_of(content, api::text_or_empty(folder), kernels), {})
                 .release();
  });
}

void HT_CALL ht_model_destroy(ht_model *model) {
  delete model;
}

ht_status HT_CALL ht_model_configs(ht_model *model, ht_text **configs) {
  return api::guarded([&] {
    api::require_given(model, "model");
    const auto in_use = model->engine->in_use();
    const api::ModelContent content = model->copy();
    const auto platform = api::platform_of(model->engine->registry(), content);
    api::give_text(pipeline::configs_to_json(content.working, content.platform,
                                             platform ? platform->chosen : pipeline::PlatformChoices()),
                   configs);
  });
}

ht_status HT_CALL ht_model_export(ht_model *model, const char *format, const char *path, const char *settings) {
  return api::guarded([&] {
    api::require_given(model, "model");
    api::require_given(path, "path");
    const auto in_use = model->engine->in_use();
    const host::Registry &registry = model->engine->registry();
    const api::ModelContent content = model->copy();
    pipeline::ExportStep step;
    step.format = format == nullptr ? "onnx-qdq" : format;
    step.path = path;
    if (settings != nullptr) step.settings = pipeline::parse_yaml(settings, "the exporter's settings");
    (void)pipeline::named_component(registry, HT_KIND_EXPORTER, step.format);
    api::check_output(registry, content, step.path);
    const host::KernelIndex kernels(registry);
    std::optional<pipeline::Target> target;
    if (auto platform = api::platform_of(registry, content)) target.emplace(std::move(*platform));
    api::Listening listening(*model->engine, nullptr);
    listening.step(step.format);
    StagedFile file(step.path);
    pipeline::write_export({registry, kernels, target ? &*target : nullptr, listening.sinks()}, content.working, step,
                           file);
    file.finish();
    file.commit();
  });
}
