#include "tests/agree/net.h"

#include <algorithm>

#include "core/quant/arithmetic.h"

namespace halftone::test {
namespace {

using model::Handle;

// Builds a random net: each new node reads values that are there already.
class NetByDice {
 public:
  explicit NetByDice(std::uint64_t seed) : net_(seed) {}
  Net make() {
    const auto side = static_cast<std::int64_t>(8 + net_.roll(9));
    const auto channels = static_cast<std::int64_t>(1 + net_.roll(12));
    add(net_.input({1, channels, side, side + static_cast<std::int64_t>(net_.roll(3))}), channels);
    const std::uint64_t nodes = 4 + net_.roll(10);
    for (std::uint64_t i = 0; i < nodes; ++i) step();
    for (const Open &open : values_) {
      if (net_.working.model.value(open.value).consumers.empty()) net_.output(open.value);
    }
    return std::move(net_);
  }

 private:
  struct Open {
    Handle value;
    std::int64_t channels;
    std::uint64_t size;  // values of equal size have equal pixels
  };

  void add(Handle value, std::int64_t channels) { values_.push_back({value, channels, size_}); }
  Open pick() { return values_[values_.size() - 1 - net_.roll(std::min<std::size_t>(values_.size(), 3))]; }
  std::vector<Open> peers(const Open &of, bool same_channels) const {
    std::vector<Open> out;
    for (const Open &v : values_) {
      if (v.size == of.size && (!same_channels || v.channels == of.channels)) out.push_back(v);
    }
    return out;
  }

  void step() {
    const Open x = pick();
    switch (net_.roll(8)) {
      case 0:
      case 1:
      case 2:
        return conv(x);
      case 3:
        return eltwise(x);
      case 4:
        return binary(x);
      case 5:
        return concat(x);
      case 6:
        return per_channel(x);
      default:
        return pool(x);
    }
  }

  void conv(const Open &x) {
    const std::uint64_t kind = net_.roll(3);  // dense, depthwise, two groups
    std::int64_t groups = kind == 1 ? x.channels : (kind == 2 && x.channels % 2 == 0 ? 2 : 1);
    const auto out = groups * static_cast<std::int64_t>(1 + net_.roll(kind == 1 ? 2 : 10));
    const std::int64_t k = net_.roll(2) == 0 ? 1 : 3,
                       dilation = k == 3 ? static_cast<std::int64_t>(1 + net_.roll(2)) : 1;
    const std::int64_t pad = (k - 1) * dilation / 2;
    std::vector<Handle> inputs = {x.value, net_.weight({out, x.channels / groups, k, k}, 0.5F)};
    if (net_.roll(2) == 0) inputs.push_back(net_.weight({out}));
    const Handle y = net_.node("Conv", inputs,
                               {Net::ints("kernel_shape", {k, k}), Net::ints("pads", {pad, pad, pad, pad}),
                                Net::ints("dilations", {dilation, dilation}), Net::integer("group", groups)});
    values_.push_back({y, out, x.size});
    if (net_.roll(2) == 0) eltwise(values_.back());
  }

  void eltwise(const Open &x) {
    static const char *const kOps[] = {"Relu",      "Sigmoid", "Tanh",        "HardSwish",
                                       "LeakyRelu", "Elu",     "HardSigmoid", "Clip"};
    const std::string op = kOps[net_.roll(std::size(kOps))];
    std::vector<Handle> inputs = {x.value};
    if (op == "Clip") inputs.insert(inputs.end(), {net_.weight({}, 0, -0.5F), net_.weight({}, 0, 0.75F)});
    values_.push_back({net_.node(op, inputs), x.channels, x.size});
  }

  void binary(const Open &x) {
    static const char *const kOps[] = {"Add", "Sub", "Mul", "Max"};
    const auto others = peers(x, true);
    const Handle y = others[net_.roll(others.size())].value;
    const std::string op = kOps[net_.roll(std::size(kOps))];
    const bool swap = net_.roll(2) == 0;
    values_.push_back({net_.node(op, {swap ? y : x.value, swap ? x.value : y}), x.channels, x.size});
  }

  void concat(const Open &x) {
    const auto others = peers(x, false);
    const Open y = others[net_.roll(others.size())];
    values_.push_back(
        {net_.node("Concat", {x.value, y.value}, {Net::integer("axis", 1)}), x.channels + y.channels, x.size});
  }

  void per_channel(const Open &x) {
    if (net_.roll(2) == 0) {
      const Handle c = net_.roll(2) == 0 ? net_.weight({1, x.channels, 1, 1}) : net_.weight({}, 1, 0.5F);
      const bool first = net_.roll(2) == 0;
      const std::string op = net_.roll(2) == 0 ? "Add" : "Mul";
      values_.push_back({net_.node(op, {first ? x.value : c, first ? c : x.value}), x.channels, x.size});
      return;
    }
    std::vector<Handle> inputs = {x.value};
    for (int i = 0; i < 3; ++i) inputs.push_back(net_.weight({x.channels}));
    inputs.push_back(net_.weight({x.channels}, 0.4F, 1.0F));
    values_.push_back({net_.node("BatchNormalization", inputs), x.channels, x.size});
  }

