#include "core/check/exercise.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/check/made_models.h"
#include "core/model/onnx_io.h"
#include "core/pipeline/configs_json.h"
#include "core/pipeline/platform_lookup.h"
#include "core/pipeline/runner.h"
#include "halftone/exporter.h"
#include "halftone/observer.h"

namespace halftone::check {

namespace fs = std::filesystem;

namespace {

// Where a pass is put into the pipeline of the platform.
constexpr std::array<const char *, 5> kPlaces = {"alone", "before quantization", "with configs", "with scales",
                                                 "with quantized weights"};
constexpr const char *kPlatform = "onnxruntime-int8";  // whose pipeline the others take part in

// The passes of a platform, as a list to insert into.
std::vector<pipeline::PassStep> passes_of(const host::Registry &registry, const std::string &platform) {
  const pipeline::PlatformDescriptor descriptor = pipeline::find_platform(registry, platform, {});
  const Setting *passes = descriptor.pipeline();
  return passes == nullptr ? std::vector<pipeline::PassStep>() : pipeline::parse_passes(*passes);
}

pipeline::PipelineSpec spec_of(const MadeModel &made, const Terms &terms) {
  pipeline::PipelineSpec spec;
  spec.model = made.model;
  spec.platform = kPlatform;
  spec.executor = "reference";
  if (!made.samples.empty()) {
    pipeline::InputSpec input;
    input.path = made.samples.string();
    spec.calibration.inputs.push_back(std::move(input));
  }
  spec.calibration.threads = terms.threads;
  return spec;
}

// Parameters as a pass hands them to an observer: a list of "name=value".
Setting observer_texts(const Setting &parameters) {
  Setting::List texts;
  if (parameters.is_map()) {
    for (const auto &[name, value] : parameters.map()) {
      if (value.is_map() || value.is_list()) continue;
      Setting text;
      text.value = name + "=" + value.text;
      texts.push_back(std::move(text));
    }
  }
  Setting out;
  out.value = std::move(texts);
  return out;
}

void digest_files(Digester &digester, const fs::path &folder) {
  std::vector<fs::path> files;
  for (const auto &entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const fs::path &file : files) digester.add(fs::relative(file, folder).string()).add(read_file(file));
}

// For what one run writes: several may go on at once.
class OwnFolder {
 public:
  explicit OwnFolder(const fs::path &parent) {
    static std::atomic<unsigned> counter{0};
    path_ = parent / fmt::format("outputs-{}", counter.fetch_add(1));
    fs::create_directory(path_);
  }
  ~OwnFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  OwnFolder(const OwnFolder &) = delete;
  OwnFolder &operator=(const OwnFolder &) = delete;
  const fs::path &path() const { return path_; }

