#include "tests/agree/dice.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace halftone::test {
namespace {

using model::Handle;
using model::Shape;

constexpr std::int64_t kOnnxFloat = 1, kOnnxInt8 = 3, kOnnxInt32 = 6, kOnnxInt64 = 7, kOnnxHalf = 10, kOnnxDouble = 11;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : net_(seed) {}

  DiceCase make() {
    using Rule = Handle (Dice::*)();
    static constexpr std::array<Rule, 15> kRules = {
        &Dice::conv,   &Dice::conv,    &Dice::conv_transpose, &Dice::pool,   &Dice::gemm,
        &Dice::matmul, &Dice::unary,   &Dice::binary,         &Dice::binary, &Dice::normalization,
        &Dice::reduce, &Dice::softmax, &Dice::concat,         &Dice::moved,  &Dice::pad};
    Handle y = (this->*kRules[net_.roll(kRules.size())])();
    // What runs inside the step before it, now and then.
    if (is_float_ && net_.roll(3) == 0) y = net_.node("Relu", {y});
    net_.output(y);
    return {std::move(net_), what_};
  }

 private:
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(net_.roll(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool maybe() { return net_.roll(2) == 0; }
  template <typename... Parts>
  void say(fmt::format_string<Parts...> text, Parts &&...parts) {
    what_ += fmt::format(text, std::forward<Parts>(parts)...);
  }

  Shape shape(std::int64_t least_rank, std::int64_t most_rank, std::int64_t most_extent) {
    Shape out;
    for (std::int64_t i = between(least_rank, most_rank); i > 0; --i) out.push_back(between(1, most_extent));
    if (!out.empty() && net_.roll(40) == 0) out[net_.roll(out.size())] = 0;
    return out;
  }
  Handle input(const Shape &shape) {
    say(" [{}]", fmt::join(shape, ","));
    return net_.input(shape);
  }
  // An input of float32, or of a type by dice.
  Handle typed(const Shape &shape) {
    static constexpr std::array<std::int64_t, 8> kTypes = {kOnnxFloat,  kOnnxFloat, kOnnxFloat, kOnnxHalf,
                                                           kOnnxDouble, kOnnxInt32, kOnnxInt64, kOnnxInt8};
    type_ = kTypes[net_.roll(kTypes.size())];
    return of_same_type(shape);
  }
  Handle of_same_type(const Shape &shape) {
    const Handle x = input(shape);
    if (type_ == kOnnxFloat) return x;
    say(" as type {}", type_);
    is_float_ = type_ == kOnnxHalf || type_ == kOnnxDouble;
    const Handle wide = is_float_ ? x : net_.node("Mul", {x, net_.weight({1}, 0, 50)});
    return net_.node("Cast", {wide}, {Net::integer("to", type_)});
  }

  // What convolutions and poolings share: kernel, strides, dilations and padding over `extents`.
  struct Window {
    Net::Ints kernel;
    Net::Attributes attributes;
  };
  Window window(const Shape &extents, bool may_dilate) {
    Window out;
    const std::size_t rank = extents.size();
    Net::Ints strides, dilations, pads(2 * rank, 0);
    const std::uint64_t padding = net_.roll(4);  // none, explicit twice, automatic
    for (std::size_t i = 0; i < rank; ++i) {
      const std::int64_t k = std::min(between(1, 4), extents[i]);
      const std::int64_t d = may_dilate && k > 1 && (k - 1) * 2 + 1 <= extents[i] ? between(1, 2) : 1;
      out.kernel.push_back(k);
      strides.push_back(between(1, 3));
      dilations.push_back(d);
      if (padding == 1 || padding == 2) pads[i] = between(0, k - 1), pads[rank + i] = between(0, k - 1);
    }
    out.attributes = {Net::ints("strides", strides)};
    if (may_dilate) out.attributes.push_back(Net::ints("dilations", dilations));
    if (padding == 3) {
      static constexpr std::array kAuto = {"SAME_UPPER", "SAME_LOWER", "VALID"};
      out.attributes.emplace_back("auto_pad", model::Attribute{std::string(kAuto[net_.roll(kAuto.size())])});
    } else {
      out.attributes.push_back(Net::ints("pads", pads));
    }
    say(" kernel {} padding {}", fmt::join(out.kernel, "x"), padding);
    return out;
  }
  // [N, C, ...] with 1 to 3 extents behind the channels.
  Shape picture(std::int64_t channels, std::int64_t most_extent) {
    Shape out = {between(1, 2), channels};
    for (std::int64_t i = between(1, 3); i > 0; --i) out.push_back(between(3, most_extent));
    return out;
  }
  static Shape extents_of(const Shape &shape) { return {shape.begin() + 2, shape.end()}; }

  Handle conv() {
    what_ = "Conv";
    const std::int64_t groups = between(0, 2) == 0 ? between(1, 6) : 1, in = groups * between(1, 5),
                       out = groups * between(1, 6);
    const Shape x = picture(in, 9);
    const Handle data = input(x);
    Window w = window(extents_of(x), true);
    Shape kernel = {out, in / groups};
    kernel.insert(kernel.end(), w.kernel.begin(), w.kernel.end());
    w.attributes.push_back(Net::integer("group", groups));
    say(" groups {} to {}", groups, out);
    std::vector<Handle> inputs = {data, net_.weight(kernel, 0.3F)};
    if (maybe()) inputs.push_back(net_.weight({out}));
    return net_.node("Conv", inputs, w.attributes);
  }

  Handle conv_transpose() {
    what_ = "ConvTranspose";
    const std::int64_t groups = between(0, 2) == 0 ? between(1, 4) : 1, in = groups * between(1, 4),
                       out = between(1, 4);
    const Shape x = picture(in, 6);
    const Handle data = input(x);
    const std::size_t rank = x.size() - 2;
    Shape kernel = {in, out};
    Net::Ints strides, pads(2 * rank, 0), more;
    for (std::size_t i = 0; i < rank; ++i) {
      kernel.push_back(between(1, 4));
      strides.push_back(between(1, 3));
      more.push_back(between(0, strides.back() - 1));
      pads[i] = between(0, kernel.back() - 1);
    }
    say(" kernel [{}] groups {}", fmt::join(kernel, ","), groups);
    std::vector<Handle> inputs = {data, net_.weight(kernel, 0.3F)};
    if (maybe()) inputs.push_back(net_.weight({out * groups}));
    return net_.node("ConvTranspose", inputs,
                     {Net::ints("strides", strides), Net::ints("pads", pads), Net::ints("output_padding", more),
                      Net::integer("group", groups)});
  }

  Handle pool() {
    const Shape x = picture(between(1, 9), 9);
    const std::uint64_t kind = net_.roll(4);
    what_ = kind == 0 ? "MaxPool" : kind == 1 ? "AveragePool" : kind == 2 ? "GlobalAveragePool" : "GlobalMaxPool";
    const Handle data = input(x);
    if (kind > 1) return net_.node(kind == 2 ? "GlobalAveragePool" : "GlobalMaxPool", {data});
    Window w = window(extents_of(x), kind == 0);
    w.attributes.push_back(Net::ints("kernel_shape", w.kernel));
    w.attributes.push_back(Net::integer("ceil_mode", between(0, 1)));
    if (kind == 1) w.attributes.push_back(Net::integer("count_include_pad", between(0, 1)));
    return net_.node(kind == 0 ? "MaxPool" : "AveragePool", {data}, w.attributes);
  }

  Handle gemm() {
    what_ = "Gemm";
    const std::int64_t m = between(1, 9), k = between(1, 40), n = between(1, 20), ta = between(0, 1),
                       tb = between(0, 1);
    const Shape a = ta == 1 ? Shape{k, m} : Shape{m, k}, b = tb == 1 ? Shape{n, k} : Shape{k, n};
    std::vector<Handle> inputs = {input(a), maybe() ? net_.weight(b) : input(b)};
    static constexpr int kForms = 6;
    const std::array<Shape, kForms> addends = {Shape{}, Shape{1}, Shape{n}, Shape{m, 1}, Shape{1, n}, Shape{m, n}};
    if (const auto form = net_.roll(kForms + 1); form < kForms) inputs.push_back(net_.weight(addends[form]));
    return net_.node("Gemm", inputs,
                     {Net::integer("transA", ta), Net::integer("transB", tb),
                      Net::number("alpha", maybe() ? 1.0F : 0.5F), Net::number("beta", maybe() ? 1.0F : -2.0F)});
  }

  Handle matmul() {
    what_ = "MatMul";
    const std::int64_t m = between(1, 7), k = between(1, 33), n = between(1, 17);
    Shape a = {m, k}, b = {k, n};
    const Shape batch = shape(0, 2, 3);
    if (maybe()) a.insert(a.begin(), batch.begin(), batch.end());
    if (maybe()) b.insert(b.begin(), batch.begin(), batch.end());
    if (net_.roll(8) == 0) a = {k};
    if (net_.roll(8) == 0) b = {k};
    const Handle left = input(a);
    return net_.node("MatMul", {left, maybe() ? net_.weight(b) : input(b)});
  }

  Handle unary() {
    static constexpr std::array kOperators = {"Relu", "Sigmoid", "Tanh",      "Exp",         "Abs",  "Neg",
                                              "Sqrt", "Elu",     "LeakyRelu", "HardSwish",   "Erf",  "Softplus",
                                              "Ceil", "Floor",   "Round",     "HardSigmoid", "Selu", "Reciprocal"};
    const std::string op = what_ = kOperators[net_.roll(kOperators.size())];
    const Shape of = shape(0, 5, 7);
    const bool any_type = op == "Abs" || op == "Neg";
    Handle x = any_type ? typed(of) : input(of);
    if (op == "Sqrt" || op == "Reciprocal") x = net_.node("Add", {x, net_.weight({}, 0, 1.5F)});
    return net_.node(op, {x});
  }

  // A shape that broadcasts to `full`, and perhaps of lower rank.
  Shape partner(const Shape &full) {
    Shape out = full;
    for (std::int64_t &extent : out) extent = net_.roll(3) == 0 && extent != 0 ? 1 : extent;
    out.erase(out.begin(), out.begin() + between(0, static_cast<std::int64_t>(out.size())));
    return out;
  }
  Handle binary() {
    static constexpr std::array kOperators = {"Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu"};
    const std::string op = what_ = kOperators[net_.roll(kOperators.size())];
    const Shape full = shape(0, 4, 6);
    const bool divides = op == "Div", slopes = op == "PRelu";
    const Handle a = divides || slopes ? input(full) : typed(full);
    const Shape other = partner(full);
    if (divides) return net_.node(op, {a, net_.node("Add", {input(other), net_.weight({}, 0, 2)})});
    const bool stored = type_ == kOnnxFloat && maybe();
    const Handle b = stored ? net_.weight(other) : of_same_type(other);
    return net_.node(op, slopes || maybe() ? std::vector{a, b} : std::vector{b, a});
  }

  Handle normalization() {
    const Shape x = picture(between(1, 10), 6);
    const std::int64_t channels = x[1];
    static constexpr std::array kOperators = {"BatchNormalization", "LRN", "InstanceNormalization",
                                              "LayerNormalization"};
    const std::uint64_t kind = net_.roll(kOperators.size());
    what_ = kOperators[kind];
    const Handle data = input(x);
    const auto per_channel = [&](float offset) { return net_.weight({channels}, 0.4F, offset); };
    if (kind == 0)
      return net_.node("BatchNormalization", {data, per_channel(1), per_channel(0), per_channel(0), per_channel(1)});
    if (kind == 1) return net_.node("LRN", {data}, {Net::integer("size", 1 + 2 * between(0, 2))});
    if (kind == 2) return net_.node("InstanceNormalization", {data, per_channel(1), per_channel(0)});
    const auto rank = static_cast<std::int64_t>(x.size());
    const std::int64_t axis = between(1, rank - 1);
    const Shape rest(x.begin() + axis, x.end());
    return net_.node("LayerNormalization", {data, net_.weight(rest, 0.3F, 1), net_.weight(rest)},
                     {Net::integer("axis", maybe() ? axis : axis - rank)});
  }

  // Distinct axes of a value, some of them counted from the end.
  Net::Ints axes(std::int64_t rank) {
    Net::Ints out;
    for (std::int64_t axis = 0; axis < rank; ++axis) {
      if (maybe()) out.push_back(maybe() ? axis : axis - rank);
    }
    if (out.empty()) out.push_back(between(0, rank - 1));
    return out;
  }
  Handle reduce() {
    static constexpr std::array kOperators = {"ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceSum"};
    const std::string op = what_ = kOperators[net_.roll(kOperators.size())];
    Shape of = shape(1, 4, 6);
    std::replace(of.begin(), of.end(), std::int64_t{0}, std::int64_t{1});  // the mean of nothing is no number
    const Handle x = input(of);
    const Net::Ints over = axes(static_cast<std::int64_t>(of.size()));
    say(" over [{}]", fmt::join(over, ","));
    const auto keep = Net::integer("keepdims", between(0, 1));
    if (op == "ReduceSum") return net_.node(op, {x, net_.integers(over)}, {keep});
    return net_.node(op, {x}, {Net::ints("axes", over), keep});
  }

  Handle softmax() {
    what_ = maybe() ? "Softmax" : "LogSoftmax";
    const std::string op = what_;
    Shape of = shape(1, 4, 9);
    std::replace(of.begin(), of.end(), std::int64_t{0}, std::int64_t{1});
    const auto rank = static_cast<std::int64_t>(of.size());
    const Handle x = input(of);
    return net_.node(op, {x}, {Net::integer("axis", between(-rank, rank - 1))});
  }

  Handle concat() {
    what_ = "Concat";
    Shape of = shape(1, 4, 6);
    const auto rank = static_cast<std::int64_t>(of.size());
    const std::int64_t axis = between(0, rank - 1);
    std::vector<Handle> parts = {typed(of)};
    for (std::int64_t i = between(0, 3); i > 0; --i) {
      of[static_cast<std::size_t>(axis)] = between(1, 9);
      parts.push_back(of_same_type(of));
    }
    return net_.node("Concat", parts, {Net::integer("axis", maybe() ? axis : axis - rank)});
  }

  Handle moved() {
    const Shape of = shape(1, 4, 7);
    const auto rank = static_cast<std::int64_t>(of.size());
    switch (net_.roll(4)) {
      case 0: {
        what_ = "Transpose";
        Net::Ints order;
        for (std::int64_t i = 0; i < rank; ++i) order.insert(order.begin() + between(0, i), i);
        const Handle x = typed(of);
        return net_.node("Transpose", {x}, {Net::ints("perm", order)});
      }
      case 1: {
        what_ = "Slice";
        const Handle x = typed(of);
        const std::int64_t axis = between(0, rank - 1), extent = of[static_cast<std::size_t>(axis)];
        const std::int64_t step = maybe() ? between(1, 3) : -between(1, 2);
        const std::int64_t first = between(-extent - 1, extent), last = between(-extent - 1, extent + 1);
        say(" {} from {} to {} by {}", axis, first, last, step);
        return net_.node(
            "Slice", {x, net_.integers({first}), net_.integers({last}), net_.integers({axis}), net_.integers({step})});
      }
      case 2: {
        what_ = "Flatten";
        const Handle x = typed(of);
        return net_.node("Flatten", {x}, {Net::integer("axis", between(-rank, rank))});
      }
      default: {
        what_ = "Clip";
        const Handle x = input(of);
        std::vector<Handle> inputs = {x, net_.weight({}, 0, -0.4F)};
        if (maybe()) inputs.push_back(net_.weight({}, 0, 0.3F));
        return net_.node("Clip", inputs);
      }
    }
  }

  Handle pad() {
    what_ = "Pad";
    Shape of = shape(1, 4, 6);
    std::replace(of.begin(), of.end(), std::int64_t{0}, std::int64_t{1});
    static constexpr std::array kModes = {"constant", "edge", "reflect"};
    const std::string mode = kModes[net_.roll(kModes.size())];
    Net::Ints pads;
    for (std::size_t i = 0; i < 2 * of.size(); ++i) {
      const std::int64_t extent = of[i % of.size()];
      const std::int64_t least = mode == "constant" && extent > 2 ? -1 : 0;
      pads.push_back(between(least, mode == "reflect" ? std::min<std::int64_t>(extent - 1, 3) : 3));
    }
    say(" {} by [{}]", mode, fmt::join(pads, ","));
    std::vector<Handle> inputs = {input(of), net_.integers(pads)};
    if (mode == "constant" && maybe()) inputs.push_back(net_.weight({}, 0, 0.7F));
    return net_.node("Pad", inputs, {{"mode", model::Attribute{mode}}});
  }

  Net net_;
  std::string what_;
  std::int64_t type_ = kOnnxFloat;
  bool is_float_ = true;
};

}  // namespace

DiceCase roll_case(std::uint64_t seed) {
  return Dice(seed).make();
}

}  // namespace halftone::test