  void pool(const Open &x) {
    const std::string op = net_.roll(2) == 0 ? "MaxPool" : "AveragePool";
    const bool shrink = net_.roll(4) == 0 && shrinks_++ < 1;
    const std::int64_t stride = shrink ? 2 : 1;
    const Handle y = net_.node(
        op, {x.value},
        {Net::ints("kernel_shape", {3, 3}), Net::ints("pads", {1, 1, 1, 1}), Net::ints("strides", {stride, stride})});
    values_.push_back({y, x.channels, shrink ? ++last_size_ : x.size});
  }

  Net net_;
  std::vector<Open> values_;
  std::uint64_t size_ = 0, last_size_ = 0, shrinks_ = 0;
};

}  // namespace

Handle Net::input(const model::Shape &shape) {
  model::ValueType type{HT_F32, true, {}};
  for (const std::int64_t extent : shape) type.dims.push_back({extent, {}});
  model::Model &m = working.model;
  const Handle value = m.add_value(m.main_graph(), m.unique_name(m.main_graph(), "x"), type);
  m.mark_input(value);
  input_shapes_.push_back(shape);
  return value;
}

Handle Net::weight(const model::Shape &shape, float scale, float offset) {
  const model::Tensor raw = random_tensor(shape, random_());
  std::vector<float> numbers(raw.floats().begin(), raw.floats().end());
  for (float &x : numbers) x = x * scale + offset;
  model::Model &m = working.model;
  return m.add_initializer(m.main_graph(), m.unique_name(m.main_graph(), "w"),
                           model::Tensor::from_floats(shape, numbers));
}

Handle Net::integers(const Ints &values) {
  model::Model &m = working.model;
  return m.add_initializer(m.main_graph(), m.unique_name(m.main_graph(), "i"),
                           model::Tensor::from_ints({static_cast<std::int64_t>(values.size())}, values));
}

Handle Net::node(const std::string &op, std::vector<Handle> inputs, const Attributes &attributes) {
  model::Model &m = working.model;
  const Handle out = m.add_value(m.main_graph(), m.unique_name(m.main_graph(), op + "_out"));
  const Handle outputs[] = {out};
  const Handle made = m.add_node(m.main_graph(), op, "", m.value(out).name + "_node", inputs, outputs);
  for (const auto &[name, attribute] : attributes) m.set_attribute(made, name, attribute);
  return out;
}

std::vector<model::Tensor> Net::sample(std::uint64_t seed) const {
  std::vector<model::Tensor> out;
  for (const model::Shape &shape : input_shapes_) out.push_back(random_tensor(shape, seed + out.size()));
  return out;
}

Net random_net(std::uint64_t seed) {
  return NetByDice(seed).make();
}

void quantize(Net &net, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  model::Model &m = net.working.model;
  const auto put = [&](const quant::SlotKey &key, Handle value) {
    const bool parameter = m.value(value).initializer.has_value();
    ht_quant_spec spec = quant::make_spec(8, true, HT_SYMMETRIC);
    std::size_t scales = 1;
    if (parameter && m.value(value).initializer->shape().size() == 4) {
      spec.granularity = HT_PER_CHANNEL;
      spec.axis = 0;
      scales = static_cast<std::size_t>(m.value(value).initializer->shape()[0]);
    }
    const Handle config = net.working.configs.create(key, spec, quant::State::kInitial);
    // Two scales in use, so that slots with equal and with different quantizers meet. Both are powers of two: sums of
    // products of quantized numbers are then exact in any order, and no difference in rounding can cross a step.
    const std::vector<float> steps(scales, random() % 2 == 0 ? 0.03125F : 0.0625F);
    net.working.configs.set_scales(config, steps, std::vector<std::int32_t>(scales, 0), {});
  };
  for (const Handle handle : m.topological_order(m.main_graph())) {
    const model::Node node = m.node(handle);
    const bool weighted = std::any_of(node.inputs.begin(), node.inputs.end(),
                                      [&](Handle v) { return m.value(v).initializer.has_value(); });
    if (!weighted && random() % 4 == 0) continue;
    for (std::uint32_t i = 0; i < node.inputs.size(); ++i) {
      if (weighted || random() % 3 != 0) put({handle, false, i}, node.inputs[i]);
    }
    if (random() % 2 == 0) put({handle, true, 0}, node.outputs[0]);
  }
}

}  // namespace halftone::test
