#include "core/check/made_models.h"

#include <cstring>
#include <initializer_list>
#include <random>

#include <fmt/core.h>

#include "core/base/file.h"
#include "core/model/model.h"
#include "core/model/onnx_io.h"

namespace halftone::check {

namespace {

using model::Handle;
using model::Shape;
using Ints = std::vector<std::int64_t>;

// Draws that are the same wherever they are drawn: a distribution of the standard library need not be.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : engine_(seed) {}
  float next() { return static_cast<float>(static_cast<double>(engine_() >> 40) / 8388608.0 - 1.0); }  // -1 to 1
  std::vector<float> floats(std::int64_t count, float scale = 1) {
    std::vector<float> out(static_cast<std::size_t>(count));
    for (float &value : out) value = next() * scale;
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

class Maker {
 public:
  Maker(std::string name, std::uint64_t seed) : draws_(seed) {
    made.name = std::move(name);
    made.set_opset("", 13);
  }
  Handle input(const std::string &name, std::initializer_list<std::int64_t> shape) {
    const Handle value = made.add_value(made.main_graph(), name, type(shape));
    made.mark_input(value);
    return value;
  }
  Handle weight(const std::string &name, const Shape &shape, float scale = 0.5f) {
    return made.add_initializer(made.main_graph(), name,
                                model::Tensor::from_floats(shape, draws_.floats(model::element_count(shape), scale)));
  }
  Handle constant(const std::string &name, const Shape &shape, const std::vector<float> &values) {
    return made.add_initializer(made.main_graph(), name, model::Tensor::from_floats(shape, values));
  }
  Handle ints(const std::string &name, const Ints &values) {
    return made.add_initializer(made.main_graph(), name,
                                model::Tensor::from_ints({static_cast<std::int64_t>(values.size())}, values));
  }
  Handle node(const std::string &op, const std::string &name, const std::vector<Handle> &inputs,
              const std::string &output) {
    const Handle value = made.add_value(made.main_graph(), output);
    last = made.add_node(made.main_graph(), op, "", name, inputs, std::vector<Handle>{value});
    return value;
  }
  void attribute(const char *name, Ints values) { made.set_attribute(last, name, {std::move(values)}); }
  void attribute(const char *name, std::int64_t value) { made.set_attribute(last, name, {value}); }
  void output(Handle value) { made.mark_output(value); }
  model::Model finish() {
    model::infer_shapes(made);
    return std::move(made);
  }

  model::Model made;
  Handle last = HT_NONE;

 private:
  static model::ValueType type(std::initializer_list<std::int64_t> shape) {
    model::ValueType out{HT_F32, true, {}};
    for (const std::int64_t extent : shape) out.dims.push_back({extent, extent < 0 ? "N" : ""});
    return out;
  }
  Draws draws_;
};

// Convolutions plain, depthwise and residual, a normalization, activations, pooling and a classifier.
model::Model convolutional(std::uint64_t seed) {
  Maker m("convolutional", seed);
  const Handle x = m.input("x", {-1, 3, 8, 8});
  Handle y = m.node("Conv", "stem", {x, m.weight("stem.w", {8, 3, 3, 3}), m.weight("stem.b", {8})}, "stem.y");
  m.attribute("pads", {1, 1, 1, 1});
  y = m.node("BatchNormalization", "norm",
             {y, m.constant("norm.scale", {8}, {1, 2, 1, .5f, 1, 1, 3, 1}), m.weight("norm.b", {8}),
              m.weight("norm.mean", {8}), m.constant("norm.var", {8}, {1, 1, 2, 1, 1, .25f, 1, 1})},
             "norm.y");
  const Handle trunk = m.node("Relu", "relu", {y}, "relu.y");
  y = m.node("Conv", "depthwise", {trunk, m.weight("depthwise.w", {8, 1, 3, 3})}, "depthwise.y");
  m.attribute("pads", {1, 1, 1, 1});
  m.attribute("group", 8);
  y = m.node("Clip", "relu6", {y, m.constant("zero", {}, {0}), m.constant("six", {}, {6})}, "relu6.y");
  y = m.node("Conv", "pointwise", {y, m.weight("pointwise.w", {8, 8, 1, 1}), m.weight("pointwise.b", {8})},
             "pointwise.y");
  y = m.node("Add", "residual", {y, trunk}, "residual.y");
  y = m.node("GlobalAveragePool", "pool", {y}, "pool.y");
  y = m.node("Flatten", "flatten", {y}, "flatten.y");
  y = m.node("Gemm", "classify", {y, m.weight("classify.w", {4, 8}), m.weight("classify.b", {4})}, "logits");
  m.attribute("transB", 1);
  m.output(y);
  m.output(m.node("Softmax", "softmax", {y}, "probabilities"));
  return m.finish();
}

// Names that need quotes, a weight that two nodes read, empty optional slots, what nobody reads, a channel of zeros,
// one that is constant, scalars, rank 3, a value that is output and inner value at once, and another spelling of a
// constant.
model::Model unusual(std::uint64_t seed) {
  Maker m("name with spaces, \"quotes\" and \xE5\x90\x8D", seed);
  const Handle x = m.input("x:0/\xC3\xA9\xE2\x82\xAC", {-1, 5, 6});
  std::vector<float> values(36);
  for (std::size_t i = 0; i < 36; ++i) values[i] = i % 6 == 2 ? 0 : static_cast<float>(i % 7) / 4 - 0.75f;
  const Handle shared = m.constant("a weight\twith a tab", {6, 6}, values);
  Handle y = m.node("MatMul", "mat mul 'one'", {x, shared}, "y one");
  y = m.node("Identity", "1", {y}, "2");
  Handle z = m.node("MatMul", "mat/mul/two", {y, shared}, "y two");
  z = m.node("Clip", "clip\\without low", {z, HT_NONE, m.constant("limit", {}, {2})}, "clipped");
  m.node("Exp", "nobody reads it", {z}, "unread");
  m.constant("nobody reads it either", {3}, {1, 2, 3});
  y = m.node("Mul", "times zero", {y, m.constant("0", {1}, {0})}, "zeros");
  const Handle joined = m.node("Concat", "concat", {z, y, x}, "joined");
  m.attribute("axis", -1);
  m.output(z);
  Handle turned = m.node("Transpose", "transpose", {joined}, "turned");
  m.attribute("perm", {0, 2, 1});
  turned = m.node("Reshape", "reshape", {turned, m.ints("shape", {0, -1})}, "flat");
  m.output(m.node("Sigmoid", "sigmoid", {turned}, "out put"));
  return m.finish();
}

// No node at all: a constant is the output.
model::Model empty() {
  Maker m("empty", 0);
  m.output(m.constant("answer", {2}, {1, 2}));
  return std::move(m.made);
}

constexpr std::int64_t kSamples = 6;

}  // namespace

void write_npy(const std::filesystem::path &file, const std::vector<std::int64_t> &shape,
               const std::vector<float> &values) {
  std::string extents;
  for (const std::int64_t extent : shape) extents += fmt::format("{}, ", extent);
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", extents);
  header.append(63 - (10 + header.size()) % 64, ' ').push_back('\n');
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  const std::size_t begin = bytes.size();
  bytes.resize(begin + values.size() * sizeof(float));
  std::memcpy(bytes.data() + begin, values.data(), values.size() * sizeof(float));
  write_file_atomically(file, bytes);
}

std::vector<MadeModel> made_models(const std::filesystem::path &folder) {
  return {{"a convolutional network", folder / "convolutional.onnx", folder / "convolutional.npy"},
          {"a network with unusual names and shapes", folder / "unusual.onnx", folder / "unusual.npy"},
          {"an empty graph", folder / "empty.onnx", {}}};
}

std::vector<MadeModel> write_made_models(const std::filesystem::path &folder, std::uint64_t seed) {
  const std::vector<MadeModel> all = made_models(folder);
  model::export_onnx(convolutional(seed), all[0].model);
  model::export_onnx(unusual(seed), all[1].model);
  model::export_onnx(empty(), all[2].model);
  Draws draws(seed + 1);
  write_npy(all[0].samples, {kSamples, 3, 8, 8}, draws.floats(kSamples * 3 * 8 * 8, 2));
  write_npy(all[1].samples, {kSamples, 5, 6}, draws.floats(kSamples * 5 * 6));
  return all;
}

}  // namespace halftone::check