 private:
  fs::path path_;
};

// Runs it and takes a digest of the model, its configs, what the passes reported and the files that were written.
Attempt run_pipeline(Workbench &bench, pipeline::PipelineSpec spec, const Subject &subject, const Terms &terms) {
  pipeline::RunEvents events;
  const auto poll = terms.on_poll;
  if (poll) events.sinks.progress = [poll](std::uint64_t, std::uint64_t) { poll(); };
  events.sinks.cancelled = terms.cancelled;
  if (terms.checked) spec.plugins.trust.rules.push_back({subject.id, host::Trust::kChecked, {}});
  const OwnFolder outputs(bench.folder());
  for (pipeline::ExportStep &step : spec.exports) step.path = (outputs.path() / step.path).string();
  bool planned = false;
  try {
    pipeline::Runner runner(bench.registry(), std::move(spec), events);
    planned = true;
    Digester digester;
    for (const pipeline::StepReport &report : runner.run_passes()) {
      digester.add(report.id);
      for (const auto &[key, text] : report.rows) digester.add(key).add(text);
    }
    runner.prepare_exports();
    runner.commit_outputs({});
    digester.add(model::export_onnx_bytes(runner.model().model));
    digester.add(pipeline::configs_to_json(runner.model(), kPlatform));
    digest_files(digester, outputs.path());
    return {Attempt::Result::kDone, {}, digester.finish().hex(), 0};
  } catch (const Error &error) {
    return attempt_of(error, subject, planned && subject.kind != HT_KIND_PASS);
  }
}

// Where a pass is put into the pipeline of the platform: alone, before quantization, in the middle, and at the end,
// when weights are stored in quantized form.
std::vector<std::pair<std::string, std::vector<pipeline::PassStep>>> places(const host::Registry &registry,
                                                                            const pipeline::PassStep &step) {
  const std::vector<pipeline::PassStep> passes = passes_of(registry, kPlatform);
  std::vector<std::pair<std::string, std::vector<pipeline::PassStep>>> out = {{"alone", {step}}};
  const auto put = [&](const std::string &name, const char *id, std::ptrdiff_t behind) {
    auto found = std::ranges::find_if(passes, [&](const pipeline::PassStep &other) { return other.id == id; });
    if (found == passes.end()) return;
    std::vector<pipeline::PassStep> with = passes;
    with.insert(with.begin() + (found - passes.begin()) + behind, step);
    out.emplace_back(name, std::move(with));
  };
  put("before quantization", "assign-configs", 0);
  put("with configs", "assign-configs", 1);
  put("with scales", "runtime-calibration", 1);
  put("with quantized weights", "parameter-baking", 1);
  return out;
}

std::vector<Exercise> pass_exercises(Workbench &bench, const Subject &subject) {
  std::vector<Exercise> out;
  for (const MadeModel &made : made_models(bench.folder())) {
    const std::size_t count = made.samples.empty() ? 1 : kPlaces.size();
    for (std::size_t place = 0; place < count; ++place) {
      out.push_back(
          {fmt::format("on {}, {}", made.name, kPlaces[place]), [&bench, subject, made, place](const Terms &terms) {
             pipeline::PipelineSpec spec = spec_of(made, terms);
             auto all = places(bench.registry(), {subject.id, terms.parameters, {}});
             if (place >= all.size()) return Attempt{Attempt::Result::kUnfit, "no such place", {}, 0};
             spec.passes = std::move(all[place].second);
             return run_pipeline(bench, std::move(spec), subject, terms);
           }});
    }
  }
  return out;
}

// An exporter may be for a platform of its own plug-in alone.
std::vector<std::string> platforms_for(Workbench &bench, const Subject &subject) {
  if (subject.kind == HT_KIND_PLATFORM) return {subject.id};
  std::vector<std::string> out = {kPlatform};
  if (subject.kind != HT_KIND_EXPORTER) return out;
  for (const Subject &other : bench.subjects()) {
    if (other.kind == HT_KIND_PLATFORM) out.push_back(other.id);
  }
  return out;
}

// What the run does for the component.
void take_in(Workbench &bench, const Subject &subject, const Terms &terms, pipeline::PipelineSpec &spec) {
  if (subject.kind == HT_KIND_EXPORTER) {
    const auto *role = static_cast<const ht_exporter *>(subject.component->role(HT_EXPORTER_1));
    const std::string ending = role->extension == nullptr ? ".bin" : role->extension;
    spec.exports.push_back({subject.id, "model" + ending, terms.parameters, {}});
  }
  if (subject.kind != HT_KIND_OBSERVER) return;
  spec.passes = passes_of(bench.registry(), kPlatform);
  // Weights have scales by channel, activations one for all.
  const auto *role = static_cast<const ht_observer *>(subject.component->role(HT_OBSERVER_1));
  for (pipeline::PassStep &step : *spec.passes) {
    const bool weights = step.id == "parameter-quantize" && role->wants_per_channel != 0;
    if (step.id != "runtime-calibration" && !weights) continue;
    Setting name;
    name.value = subject.id;
    step.settings.value = Setting::Map{{"observer", name}};
    if (const Setting given = observer_texts(terms.parameters); !given.list().empty())
      std::get<Setting::Map>(step.settings.value).emplace_back("observer_parameters", given);
  }
}

// The other kinds take a place in a run of the platform's pipeline.
std::vector<Exercise> run_exercises(Workbench &bench, const Subject &subject) {
  std::vector<Exercise> out;
  for (const std::string &platform : platforms_for(bench, subject)) {
    for (const MadeModel &made : made_models(bench.folder())) {
      if (made.samples.empty()) continue;
      const bool named = platform != kPlatform && subject.kind != HT_KIND_PLATFORM;
      out.push_back({"on " + made.name + (named ? " for " + platform : ""),
                     [&bench, subject, made, platform](const Terms &terms) {
                       pipeline::PipelineSpec spec = spec_of(made, terms);
                       spec.platform = platform;
                       take_in(bench, subject, terms, spec);
                       return run_pipeline(bench, std::move(spec), subject, terms);
                     }});
    }
  }
  return out;
}

}  // namespace

Attempt attempt_of(const Error &error, const Subject &subject, bool blamed) {
  const std::string name = "'" + subject.id + "'", text = error.what();
  const bool verifier = text.find("after pass " + name) != std::string::npos;
  const bool its = blamed || verifier || text.find(" " + name) != std::string::npos;
  const std::string line = text.substr(0, text.find('\n'));
  if (!its) return {Attempt::Result::kUnfit, line, {}, static_cast<int>(error.status())};
  const bool broke =
      verifier || error.status() == Status::kInternal || text.find("said nothing about it") != std::string::npos;
  return {broke ? Attempt::Result::kBroke : Attempt::Result::kRefused,
          verifier ? "the verifier refuses the model that it leaves: " + line : line,
          {},
          static_cast<int>(error.status())};
}

std::vector<Exercise> exercises_of(Workbench &bench, const Subject &subject) {
  switch (subject.kind) {
    case HT_KIND_PASS:
      return pass_exercises(bench, subject);
    case HT_KIND_OBSERVER:
    case HT_KIND_PLATFORM:
    case HT_KIND_EXPORTER:
      return run_exercises(bench, subject);
    case HT_KIND_EXECUTOR:
      return executor_exercises(bench, subject);
    case HT_KIND_READER:
      return reader_exercises(bench, subject);
    case HT_KIND_OP_KERNELS:
      return kernel_exercises(bench, subject);
    case HT_KIND_OP_GRADIENTS:
      return gradient_exercises(bench, subject);
    case HT_KIND_TRAINER:
      return trainer_exercises(bench, subject);
    default:
      return {};
  }
}

}  // namespace halftone::check
