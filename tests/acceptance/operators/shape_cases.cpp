#include "tests/acceptance/operators/cases.h"

namespace halftone::test {
namespace {

std::string one_of(CaseNet &net, const std::vector<std::string> &names) {
  return names[static_cast<std::size_t>(net.draw(0, static_cast<std::int64_t>(names.size()) - 1))];
}

void resize(CaseNet &net) {
  const std::int64_t h = net.draw(3, 7), w = net.draw(3, 7);
  const std::string mode = one_of(net, {"nearest", "linear", "cubic"});
  const std::string coordinates =
      one_of(net, {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"});
  Attributes attributes = {{"mode", text(mode)}, {"coordinate_transformation_mode", text(coordinates)}};
  if (mode == "nearest") {
    attributes.push_back(
        {"nearest_mode", text(one_of(net, {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}))});
  }
  if (mode == "cubic") {
    attributes.push_back({"cubic_coeff_a", real(net.coin() ? -0.75F : -0.5F)});
    attributes.push_back({"exclude_outside", integer(net.draw(0, 1))});
  }
  const auto x = net.floats({1, 2, h, w});
  // Sizes that divide give scales that float32 holds, so that no coordinate falls on another side of a tie.
  const auto sizes = net.ints({1, 2, net.coin() ? 2 * h : 4 * h, net.coin() ? w : 2 * w});
  net.node("", "Resize", {x, HT_NONE, HT_NONE, sizes}, attributes);
}

void antialias(CaseNet &net) {
  const std::int64_t h = net.draw(4, 9), w = net.draw(4, 9);
  net.node("", "Resize", {net.floats({1, 2, h, w}), HT_NONE, HT_NONE, net.ints({1, 2, net.draw(2, h), net.draw(2, w)})},
           {{"mode", text(net.coin() ? "linear" : "cubic")}, {"antialias", integer(1)}});
}

void conv(CaseNet &net) {
  const std::int64_t axes = net.draw(1, 3), group = net.draw(1, 2), in = group * net.draw(1, 3),
                     out = group * net.draw(1, 3);
  model::Shape x = {net.draw(1, 2), in}, w = {out, in / group};
  for (std::int64_t i = 0; i < axes; ++i) {
    x.push_back(net.draw(5, 8));
    w.push_back(net.draw(1, 3));
  }
  const auto n = static_cast<std::size_t>(axes);
  const std::string pad = one_of(net, {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"});
  Attributes attributes = {{"group", integer(group)}, {"auto_pad", text(pad)}, {"strides", {Ints(n, net.draw(1, 2))}}};
  if (pad == "NOTSET") {
    attributes.push_back({"pads", {Ints(2 * n, net.draw(0, 2))}});
    attributes.push_back({"dilations", {Ints(n, net.draw(1, 2))}});
  }
  net.node("", "Conv", {net.floats(x), net.floats(w), net.floats({out})}, attributes);
}

void pad(CaseNet &net) {
  const std::string mode = one_of(net, {"constant", "reflect", "edge", "wrap"});
  Ints pads;
  for (int i = 0; i < 6; ++i) pads.push_back(net.draw(mode == "constant" ? -1 : 0, 2));
  std::vector<model::Handle> inputs = {net.floats({3, 4, 5}), net.ints(pads)};
  if (mode == "constant") inputs.push_back(net.scalar(0.5F));
  net.node("", "Pad", inputs, {{"mode", text(mode)}});
}

void scatter(CaseNet &net) {
  const std::int64_t axis = net.draw(0, 1), n = net.draw(1, 4);
  Ints indices;
  for (std::int64_t i = 0; i < 3 * n; ++i) indices.push_back(net.draw(-4, 3));
  const model::Shape shape = axis == 0 ? model::Shape{n, 3} : model::Shape{3, n};
  const auto where = net.constant(model::Tensor::from_ints(shape, indices));
  net.node("", "ScatterElements", {net.floats({4, 4}), where, net.floats(shape)},
           {{"axis", integer(axis)}, {"reduction", text(one_of(net, {"add", "mul", "max", "min"}))}});
}

void suppress(CaseNet &net) {
  const std::int64_t n = net.draw(1, 12);
  const bool centered = net.coin();
  std::vector<float> boxes;
  for (std::int64_t i = 0; i < 2 * n; ++i) {
    const float y = net.number(0, 1), x = net.number(0, 1);
    const float height = net.number(0.2F, 1), width = net.number(0.2F, 1);
    if (centered)
      boxes.insert(boxes.end(), {x, y, width, height});
    else
      boxes.insert(boxes.end(), {y, x, y + height, x + width});
  }
  net.node("", "NonMaxSuppression",
           {net.constant(model::Tensor::from_floats({2, n, 4}, boxes)), net.floats({2, 3, n}, 0, 1),
            net.ints({net.draw(1, 5)}), net.floats({1}, 0.2F, 0.7F), net.floats({1}, 0, 0.4F)},
           {{"center_point_box", integer(centered ? 1 : 0)}});
}

void unique(CaseNet &net) {
  Ints values;
  for (int i = 0; i < 24; ++i) values.push_back(net.draw(0, 2));
  Attributes attributes = {{"sorted", integer(net.draw(0, 1))}};
  if (net.coin()) attributes.push_back({"axis", integer(net.draw(0, 2))});
  net.node("", "Unique", {net.constant(model::Tensor::from_ints({4, 3, 2}, values))}, attributes, 4);
}

void loss(CaseNet &net) {
  const std::int64_t n = net.draw(1, 4), classes = net.draw(2, 5), d = net.draw(1, 3);
  Ints targets;
  for (std::int64_t i = 0; i < n * d; ++i) targets.push_back(net.draw(0, classes - 1));
  targets[0] = 0;
  Attributes attributes = {{"reduction", text(one_of(net, {"none", "sum", "mean"}))}};
  if (net.coin()) attributes.push_back({"ignore_index", integer(classes - 1)});
  net.node("", "SoftmaxCrossEntropyLoss",
           {net.floats({n, classes, d}), net.constant(model::Tensor::from_ints({n, d}, targets)),
            net.floats({classes}, 0.1F, 2)},
           attributes, 2);
}

}  // namespace

std::vector<Family> shape_families() {
  return {
      {"resize", kReal, 19, resize},
      {"resize_antialias", kReal, 18, antialias},
      {"conv", kReal, 18, conv},
      {"pad", kReal, 19, pad},
      {"scatter_elements", kReal, 18, scatter},
      {"non_max_suppression", {.relative = 0}, 11, suppress},
      {"unique", {.relative = 0}, 11, unique},
      {"cross_entropy", kReal, 13, loss},
  };
}

}  // namespace halftone::test
