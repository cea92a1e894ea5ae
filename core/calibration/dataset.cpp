#include "core/calibration/dataset.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/host/schema.h"
#include "halftone/reader.h"

namespace halftone::calibration {

namespace fs = std::filesystem;

namespace {

// Whatever is wrong with samples is a fault of the data, not of the request, whichever status a reader chose.
[[noreturn]] void rethrow_as_data_fault(const Error &error) {
  Error fault(error.status() == Status::kInvalidArgument ? Status::kDataLoss : error.status(), error.message());
  for (const std::string &note : error.notes()) fault.note(note);
  throw fault;
}

}  // namespace

namespace {

bool takes(const host::Component &reader, std::string_view parameter) {
  const host::Schema schema(reader.description->params, reader.description->param_count);
  for (std::uint64_t i = 0; i < schema.size(); ++i) {
    if (schema[i].name == parameter && schema[i].kind == HT_VALUE_STR) return true;
  }
  return false;
}

// The user's settings of the reader, and what halftone/reader.h has the host fill in. `shared`: the source feeds other
// inputs too.
Setting reader_settings(const host::Component &reader, const InputSource &source, const std::string &input,
                        bool shared) {
  Setting settings = source.reader_settings == nullptr ? Setting{} : *source.reader_settings;
  if (!settings.is_null() && !settings.is_map()) return settings;  // the reader's schema says what is wrong
  if (const Setting *own = settings.find(HT_READER_INPUT); own != nullptr && takes(reader, HT_READER_INPUT)) {
    fail(Status::kInvalidArgument, "{}: `{}` of reader '{}' is filled in by the program; name the input with {}=PATH",
         own->key_where.text(), HT_READER_INPUT, reader.id(), input);
  }
  if (const Setting *array = settings.find(HT_READER_ARRAY); shared && array != nullptr) {
    fail(Status::kInvalidArgument,
         "{}: '{}' feeds several inputs, each by the array of its name; leave `{}` out, or name a path for each input",
         array->key_where.text(), source.path, HT_READER_ARRAY);
  }
  const auto fill = [&](const char *parameter) {
    if (settings.find(parameter) != nullptr || !takes(reader, parameter)) return;
    if (settings.is_null()) settings.value = Setting::Map{};
    Setting value;
    value.value = value.text = input;
    std::get<Setting::Map>(settings.value).emplace_back(parameter, std::move(value));
  };
  fill(HT_READER_INPUT);
  if (shared) fill(HT_READER_ARRAY);
  return settings;
}

}  // namespace

// A source that is open, and the model input that it feeds.
struct Dataset::Open {
  Open(const host::Component &component, const Setting &settings, const InputSource &from, host::Context &ctx)
      : reader(component, &settings, ctx), role(reader.role<ht_reader>(HT_READER_1)), source(from) {
    ctx.component = component.id();
    const ht_str path{from.path.data(), from.path.size()};
    try {
      host::call_component(ctx, [&] { return role.open(reader.raw(), &ctx, &path, &raw); });
      host::call_component(ctx, [&] { return role.count(raw, &ctx, &count); });
      if (count == 0) fail(Status::kDataLoss, "'{}' has no samples; name data that has some", from.path);
    } catch (const Error &error) {
      if (raw != nullptr) role.close(raw);
      rethrow_as_data_fault(error);
    }
  }
  ~Open() {
    if (raw != nullptr) role.close(raw);
  }
  Open(const Open &) = delete;
  Open &operator=(const Open &) = delete;

