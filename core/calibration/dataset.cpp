#include "core/calibration/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/host/schema.h"
#include "core/model/dtype.h"
#include "core/model/onnx_io.h"
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

// Of kind text; a parameter of few values is a text too.
bool takes(const host::Component &reader, std::string_view parameter) {
  const host::Schema schema(reader.description->params, reader.description->param_count);
  for (std::uint64_t i = 0; i < schema.size(); ++i) {
    if (schema[i].name != parameter) continue;
    return schema[i].kind == HT_VALUE_STR || schema[i].kind == HT_VALUE_CHOICE;
  }
  return false;
}

// The user's settings of the reader, and what halftone/reader.h has the host fill in. `shared`: the source feeds other
// inputs too. `whole`: an array is one sample.
Setting reader_settings(const host::Component &reader, const InputSource &source, const std::string &input, bool shared,
                        bool whole) {
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
  const auto fill = [&](const char *parameter, const std::string &text) {
    if (settings.find(parameter) != nullptr || !takes(reader, parameter)) return;
    if (settings.is_null()) settings.value = Setting::Map{};
    Setting value;
    value.value = value.text = text;
    std::get<Setting::Map>(settings.value).emplace_back(parameter, std::move(value));
  };
  fill(HT_READER_INPUT, input);
  if (shared) fill(HT_READER_ARRAY, input);
  if (!whole) return settings;
  if (!takes(reader, HT_READER_SAMPLE_AXIS)) {
    fail(Status::kInvalidArgument,
         "`sample_axis: none` makes an array one sample, and reader '{}' reads no arrays that hold many; leave it out",
         reader.id());
  }
  fill(HT_READER_SAMPLE_AXIS, "none");
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

// A free extent of a state is that of a batch, of which there is one.
model::Shape zeros_shape(const model::ValueType &type) {
  model::Shape shape;
  for (const model::Dim &dim : type.dims) shape.push_back(dim.extent < 0 ? 1 : dim.extent);
  return shape;
}

void require_zeros(const model::Value &value) {
  const auto free = std::ranges::count_if(value.type.dims, [](const model::Dim &dim) { return dim.extent < 0; });
  if (value.type.has_shape && free <= 1 && value.type.dtype != HT_STRING) return;
  fail(Status::kInvalidArgument,
       "the model does not fix the shape of '{}', so that its first state cannot be zeros; give it with {}=PATH, or an "
       "entry of `inputs:`",
       value.name, value.name);
}

// Without a type: an empty slot, which is what an input that is left out is.
ht_tensor_view zeros(host::Context &ctx, const model::ValueType &type) {
  const model::Shape shape = zeros_shape(type);
  const std::size_t bytes = model::dtype_bytes(type.dtype, model::element_count(shape));
  auto *extents = static_cast<std::int64_t *>(ctx.arena.allocate((shape.size() + 1) * sizeof(std::int64_t), 64));
  std::ranges::copy(shape, extents);
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = type.dtype;
  view.rank = static_cast<std::uint32_t>(shape.size());
  view.shape = extents;
  view.data = ctx.arena.allocate(bytes + 1, 64);
  std::memset(view.data, 0, bytes);
  return view;
}

// What a whole sequence is for an input that takes a frame.
model::ValueType sequence_type(model::ValueType type, std::size_t rank, std::uint32_t axis) {
  const std::size_t wanted = type.dims.size();
  if (!type.has_shape) return type;
  if (rank == wanted + 1 && axis <= wanted) {
    type.dims.insert(type.dims.begin() + axis, model::Dim{});
  } else if (axis < wanted) {
    type.dims[axis] = model::Dim{};
  }
  return type;
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

Dataset::Dataset(const host::Registry &registry, const model::Model &m, std::vector<InputSource> sources,
                 DatasetOptions options)
    : sources_(std::move(sources)), options_(std::move(options)) {
  if (options_.sequence) host::require_feedback(*options_.sequence, m);
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
  // States that nobody gives begin with zeros.
  const auto is_zero = [&](const std::string &input) {
    return options_.sequence && options_.sequence->feeds(input) &&
           std::ranges::find(sources_, input, &InputSource::input) == sources_.end();
  };
  // An optional input that nobody names is left out; of those alone, an unnamed source feeds each.
  const bool all_optional = std::ranges::all_of(inputs, [&](auto h) { return model::is_optional_input(m, h); });
  const auto is_absent = [&](model::Handle h) {
    return !all_optional && model::is_optional_input(m, h) &&
           std::ranges::find(sources_, m.value(h).name, &InputSource::input) == sources_.end();
  };
  const auto from_data =
      std::ranges::count_if(inputs, [&](auto h) { return !is_zero(m.value(h).name) && !is_absent(h); });
  host::Context ctx;
  for (const model::Handle h : inputs) {
    const model::Value &value = m.value(h);
    if (is_absent(h)) {
      feeds_.emplace_back();
      continue;
    }
    Feed &feed = feeds_.emplace_back(Feed{nullptr, value.type});
    if (is_zero(value.name)) {
      require_zeros(value);
      continue;
    }
    const InputSource &source = source_for(registry, sources_, value.name, from_data == 1);
    const host::Component &reader = reader_of(registry, source);
    const bool shared = source.input.empty() && from_data > 1;
    feed.open = std::make_unique<Open>(
        reader, reader_settings(reader, source, value.name, shared, options_.whole_arrays), source, ctx);
    feed.open->input = value.name;
    feed.open->type = value.type;
  }
  const Open *first = nullptr;
  for (const Feed &feed : feeds_) {
    if (!feed.open) continue;
    if (first == nullptr) first = feed.open.get(), count_ = first->count;
    if (feed.open->count == count_) continue;
    fail(Status::kFailedPrecondition,
         "'{}' has {} samples and '{}' has {}; inputs of one model must have the same number", first->source.path,
         count_, feed.open->source.path, feed.open->count);
  }
}

Dataset::~Dataset() = default;

std::string Dataset::name(host::Context &ctx, std::uint64_t index) const {
  const auto given = std::ranges::find_if(feeds_, [](const Feed &feed) { return feed.open != nullptr; });
  const Open &open = *given->open;
  ht_str text{};
  try {
    host::call_component(ctx, [&] { return open.role.name(open.raw, &ctx, index, &text); });
  } catch (const Error &) {
    return fmt::format("{}[{}]", open.source.path, index);
  }
  return {text.data, static_cast<std::size_t>(text.size)};
}

ht_tensor_view Dataset::read(host::Context &ctx, const Open &open, std::uint64_t index) const {
  ht_tensor_view raw{};
  raw.struct_size = sizeof(raw);
  ctx.component = open.reader.component().id();
  host::call_component(ctx, [&] { return open.role.read(open.raw, &ctx, index, &raw); });
  ht_str text{};
  host::call_component(ctx, [&] { return open.role.name(open.raw, &ctx, index, &text); });
  const std::string called(text.data, static_cast<std::size_t>(text.size));
  const bool frames = options_.sequence && !options_.sequence->feeds(open.input);
  const model::ValueType type = frames ? sequence_type(open.type, raw.rank, options_.sequence->axis) : open.type;
  return open.source.preprocess.apply(ctx, raw, type, open.input, called);
}

Sample Dataset::read(host::Context &ctx, std::uint64_t index) const try {
  Sample sample;
  for (const Feed &feed : feeds_) {
    sample.inputs.push_back(feed.open ? read(ctx, *feed.open, index) : zeros(ctx, feed.type));
  }
  return sample;
} catch (const Error &error) {
  rethrow_as_data_fault(error);
}

}  // namespace halftone::calibration
