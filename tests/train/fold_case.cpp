#include "tests/train/fold_case.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "core/quant/arithmetic.h"

namespace halftone::test {
namespace {

using model::Handle;

template <typename T>
T next(std::istream &in) {
  T value{};
  REQUIRE(static_cast<bool>(in >> value));
  return value;
}

template <typename T>
std::vector<T> several(std::istream &in) {
  std::vector<T> out(next<std::size_t>(in));
  for (T &value : out) value = next<T>(in);
  return out;
}

std::size_t count_of(const std::vector<std::int64_t> &shape) {
  std::size_t n = 1;
  for (const std::int64_t extent : shape) n *= static_cast<std::size_t>(extent);
  return n;
}

// As noise() of tests/acceptance/gradients/make_fixtures.py.
Floats hashed(std::vector<std::int64_t> shape, std::uint64_t salt, double low, double high) {
  Floats out{std::move(shape), {}};
  for (std::uint64_t at = 1; at <= count_of(out.shape); ++at) {
    std::uint64_t x = at * 0x9E3779B97F4A7C15ULL + salt * 0xD1B54A32D192ED03ULL;
    x ^= x >> 29;
    x *= 0xBF58476D1CE4E5B9ULL;
    x ^= x >> 32;
    out.data.push_back(static_cast<float>(low + (high - low) * static_cast<double>(x >> 11) * 0x1p-53));
  }
  return out;
}

void read_tensor(std::istream &in, FoldCase &c) {
  const auto name = next<std::string>(in);
  if (next<std::string>(in) == "noise") {
    const auto salt = next<std::uint64_t>(in);
    const auto low = next<double>(in), high = next<double>(in);
    c.tensors[name] = hashed(several<std::int64_t>(in), salt, low, high);
    return;
  }
  Floats &to = c.tensors[name];
  to.shape = several<std::int64_t>(in);
  for (std::size_t i = 0; i < count_of(to.shape); ++i) to.data.push_back(next<float>(in));
}

void read_attribute(std::istream &in, FoldCase &c) {
  const auto name = next<std::string>(in), kind = next<std::string>(in);
  if (kind == "int") c.attributes.push_back(Net::integer(name, next<std::int64_t>(in)));
  if (kind == "float") c.attributes.push_back(Net::number(name, next<float>(in)));
  if (kind == "ints") c.attributes.push_back(Net::ints(name, several<std::int64_t>(in)));
}

FoldCase read_case(std::istream &in) {
  FoldCase c;
  c.name = next<std::string>(in);
  c.op = next<std::string>(in);
  c.frozen = next<int>(in) != 0;
  c.relu = next<int>(in) != 0;
  c.bias_step = next<float>(in);
  std::uint64_t target = 0;
  for (auto word = next<std::string>(in); word != "end"; word = next<std::string>(in)) {
    if (word == "attribute") read_attribute(in, c);
    if (word == "tensor") read_tensor(in, c);
    if (word == "step") c.step = next<float>(in);
    if (word == "oracle") c.oracle = next<std::string>(in);
    if (word == "rows") c.rows = several<std::int64_t>(in);
    if (word == "target") target = next<std::uint64_t>(in);
    if (word == "output") {
      c.output.shape = several<std::int64_t>(in);
      for (std::size_t i = 0; i < count_of(c.output.shape); ++i) c.output.data.push_back(next<float>(in));
      c.target = hashed(c.output.shape, target, -1, 1);
    }
    if (word == "after" || word == "gradient") {
      const auto name = next<std::string>(in);
      (word == "after" ? c.after : c.gradients)[name] = several<float>(in);
    }
  }
  return c;
}

double number_of(const FoldCase &c, const std::string &name, double otherwise) {
  for (const auto &[key, attribute] : c.attributes) {
    if (key != name) continue;
    if (const auto *whole = std::get_if<std::int64_t>(&attribute.data)) return static_cast<double>(*whole);
    if (const auto *real = std::get_if<float>(&attribute.data)) return double{*real};
  }
  return otherwise;
}

}  // namespace

std::vector<FoldCase> fold_cases() {
  std::ifstream in(std::string(HALFTONE_SOURCE) + "/tests/acceptance/gradients/folds.txt");
  std::vector<FoldCase> cases;
  for (std::string word; in >> word;) cases.push_back(read_case(in));
  REQUIRE(cases.size() > 20);
  return cases;
}

FoldNet::FoldNet(const FoldCase &fold_case) : known(fold_case) {
  std::vector<std::int64_t> row = known.tensors.at("data").shape;
  row[0] = 1;
  Handle y = net.input(row);
  if (known.tensors.contains("before")) {
    before = stored(known.tensors.at("before"));
    const bool matrix = row.size() == 2;
    y = matrix ? net.node("Gemm", {y, before}, {Net::integer("transB", 1)}) : net.node("Conv", {y, before});
  }
  y = folded_layer(y);
  output = known.relu ? net.node("Relu", {y}) : y;
  net.output(output);
}

Handle FoldNet::stored(const Floats &tensor) {
  model::Model &m = net.working.model;
  return m.add_initializer(m.main_graph(), m.unique_name(m.main_graph(), "stored"),
                           model::Tensor::from_floats({tensor.shape.begin(), tensor.shape.end()}, tensor.data));
}

Handle FoldNet::folded_layer(Handle x) {
  model::Model &m = net.working.model;
  if (known.op == "Gather") {
    weight = stored(known.tensors.at("weight"));
    const Handle found = net.node("Gather", {weight, net.integers(known.rows)});
    layer = m.value(found).producer;
    weight_config = quantize(0, known.step);
    return net.node("Mul", {x, found});
  }
  if (known.op == "BatchNormalization") {
    std::vector<Handle> inputs = {x};
    for (const char *name : {"gamma", "beta", "mean", "variance"}) inputs.push_back(stored(known.tensors.at(name)));
    weight = inputs[1];
    bias = inputs[2];
    const Handle y = net.node("BatchNormalization", inputs,
                              {Net::number("epsilon", kFoldEpsilon), Net::number("momentum", kFoldMomentum)});
    layer = m.value(y).producer;
    return y;
  }
  weight = stored(folded_weight());
  bias = stored(folded_bias());
  const Handle y = net.node(known.op, {x, weight, bias}, known.attributes);
  layer = m.value(y).producer;
  if (known.step != 0) weight_config = quantize(1, known.step);
  if (known.bias_step != 0) quantize(2, known.bias_step);
  return y;
}

// By the definition of the operators: element by element, without the library's view of channels.
Floats FoldNet::folded_weight() const {
  Floats w = known.tensors.at("weight");
  const auto groups = static_cast<std::size_t>(number_of(known, "group", 1));
  const auto first = static_cast<std::size_t>(w.shape[0]), second = static_cast<std::size_t>(w.shape[1]);
  const std::size_t inner = w.data.size() / (first * second);
  for (std::size_t i = 0; i < w.data.size(); ++i) {
    const std::size_t a = i / (inner * second), b = i / inner % second;
    std::size_t channel = a;
    if (known.op == "ConvTranspose") channel = a / (first / groups) * second + b;
    if (known.op == "Gemm" && number_of(known, "transB", 0) == 0) channel = b;
    const double deviation = std::sqrt(double{known.tensors.at("variance").data[channel]} + double{kFoldEpsilon});
    w.data[i] = static_cast<float>(double{w.data[i]} * double{known.tensors.at("gamma").data[channel]} / deviation);
  }
  return w;
}

Floats FoldNet::folded_bias() const {
  Floats b = known.tensors.at("bias");
  const double factor = known.op == "Gemm" ? number_of(known, "beta", 1) : 1;
  for (std::size_t c = 0; c < b.data.size(); ++c) {
    const auto at = [&](const char *name) { return double{known.tensors.at(name).data[c]}; };
    const double s = at("gamma") / std::sqrt(at("variance") + double{kFoldEpsilon});
    b.data[c] = static_cast<float>(((factor * double{b.data[c]} - at("mean")) * s + at("beta")) / factor);
  }
  return b;
}

Handle FoldNet::quantize(std::uint32_t slot, float step) {
  const ht_quant_spec spec = quant::make_spec(8, true, HT_SYMMETRIC);
  const Handle config = net.working.configs.create({layer, false, slot}, spec, quant::State::kInitial);
  net.working.configs.set_scales(config, std::vector<float>{step}, std::vector<std::int32_t>{0}, {});
  return config;
}

TrainRequest FoldNet::request(bool whole_weight) const {
  TrainRequest r;
  for (const Handle each : {before, weight, bias}) {
    if (each != HT_NONE) r.weights.push_back(each);
  }
  r.losses = {loss_of(HT_LOSS_MSE, output)};
  if (known.op == "Gather") return r;
  if (known.op == "BatchNormalization") {
    r.normalizations = {layer};
    return r;
  }
  ht_train_fold fold{};
  fold.struct_size = sizeof(fold);
  fold.batch_statistics = known.frozen ? 0 : 1;
  fold.node = layer;
  fold.gamma = known.tensors.at("gamma").data.data();
  fold.beta = known.tensors.at("beta").data.data();
  fold.mean = known.tensors.at("mean").data.data();
  fold.variance = known.tensors.at("variance").data.data();
  fold.channels = known.tensors.at("gamma").data.size();
  fold.epsilon = kFoldEpsilon;
  fold.momentum = kFoldMomentum;
  fold.weight = whole_weight ? known.tensors.at("weight").data.data() : nullptr;
  r.folds = {fold};
  return r;
}

}  // namespace halftone::test
