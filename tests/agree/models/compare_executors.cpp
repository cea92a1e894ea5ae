// compare_executors MODEL [TOLERANCE]: runs one sample of counter-based noise through the reference and the onednn
// executor in float mode and compares every value of the main graph that both hand over. Prints the first that differs
// by more than TOLERANCE (default 2e-4) of its largest magnitude, with its operator, and exits with 1.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <vector>

#include "core/host/instance.h"
#include "core/host/kernel_index.h"
#include "core/host/registry.h"
#include "core/host/session.h"
#include "core/model/onnx_io.h"

namespace {

using namespace halftone;
using model::Handle;

struct Kept {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

// Elements of a float view in logical order, whatever its layout.
Kept unpack(const ht_tensor_view &view) {
  Kept kept;
  kept.shape.assign(view.shape, view.shape + view.rank);
  const std::int64_t count = model::element_count(kept.shape);
  std::vector<std::int64_t> strides(view.rank), index(view.rank, 0);
  std::int64_t running = 1;
  for (std::uint32_t i = view.rank; i-- > 0;) {
    strides[i] = view.strides != nullptr ? view.strides[i] : running;
    running *= view.shape[i];
  }
  const auto *data = static_cast<const float *>(view.data);
  for (std::int64_t n = 0; n < count; ++n) {
    std::int64_t at = 0;
    for (std::uint32_t i = 0; i < view.rank; ++i) {
      const bool blocked = view.block_size != 0 && i == view.block_axis;
      at += blocked ? index[i] / view.block_size * strides[i] + index[i] % view.block_size : index[i] * strides[i];
    }
    kept.values.push_back(data[at]);
    for (std::uint32_t i = view.rank; i-- > 0;) {
      if (++index[i] < view.shape[i]) break;
      index[i] = 0;
    }
  }
  return kept;
}

float noise(std::uint64_t counter) {  // uniform in [-1, 1), by a 64-bit mix of the counter
  std::uint64_t x = counter * 0x9E3779B97F4A7C15ULL + 0x2545F4914F6CDD1DULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return static_cast<float>(x >> 40) / 8388608.0F - 1.0F;
}

std::map<Handle, Kept> run(const host::Registry &registry, const char *id, host::WorkingModel &working,
                           const std::vector<Handle> &emits) {
  const host::KernelIndex kernels(registry);
  host::Context ctx;
  ctx.working = &working;
  ctx.kernels = &kernels;
  const host::Instance executor(registry.get(HT_KIND_EXECUTOR, id), nullptr, ctx);
  host::SessionRequest request;
  request.emits = emits;
  const host::Session session(executor, ctx, request);
  std::vector<std::vector<float>> storage;
  std::vector<std::vector<std::int64_t>> shapes;
  std::vector<ht_tensor_view> inputs;
  for (const Handle h : session.inputs()) {
    const model::ValueType &type = working.model.value(h).type;
    if (type.dtype != HT_F32) fail(Status::kUnimplemented, "input '{}' is not float32", working.model.value(h).name);
    std::vector<std::int64_t> &shape = shapes.emplace_back();
    for (const model::Dim &dim : type.dims) shape.push_back(dim.extent > 0 ? dim.extent : (shape.empty() ? 1 : 48));
    std::vector<float> &data = storage.emplace_back(static_cast<std::size_t>(model::element_count(shape)));
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = noise(i);
  }
  for (std::size_t i = 0; i < storage.size(); ++i) {
    ht_tensor_view view{};
    view.struct_size = sizeof(view);
    view.dtype = HT_F32;
    view.rank = static_cast<std::uint32_t>(shapes[i].size());
    view.shape = shapes[i].data();
    view.data = storage[i].data();
    inputs.push_back(view);
  }
  std::map<Handle, Kept> kept;
  host::Context worker;
  session.run(worker, 0, inputs, [&](Handle value, const ht_tensor_view &view) {
    if (view.dtype == HT_F32) kept[value] = unpack(view);
  });
  return kept;
}

struct Worst {
  std::size_t compared = 0;
  double difference = 0;
};

// False, with a line about the first value, when one differs too much.
bool agree(const std::string &path, const model::Model &m, const std::vector<Handle> &emits,
           const std::map<Handle, Kept> &plain, const std::map<Handle, Kept> &fast, double tolerance, const char *how,
           Worst &worst) {
  for (const Handle h : emits) {
    const auto a = plain.find(h), b = fast.find(h);
    if (a == plain.end() || b == fast.end()) continue;
    const model::Node &node = m.node(m.value(h).producer);
    if (a->second.shape != b->second.shape) {
      std::printf("%s: '%s' of %s '%s' has another shape (%s)\n", path.c_str(), m.value(h).name.c_str(),
                  node.op_type.c_str(), node.name.c_str(), how);
      return false;
    }
    double largest = 0, difference = 0;
    for (std::size_t i = 0; i < a->second.values.size(); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(a->second.values[i])));
      difference = std::max(difference, std::abs(static_cast<double>(a->second.values[i]) - b->second.values[i]));
    }
    const double relative = difference / (largest + 1e-12);
    worst.difference = std::max(worst.difference, relative);
    ++worst.compared;
    if (!(relative <= tolerance)) {
      std::printf("%s: '%s' of %s '%s' differs by %g of its largest magnitude %g (%s)\n", path.c_str(),
                  m.value(h).name.c_str(), node.op_type.c_str(), node.name.c_str(), relative, largest, how);
      return false;
    }
  }
  return true;
}

int compare(const std::string &path, double tolerance) {
  const host::Registry registry = host::load_plugins({});
  host::WorkingModel working;
  working.model = model::import_onnx(path).model;
  const model::Model &m = working.model;
  std::vector<Handle> emits;
  for (const Handle node : m.topological_order(m.main_graph())) {
    for (const Handle out : m.node(node).outputs) {
      if (out != HT_NONE) emits.push_back(out);
    }
  }
  const auto plain = run(registry, "reference", working, emits);
  Worst worst;
  if (!agree(path, m, emits, plain, run(registry, "onednn", working, emits), tolerance, "all values emitted", worst))
    return 1;
  // What is not emitted may be fused: every seventh value, then the outputs alone.
  for (std::size_t offset = 0; offset < 7; ++offset) {
    std::vector<Handle> some;
    for (std::size_t i = offset; i < emits.size(); i += 7) some.push_back(emits[i]);
    if (!agree(path, m, some, plain, run(registry, "onednn", working, some), tolerance, "few values emitted", worst))
      return 1;
  }
  const std::vector<Handle> &outputs = m.graph(m.main_graph()).outputs;
  if (!agree(path, m, outputs, plain, run(registry, "onednn", working, outputs), tolerance, "outputs emitted", worst))
    return 1;
  std::printf("%s: %zu comparisons of %zu values, largest difference %.2e of the largest magnitude\n", path.c_str(),
              worst.compared, emits.size(), worst.difference);
  return worst.compared == 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char **argv) {
  try {
    return argc < 2 ? 2 : compare(argv[1], argc > 2 ? std::atof(argv[2]) : 2e-4);
  } catch (const Error &error) {
    std::printf("%s: %s\n", argv[1], error.what());
    return 1;
  }
}
