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

namespace {

// Files that a reader has open.
class ReaderSource final : public SampleSource {
 public:
  ReaderSource(const host::Component &component, const Setting &settings, const std::string &path, host::Context &ctx)
      : reader_(component, &settings, ctx), role_(reader_.role<ht_reader>(HT_READER_1)), path_(path) {
    ctx.component = component.id();
    const ht_str text{path.data(), path.size()};
    try {
      host::call_component(ctx, [&] { return role_.open(reader_.raw(), &ctx, &text, &raw_); });
      host::call_component(ctx, [&] { return role_.count(raw_, &ctx, &count_); });
      if (count_ == 0) fail(Status::kDataLoss, "'{}' has no samples; name data that has some", path);
    } catch (const Error &error) {
      if (raw_ != nullptr) role_.close(raw_);
      rethrow_as_data_fault(error);
    }
  }
  ~ReaderSource() override {
    if (raw_ != nullptr) role_.close(raw_);
  }
  ReaderSource(const ReaderSource &) = delete;
  ReaderSource &operator=(const ReaderSource &) = delete;

  std::optional<std::uint64_t> count() const override { return count_; }
  std::uint64_t settle_count(host::Context &) override { return count_; }
  std::optional<StoredSample> read(host::Context &ctx, std::uint64_t index) override {
    StoredSample out{};
    out.tensor.struct_size = sizeof(out.tensor);
    ctx.component = reader_.component().id();
    host::call_component(ctx, [&] { return role_.read(raw_, &ctx, index, &out.tensor); });
    return out;
  }
  std::string name(host::Context &ctx, std::uint64_t index) override {
    ht_str text{};
    host::call_component(ctx, [&] { return role_.name(raw_, &ctx, index, &text); });
    return {text.data, static_cast<std::size_t>(text.size)};
  }

 private:
  host::Instance reader_;
  const ht_reader &role_;
  std::string path_;
  void *raw_ = nullptr;
  std::uint64_t count_ = 0;
};

}  // namespace

// A source that is open, and the model input that it feeds.
struct Dataset::Open {
  std::shared_ptr<SampleSource> samples;
  const InputSource &source;
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
    std::shared_ptr<SampleSource> samples = source.given;
    if (!samples) {
      const host::Component &reader = reader_of(registry, source);
      const bool shared = source.input.empty() && from_data > 1;
      samples = std::make_shared<ReaderSource>(
          reader, reader_settings(reader, source, value.name, shared, options_.whole_arrays), source.path, ctx);
    }
    feed.open = std::make_unique<Open>(Open{std::move(samples), source, value.name, value.type});
  }
  require_same_count();
}

void Dataset::require_same_count() const {
  const Open *first = first_open();
  for (const Feed &feed : feeds_) {
    if (!feed.open || feed.open->samples->count() == first->samples->count()) continue;
    fail(Status::kFailedPrecondition,
         "'{}' has {} samples and '{}' has {}; inputs of one model must have the same number", first->source.path,
         first->samples->count().value_or(kUncounted), feed.open->source.path,
         feed.open->samples->count().value_or(kUncounted));
  }
}

const Dataset::Open *Dataset::first_open() const {
  const auto given = std::ranges::find_if(feeds_, [](const Feed &feed) { return feed.open != nullptr; });
  return given == feeds_.end() ? nullptr : given->open.get();
}

std::uint64_t Dataset::count() const {
  const Open *open = first_open();
  return open == nullptr ? 0 : open->samples->count().value_or(kUncounted);
}

std::uint64_t Dataset::settled_count() const {
  const Open *open = first_open();
  if (open == nullptr) return 0;
  host::Context ctx;
  return open->samples->settle_count(ctx);
}

Dataset::~Dataset() = default;

std::string Dataset::name(host::Context &ctx, std::uint64_t index) const {
  const Open &open = *first_open();
  try {
    return open.samples->name(ctx, index);
  } catch (const Error &) {
    return fmt::format("{}[{}]", open.source.path, index);
  }
}

bool Dataset::read(host::Context &ctx, const Open &open, std::uint64_t index, Sample &sample) const {
  std::optional<StoredSample> stored = open.samples->read(ctx, index);
  if (!stored) return false;
  const ht_tensor_view &raw = stored->tensor;
  const std::string called = open.samples->name(ctx, index);
  const bool frames = options_.sequence && !options_.sequence->feeds(open.input);
  const model::ValueType type = frames ? sequence_type(open.type, raw.rank, options_.sequence->axis) : open.type;
  sample.inputs.push_back(open.source.preprocess.apply(ctx, raw, type, open.input, called));
  if (stored->hold) sample.holds.push_back(std::move(stored->hold));
  return true;
}

std::optional<Sample> Dataset::read_if_any(host::Context &ctx, std::uint64_t index) const try {
  Sample sample;
  for (const Feed &feed : feeds_) {
    if (!feed.open) {
      sample.inputs.push_back(zeros(ctx, feed.type));
    } else if (!read(ctx, *feed.open, index, sample)) {
      return std::nullopt;
    }
  }
  return sample;
} catch (const Error &error) {
  rethrow_as_data_fault(error);
}

Sample Dataset::read(host::Context &ctx, std::uint64_t index) const {
  std::optional<Sample> sample = read_if_any(ctx, index);
  if (sample) return std::move(*sample);
  fail(Status::kDataLoss, "there are no more than {} samples; sample {} was asked for", index, index);
}

}  // namespace halftone::calibration