  host::Instance reader;
  const ht_reader &role;
  const InputSource &source;
  void *raw = nullptr;
  std::uint64_t count = 0;
  std::string input;      // name of the model input
  model::ValueType type;  // of the model input
};

namespace {

std::vector<model::Handle> fed_inputs(const model::Model &m) {
  std::vector<model::Handle> fed;
  for (const model::Handle h : m.graph(m.main_graph()).inputs) {
    if (!m.value(h).initializer) fed.push_back(h);
  }
  return fed;
}

std::vector<std::string> names_of(const model::Model &m, const std::vector<model::Handle> &values) {
  std::vector<std::string> names;
  for (const model::Handle h : values) names.push_back(m.value(h).name);
  return names;
}

const host::Component &reader_of(const host::Registry &registry, const InputSource &source) {
  return registry.get(HT_KIND_READER, source.reader.empty() ? guess_reader(registry, source.path) : source.reader);
}

// The source of a model input among those given. One that names no input feeds the only one, or every input that no
// other feeds when its reader tells arrays apart by name.
const InputSource &source_for(const host::Registry &registry, const std::vector<InputSource> &sources,
                              const std::string &input, bool only) {
  const auto named = std::ranges::find(sources, input, &InputSource::input);
  if (named != sources.end()) return *named;
  for (const InputSource &source : sources) {
    if (source.input.empty() && (only || takes(reader_of(registry, source), HT_READER_ARRAY))) return source;
  }
  fail(Status::kInvalidArgument, "the model's input '{}' gets no data; give it with {}=PATH, or an entry of `inputs:`",
       input, input);
}

bool extension_listed(const char *extensions, const std::string &extension) {
  if (extensions == nullptr || extension.empty()) return false;
  const std::string list = fmt::format(" {} ", extensions);
  return list.find(fmt::format(" {} ", extension)) != std::string::npos;
}

}  // namespace

std::string guess_reader(const host::Registry &registry, const std::string &path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found)
    fail(Status::kNotFound, "the samples '{}' do not exist; check the path", path);
  std::set<std::string> extensions;
  if (fs::is_directory(status)) {
    for (const auto &entry : fs::directory_iterator(path, error)) extensions.insert(entry.path().extension().string());
    if (error) fail(Status::kPermissionDenied, "the folder '{}' cannot be read: {}", path, error.message());
    if (extensions.empty()) fail(Status::kNotFound, "the folder '{}' is empty; it should hold the samples", path);
  } else {
    extensions.insert(fs::path(path).extension().string());
  }
  std::vector<std::string> readers;
  for (const host::Component *component : registry.all(HT_KIND_READER)) {
    readers.emplace_back(component->id());
    const auto *role = static_cast<const ht_reader *>(component->role(HT_READER_1));
    for (const std::string &extension : extensions) {
      if (extension_listed(role->extensions, extension)) return std::string(component->id());
    }
  }
  fail(Status::kInvalidArgument, "'{}' holds nothing that a reader knows by its ending; name one with --reader: {}",
       path, fmt::join(readers, ", "));
}

Dataset::Dataset(const host::Registry &registry, const model::Model &m, std::vector<InputSource> sources)
    : sources_(std::move(sources)) {
  const std::vector<model::Handle> inputs = fed_inputs(m);
  const std::vector<std::string> names = names_of(m, inputs);
  for (const InputSource &source : sources_) {
    if (source.input.empty() || std::ranges::find(names, source.input) != names.end()) continue;
    fail(Status::kInvalidArgument, "the model has no input '{}'{}; it has: {}", source.input,
         nearest_hint(source.input, names), fmt::join(names, ", "));
  }
  if (sources_.size() > inputs.size()) {
    fail(Status::kInvalidArgument, "{} paths of samples are named for {} model input{} ({}); name one for each",
         sources_.size(), inputs.size(), inputs.size() == 1 ? "" : "s", fmt::join(names, ", "));
  }
  host::Context ctx;
  for (const model::Handle h : inputs) {
    const model::Value &value = m.value(h);
    const InputSource &source = source_for(registry, sources_, value.name, inputs.size() == 1);
    const host::Component &reader = reader_of(registry, source);
    const bool shared = source.input.empty() && inputs.size() > 1;
    open_.push_back(std::make_unique<Open>(reader, reader_settings(reader, source, value.name, shared), source, ctx));
    open_.back()->input = value.name;
    open_.back()->type = value.type;
  }
  if (open_.empty()) return;
  count_ = open_.front()->count;
  for (const auto &open : open_) {
    if (open->count == count_) continue;
    fail(Status::kFailedPrecondition,
         "'{}' has {} samples and '{}' has {}; inputs of one model must have the same number",
         open_.front()->source.path, count_, open->source.path, open->count);
  }
}

Dataset::~Dataset() = default;

std::string Dataset::name(host::Context &ctx, std::uint64_t index) const {
  const Open &open = *open_.front();
  ht_str text{};
  try {
    host::call_component(ctx, [&] { return open.role.name(open.raw, &ctx, index, &text); });
  } catch (const Error &) {
    return fmt::format("{}[{}]", open.source.path, index);
  }
  return {text.data, static_cast<std::size_t>(text.size)};
}

Sample Dataset::read(host::Context &ctx, std::uint64_t index) const try {
  Sample sample;
  for (const auto &open : open_) {
    ht_tensor_view raw{};
    raw.struct_size = sizeof(raw);
    ctx.component = open->reader.component().id();
    host::call_component(ctx, [&] { return open->role.read(open->raw, &ctx, index, &raw); });
    ht_str text{};
    host::call_component(ctx, [&] { return open->role.name(open->raw, &ctx, index, &text); });
    const std::string called(text.data, static_cast<std::size_t>(text.size));
    sample.inputs.push_back(open->source.preprocess.apply(ctx, raw, open->type, open->input, called));
  }
  return sample;
} catch (const Error &error) {
  rethrow_as_data_fault(error);
}

}  // namespace halftone::calibration
