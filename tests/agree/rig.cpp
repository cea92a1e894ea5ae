#include "tests/agree/rig.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>

#include <fmt/ranges.h>

#include "core/host/kernel_index.h"
#include "core/host/registry.h"

namespace halftone::test {
namespace {

// The plug-ins of this build and no others.
struct Plugins {
  host::Registry registry;
  host::KernelIndex kernels;

  Plugins() : registry(load()), kernels(registry) {}
  static host::Registry load() {
    const char *build = std::getenv("HALFTONE_BUILD_DIR");
    const std::filesystem::path folder = std::filesystem::path(build == nullptr ? "." : build) / HALFTONE_PLUGINS;
    host::SearchOptions options;
    options.plugin_paths = {folder / "ht_reference.so", folder / "ht_onednn.so"};
    options.use_environment = false;
    options.probe = false;
    return host::load_plugins(options);
  }
};

const Plugins &plugins() {
  static const Plugins loaded;
  return loaded;
}

ht_tensor_view view_of(const model::Tensor &tensor) {
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = tensor.dtype();
  view.rank = static_cast<std::uint32_t>(tensor.shape().size());
  view.shape = tensor.shape().data();
  view.data = const_cast<std::byte *>(tensor.bytes().data());
  return view;
}

// Where the element with this index lies, by the definition in tensor.h.
std::int64_t offset_of(const ht_tensor_view &view, const std::vector<std::int64_t> &index) {
  std::int64_t offset = 0;
  for (std::uint32_t i = 0; i < view.rank; ++i) {
    const bool split = view.block_size != 0 && i == view.block_axis;
    offset +=
        split ? index[i] / view.block_size * view.strides[i] + index[i] % view.block_size : index[i] * view.strides[i];
  }
  return offset;
}

model::Tensor copy_of(const ht_tensor_view &view) {
  model::Shape shape(view.shape, view.shape + view.rank);
  const std::size_t size = model::Tensor(view.dtype, shape).bytes().size();
  std::vector<std::byte> bytes(size);
  if (view.strides == nullptr) {
    if (size != 0) std::memcpy(bytes.data(), view.data, size);
    return model::Tensor(view.dtype, std::move(shape), std::move(bytes));
  }
  if (view.dtype != HT_F32) fail(Status::kInternal, "only float32 comes with strides");
  std::vector<std::int64_t> index(view.rank, 0);
  for (std::size_t n = 0; n < size / sizeof(float); ++n) {
    std::memcpy(&bytes[n * sizeof(float)], static_cast<const float *>(view.data) + offset_of(view, index),
                sizeof(float));
    for (std::size_t axis = view.rank; axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return model::Tensor(view.dtype, std::move(shape), std::move(bytes));
}

}  // namespace

struct Runner::State {
  std::vector<host::Context> contexts;
  std::unique_ptr<host::Instance> executor;
  std::unique_ptr<host::Session> session;
};

Runner::Runner(host::WorkingModel &working, const RunRequest &request) : state_(std::make_unique<State>()) {
  state_->contexts = std::vector<host::Context>(request.workers);
  for (host::Context &ctx : state_->contexts) {
    ctx.working = &working;
    ctx.kernels = &plugins().kernels;
  }
  host::Context &ctx = state_->contexts.front();
  const host::Component &component = plugins().registry.get(HT_KIND_EXECUTOR, request.executor);
  state_->executor = std::make_unique<host::Instance>(component, nullptr, ctx);
  host::SessionRequest options;
  options.mode = request.mode;
  options.quantized_weights = request.quantized_weights;
  options.workers = request.workers;
  options.emits = request.emits;
  options.timed = request.timed;
  options.feeds = request.feeds;
  const model::Model &m = working.model;
  if (options.emits.empty()) options.emits = m.graph(m.main_graph()).outputs;
  state_->session = std::make_unique<host::Session>(*state_->executor, ctx, options);
}

Runner::~Runner() = default;

Emitted Runner::run(const std::vector<model::Tensor> &inputs, std::uint32_t worker) {
  std::vector<ht_tensor_view> views;
  for (const model::Tensor &input : inputs) views.push_back(view_of(input));
  Emitted out;
  state_->session->run(state_->contexts[worker], worker, views,
                       [&](model::Handle value, const ht_tensor_view &tensor) { out[value] = copy_of(tensor); });
  return out;
}

std::vector<host::StepTime> Runner::profile() {
  return state_->session->profile(state_->contexts.front());
}

std::vector<model::Handle> made_values(const model::Model &m) {
  std::vector<model::Handle> out;
  for (const model::Handle node : m.topological_order(m.main_graph())) {
    for (const model::Handle value : m.node(node).outputs) {
      if (value != HT_NONE) out.push_back(value);
    }
  }
  return out;
}

model::Tensor random_tensor(model::Shape shape, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> numbers(static_cast<std::size_t>(model::element_count(shape)));
  // Not std::uniform_real_distribution: that is another sequence with another library.
  for (float &x : numbers) x = static_cast<float>(random() >> 40) * 0x1p-23F - 1.0F;
  return model::Tensor::from_floats(std::move(shape), numbers);
}

std::string difference(const model::Tensor &got, const model::Tensor &want, const Tolerance &tolerance) {
  if (got.dtype() != want.dtype()) return fmt::format("type {} instead of {}", got.dtype(), want.dtype());
  if (got.shape() != want.shape()) {
    return fmt::format("shape [{}] instead of [{}]", fmt::join(got.shape(), ","), fmt::join(want.shape(), ","));
  }
  if (std::ranges::equal(got.bytes(), want.bytes())) return {};
  if (want.dtype() != HT_F32) return "another value";
  const auto a = got.floats(), b = want.floats();
  double largest = 0;
  for (const float x : b) largest = std::isfinite(x) ? std::max(largest, std::fabs(double{x})) : largest;
  std::size_t off = 0, worst = 0;
  double worst_error = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
    const double error = same ? 0 : std::fabs(double{a[i]} - double{b[i]});
    if (error <= tolerance.relative * largest + 1e-7) continue;
    ++off;
    if (!(error <= worst_error)) worst = i, worst_error = error;
  }
  if (static_cast<double>(off) <= tolerance.outliers * static_cast<double>(a.size())) return {};
  return fmt::format("{} of {} elements differ; element {} is {} instead of {} (largest magnitude {})", off, a.size(),
                     worst, a[worst], b[worst], largest);
}

std::string disagreement(const model::Model &m, const Emitted &got, const Emitted &want, const Tolerance &tolerance) {
  for (const model::Handle value : made_values(m)) {
    const auto expected = want.find(value);
    if (expected == want.end()) continue;
    const auto found = got.find(value);
    const std::string problem =
        found == got.end() ? "not emitted" : difference(found->second, expected->second, tolerance);
    if (problem.empty()) continue;
    const model::Node &node = m.node(m.value(value).producer);
    return fmt::format("'{}' of {} '{}': {}", m.value(value).name, node.op_type, node.name, problem);
  }
  return {};
}

}  // namespace halftone::test
