#include "tests/acceptance/operators/cases.h"

namespace halftone::test {
namespace {

void grid_sample(CaseNet &net, bool solid) {
  const std::vector<std::string> modes = {"bilinear", "nearest", "bicubic"}, solid_modes = {"linear", "nearest"};
  const std::vector<std::string> pads = {"zeros", "border", "reflection"};
  const std::string mode =
      solid ? solid_modes[static_cast<std::size_t>(net.draw(0, 1))] : modes[static_cast<std::size_t>(net.draw(0, 2))];
  const model::Shape x = solid ? model::Shape{1, 2, 3, 4, 5} : model::Shape{2, 2, 4, 5};
  const model::Shape grid = solid ? model::Shape{1, 2, 3, 4, 3} : model::Shape{2, 3, 4, 2};
  net.node("", "GridSample", {net.floats(x), net.floats(grid, -1.4F, 1.4F)},
           {{"mode", text(mode)},
            {"padding_mode", text(pads[static_cast<std::size_t>(net.draw(0, 2))])},
            {"align_corners", integer(net.draw(0, 1))}});
}

void roi_align(CaseNet &net) {
  std::vector<float> rois;
  for (int i = 0; i < 3; ++i) {
    const float x = net.number(-1, 4), y = net.number(-1, 4);
    rois.insert(rois.end(), {x, y, x + net.number(0.5F, 5), y + net.number(0.5F, 5)});
  }
  net.node("", "RoiAlign",
           {net.floats({2, 2, 7, 8}), net.constant(model::Tensor::from_floats({3, 4}, rois)), net.ints({0, 1, 0})},
           {{"output_height", integer(net.draw(1, 3))},
            {"output_width", integer(net.draw(1, 3))},
            {"sampling_ratio", integer(net.draw(0, 2))},
            {"spatial_scale", real(net.number(0.5F, 1.5F))},
            {"mode", text(net.coin() ? "avg" : "max")},
            {"coordinate_transformation_mode", text(net.coin() ? "half_pixel" : "output_half_pixel")}});
}

void max_roi_pool(CaseNet &net) {
  std::vector<float> rois;
  for (int i = 0; i < 3; ++i) {
    const auto x = static_cast<float>(net.draw(0, 4)), y = static_cast<float>(net.draw(0, 4));
    rois.insert(rois.end(), {static_cast<float>(net.draw(0, 1)), x, y, x + static_cast<float>(net.draw(0, 4)),
                             y + static_cast<float>(net.draw(0, 4))});
  }
  net.node("", "MaxRoiPool", {net.floats({2, 2, 7, 8}), net.constant(model::Tensor::from_floats({3, 5}, rois))},
           {{"pooled_shape", {Ints{net.draw(1, 3), net.draw(1, 3)}}}, {"spatial_scale", real(1.0F)}});
}

void lp_pool(CaseNet &net) {
  const std::int64_t axes = net.draw(1, 3);
  model::Shape shape = {1, 2};
  for (std::int64_t i = 0; i < axes; ++i) shape.push_back(net.draw(4, 6));
  const auto n = static_cast<std::size_t>(axes);
  net.node("", "LpPool", {net.floats(shape)},
           {{"kernel_shape", {Ints(n, net.draw(2, 3))}},
            {"strides", {Ints(n, net.draw(1, 2))}},
            {"pads", {Ints(2 * n, net.draw(0, 1))}},
            {"p", integer(net.draw(1, 3))}});
}

void pool(CaseNet &net, const std::string &op) {
  const std::int64_t axes = net.draw(1, 3);
  model::Shape shape = {1, 2};
  for (std::int64_t i = 0; i < axes; ++i) shape.push_back(net.draw(5, 8));
  const auto n = static_cast<std::size_t>(axes);
  Attributes attributes = {{"kernel_shape", {Ints(n, 3)}},
                           {"strides", {Ints(n, net.draw(1, 2))}},
                           {"pads", {Ints(2 * n, net.draw(0, 1))}},
                           {"ceil_mode", integer(net.draw(0, 1))}};
  if (op == "AveragePool") attributes.push_back({"count_include_pad", integer(net.draw(0, 1))});
  if (op == "MaxPool") attributes.push_back({"dilations", {Ints(n, net.draw(1, 2))}});
  net.node("", op, {net.floats(shape)}, attributes);
}

void transposed(CaseNet &net) {
  const std::int64_t axes = net.draw(1, 3), group = net.draw(1, 2), in = group * net.draw(1, 3), out = net.draw(1, 3);
  model::Shape x = {1, in}, w = {in, out};
  for (std::int64_t i = 0; i < axes; ++i) {
    x.push_back(net.draw(2, 5));
    w.push_back(net.draw(1, 3));
  }
  const auto n = static_cast<std::size_t>(axes);
  const std::int64_t stride = net.draw(1, 3);
  net.node("", "ConvTranspose", {net.floats(x), net.floats(w), net.floats({out * group})},
           {{"group", integer(group)},
            {"strides", {Ints(n, stride)}},
            {"dilations", {Ints(n, net.draw(1, 2))}},
            {"output_padding", {Ints(n, stride - 1)}}});
}

// Activations with their own parameters: those that need none leave the lists alone. The state is clipped.
void recurrent(CaseNet &net, const std::string &op, std::int64_t gates, std::size_t functions) {
  const std::vector<std::string> names = {"Sigmoid", "Tanh",       "LeakyRelu", "HardSigmoid",
                                          "Relu",    "ScaledTanh", "Softsign"};
  const std::int64_t steps = net.draw(1, 4), batch = net.draw(1, 3), in = net.draw(1, 4), hidden = net.draw(1, 4);
  const std::vector<std::string> directions = {"forward", "reverse", "bidirectional"};
  const std::string direction = directions[static_cast<std::size_t>(net.draw(0, 2))];
  const std::int64_t d = direction == "bidirectional" ? 2 : 1;
  // ONNX Runtime's RNN reads a parameter for each direction, whether its function has one or not.
  const std::int64_t last = op == "RNN" ? 3 : 6;
  std::vector<std::string> activations;
  std::vector<float> alpha, beta;
  for (std::size_t i = 0; i < functions * static_cast<std::size_t>(d); ++i) {
    activations.push_back(names[static_cast<std::size_t>(net.draw(0, last))]);
    const bool two = activations.back() == "HardSigmoid" || activations.back() == "ScaledTanh";
    if (two || activations.back() == "LeakyRelu") alpha.push_back(net.number(0.1F, 0.5F));
    if (two) beta.push_back(net.number(0.1F, 0.5F));
  }
  Attributes attributes = {
      {"hidden_size", integer(hidden)}, {"direction", text(direction)}, {"activations", {activations}}};
  if (op == "RNN") alpha = beta = std::vector<float>(static_cast<std::size_t>(d), 0.5F);
  if (!alpha.empty()) attributes.push_back({"activation_alpha", {alpha}});
  if (!beta.empty()) attributes.push_back({"activation_beta", {beta}});
  if (net.coin()) attributes.push_back({"clip", real(1.5F)});
  if (op == "GRU") attributes.push_back({"linear_before_reset", integer(net.draw(0, 1))});
  std::vector<model::Handle> inputs = {net.floats({steps, batch, in}),          net.floats({d, gates * hidden, in}),
                                       net.floats({d, gates * hidden, hidden}), net.floats({d, 2 * gates * hidden}),
                                       net.int32s({batch}, 1, steps),           net.floats({d, batch, hidden})};
  if (op == "LSTM") inputs.insert(inputs.end(), {net.floats({d, batch, hidden}), net.floats({d, 3 * hidden})});
  net.node("", op, inputs, attributes, op == "LSTM" ? 3 : 2);
}

void einsum(CaseNet &net) {
  const std::vector<std::string> equations = {"bhid,bhjd->bhij", "bhij,bhjd->bhid", "bhid,bhjd->b",
                                              "...id,...jd->...ij", "bhid,bhjd"};
  const std::int64_t i = net.draw(1, 4), j = net.coin() ? i : net.draw(1, 4), d = net.draw(1, 4);
  const auto which = static_cast<std::size_t>(net.draw(0, 4));
  const model::Shape left = which == 1 ? model::Shape{2, 3, i, j} : model::Shape{2, 3, i, d};
  net.node("", "Einsum", {net.floats(left), net.floats({2, 3, j, d})}, {{"equation", text(equations[which])}});
}

void dft(CaseNet &net) {
  const bool inverse = net.coin();
  const std::int64_t parts = net.draw(1, 2);
  const bool onesided = !inverse && parts == 1 && net.coin();
  net.node("", "DFT",
           {net.floats({2, net.draw(2, 17), parts}), HT_NONE, net.constant(model::Tensor::from_ints({}, Ints{1}))},
           {{"inverse", integer(inverse ? 1 : 0)}, {"onesided", integer(onesided ? 1 : 0)}});
}

void group_norm(CaseNet &net) {
  net.node("", "GroupNormalization", {net.floats({2, 6, 5}), net.floats({6}), net.floats({6})},
           {{"num_groups", integer(net.draw(1, 3))}});
}

void col2im(CaseNet &net) {
  const std::int64_t stride = net.draw(1, 2), d = net.draw(1, 2), pad = net.draw(0, 1), h = net.draw(5, 7),
                     w = net.draw(5, 7);
  const auto steps = [&](std::int64_t extent) { return (extent + 2 * pad - d * 1 - 1) / stride + 1; };
  net.node("", "Col2Im", {net.floats({1, 3 * 4, steps(h) * steps(w)}), net.ints({h, w}), net.ints({2, 2})},
           {{"strides", {Ints{stride, stride}}}, {"dilations", {Ints{d, d}}}, {"pads", {Ints(4, pad)}}});
}

}  // namespace

std::vector<Family> onnx_families() {
  return {
      {"grid_sample", kReal, 18, [](CaseNet &net) { grid_sample(net, false); }},
      {"grid_sample_3d", kReal, 20, [](CaseNet &net) { grid_sample(net, true); }},
      {"roi_align", kReal, 18, roi_align},
      {"max_roi_pool", kReal, 18, max_roi_pool},
      {"lp_pool", kReal, 18, lp_pool},
      {"max_pool", kReal, 18, [](CaseNet &net) { pool(net, "MaxPool"); }},
      // Below opset 19 ONNX Runtime counts what ceil_mode adds beyond the padding.
      {"average_pool", kReal, 19, [](CaseNet &net) { pool(net, "AveragePool"); }},
      {"conv_transpose", kReal, 18, transposed},
      {"lstm", kReal, 14, [](CaseNet &net) { recurrent(net, "LSTM", 4, 3); }},
      {"gru", kReal, 14, [](CaseNet &net) { recurrent(net, "GRU", 3, 2); }},
      {"rnn", kReal, 14, [](CaseNet &net) { recurrent(net, "RNN", 1, 1); }},
      {"einsum", kReal, 18, einsum},
      {"dft", {.relative = 1e-3}, 20, dft},
      {"group_norm", kReal, 21, group_norm},
      {"col2im", kReal, 18, col2im},
  };
}

}  // namespace halftone::test
