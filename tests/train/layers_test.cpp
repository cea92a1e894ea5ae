// Convolutions of all kinds and products, forward against the reference executor and backward against central
// differences; what a session refuses.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "core/base/error.h"
#include "tests/agree/net.h"
#include "tests/train/rig.h"

namespace halftone::test {
namespace {

using model::Handle;

// The loss is a polynomial of each weight, of degree 2, so that differences are exact but for rounding.
void check_gradients(Net &net, const Floats &input) {
  const model::Model &m = net.working.model;
  TrainRequest request;
  request.weights = weights_of(m, true);
  request.losses = {loss_of(HT_LOSS_MSE, m.graph(m.main_graph()).outputs.front())};
  TrainRig rig(net.working, request);
  const Handle output = m.graph(m.main_graph()).outputs.front();
  const auto want = execute(net.working, "reference", false, input, {output});
  CHECK(distance(rig.evaluate({input}).at(output).data, want.at(output).data) < 1e-5);
  Floats target = noise(want.at(output).shape, 9);
  rig.accumulate({input}, {target});
  for (const Handle weight : request.weights) {
    const std::vector<float> gradient = rig.gradient(HT_LEARNED_WEIGHT, weight);
    double size = 0;
    for (const float g : gradient) size = std::max(size, std::fabs(double{g}));
    for (const std::size_t element : {std::size_t{0}, gradient.size() / 2, gradient.size() - 1}) {
      const Floats start{m.value(weight).initializer->shape(), rig.read(HT_LEARNED_WEIGHT, weight)};
      const auto loss_at = [&](float step) {
        Floats moved = start;
        moved.data[element] += step;
        rig.write(HT_LEARNED_WEIGHT, weight, moved);
        ht_train_result result{};
        rig.evaluate({input}, {target}, &result);
        return result.loss;
      };
      const double found = (loss_at(0.125F) - loss_at(-0.125F)) / 0.25;
      rig.write(HT_LEARNED_WEIGHT, weight, start);
      INFO(m.value(weight).name, " element ", element);
      CHECK(double{gradient[element]} == doctest::Approx(found).epsilon(2e-3).scale(size));
    }
  }
}

// A layer between two others, so that gradients pass its data too.
void check_layer(const model::Shape &shape, const std::function<Handle(Net &, Handle)> &layer) {
  Net net(3);
  const std::int64_t channels = shape[1];
  const std::vector<std::int64_t> ones(shape.size() - 2, 1);
  model::Shape first = {channels, channels}, row = shape;
  first.insert(first.end(), ones.begin(), ones.end());
  row[0] = 1;
  const Handle x = net.node("Conv", {net.input(row), net.weight(first, 0.5F), net.weight({channels})});
  net.output(layer(net, x));
  check_gradients(net, noise({shape.begin(), shape.end()}, 2));
}

TEST_CASE("convolutions of one to three axes, in groups, with strides, dilations and uneven pads") {
  check_layer({5, 6, 9, 11}, [](Net &n, Handle x) {
    return n.node("Conv", {x, n.weight({8, 6, 3, 3}, 0.3F), n.weight({8})}, {Net::ints("pads", {1, 0, 2, 1})});
  });
  check_layer({11, 16, 9, 11}, [](Net &n, Handle x) {  // shards of 2 rows and of 1
    return n.node("Conv", {x, n.weight({20, 16, 3, 3}, 0.2F), n.weight({20})}, {Net::ints("pads", {1, 1, 1, 1})});
  });
  check_layer({3, 6, 9, 11}, [](Net &n, Handle x) {
    return n.node("Conv", {x, n.weight({12, 2, 3, 3}, 0.3F)}, {Net::integer("group", 3), Net::ints("strides", {2, 1})});
  });
  check_layer({3, 6, 9, 11}, [](Net &n, Handle x) {
    return n.node("Conv", {x, n.weight({6, 1, 3, 3}, 0.3F), n.weight({6})},
                  {Net::integer("group", 6), Net::ints("dilations", {2, 2}), Net::ints("pads", {2, 2, 2, 2})});
  });
  check_layer({4, 4, 13}, [](Net &n, Handle x) {
    return n.node("Conv", {x, n.weight({5, 4, 4}, 0.3F), n.weight({5})}, {Net::ints("strides", {2})});
  });
  check_layer({2, 3, 5, 6, 7}, [](Net &n, Handle x) {
    return n.node("Conv", {x, n.weight({4, 3, 3, 3, 3}, 0.3F), n.weight({4})});
  });
}

TEST_CASE("transposed convolutions") {
  check_layer({3, 4, 5, 6}, [](Net &n, Handle x) {
    return n.node("ConvTranspose", {x, n.weight({4, 6, 3, 3}, 0.3F), n.weight({6})},
                  {Net::ints("strides", {2, 2}), Net::ints("pads", {1, 1, 1, 1}), Net::ints("output_padding", {1, 1})});
  });
  check_layer({3, 4, 5, 6}, [](Net &n, Handle x) {
    return n.node("ConvTranspose", {x, n.weight({4, 3, 3, 3}, 0.3F)}, {Net::integer("group", 2)});
  });
  check_layer({3, 4, 7}, [](Net &n, Handle x) {
    return n.node("ConvTranspose", {x, n.weight({4, 3, 3}, 0.3F), n.weight({3})}, {Net::ints("strides", {2})});
  });
  check_layer({2, 3, 3, 4, 5}, [](Net &n, Handle x) {
    return n.node("ConvTranspose", {x, n.weight({3, 4, 2, 2, 2}, 0.3F)});
  });
  // A form that is left to the plain kernel and gradient.
  check_layer({3, 4, 5, 6}, [](Net &n, Handle x) {
    return n.node("ConvTranspose", {x, n.weight({4, 6, 3, 3}, 0.3F)},
                  {Net::ints("strides", {2, 2}), Net::ints("output_shape", {10, 12})});
  });
}

TEST_CASE("slices and pads of channels-last data") {
  const auto then_conv = [](Net &n, Handle y, std::int64_t channels) {
    return n.node("Conv", {y, n.weight({2, channels, 2, 2}, 0.3F)});
  };
  check_layer({3, 6, 9, 11}, [&](Net &n, Handle x) {
    const Handle y = n.node(
        "Slice", {x, n.integers({1, -4, 0}), n.integers({100, -1, 11}), n.integers({2, 1, -1}), n.integers({2, 1, 3})});
    return then_conv(n, y, 3);
  });
  check_layer({3, 4, 5, 6}, [&](Net &n, Handle x) {
    return then_conv(n, n.node("Pad", {x, n.integers({0, 1, 2, 0, 0, 2, 0, 3}), n.weight({}, 0, 0.5F)}), 7);
  });
  check_layer({3, 4, 5, 6}, [&](Net &n, Handle x) {  // backwards: the plain kernel
    return then_conv(n, n.node("Slice", {x, n.integers({3}), n.integers({-100}), n.integers({1}), n.integers({-1})}),
                     4);
  });
}

TEST_CASE("means over all positions, and those of windows") {
  const auto then_conv = [](Net &n, Handle y) { return n.node("Conv", {y, n.weight({2, 5, 1, 1}, 0.3F)}); };
  check_layer({3, 5, 6, 7}, [&](Net &n, Handle x) { return then_conv(n, n.node("GlobalAveragePool", {x})); });
  check_layer({3, 5, 6, 7}, [&](Net &n, Handle x) {
    return then_conv(n, n.node("AveragePool", {x}, {Net::ints("kernel_shape", {6, 7}), Net::ints("strides", {3, 3})}));
  });
  check_layer({3, 5, 6, 7}, [&](Net &n, Handle x) {  // more windows than one: the plain kernel
    return then_conv(n,
                     n.node("AveragePool", {x}, {Net::ints("kernel_shape", {6, 7}), Net::ints("pads", {0, 0, 1, 2})}));
  });
  check_layer({3, 5, 6, 7}, [&](Net &n, Handle x) {
    return then_conv(n, n.node("AveragePool", {x}, {Net::ints("kernel_shape", {2, 3}), Net::ints("strides", {2, 2})}));
  });
}

TEST_CASE("what others read, or own, is not written over") {
  Net net(4);
  const Handle x = net.input({1, 4, 5, 6});
  const Handle a = net.node("Add", {x, net.node("Relu", {x})});  // of the caller's memory
  const Handle b = net.node("Conv", {a, net.weight({4, 4, 1, 1}, 0.5F), net.weight({4})});
  const Handle twice = net.node("Add", {b, b});
  const Handle c = net.node("Add", {net.node("Conv", {twice, net.weight({4, 4, 1, 1}, 0.5F)}), b});
  const Handle low = net.weight({}, 0, -100.0F), high = net.weight({}, 0, 100.0F);
  const Handle d = net.node("Add", {net.node("Clip", {c, low, high}), c});
  net.output(net.node("Conv", {net.node("Add", {d, net.node("Relu", {a})}), net.weight({3, 4, 2, 2}, 0.5F)}));
  const Floats input = noise({3, 4, 5, 6}, 2), before = input;
  check_gradients(net, input);
  CHECK(input.data == before.data);
}

TEST_CASE("a random network with random configs is computed as by the reference executor") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Net net = random_net(seed);
    quantize(net, seed);
    const model::Model &m = net.working.model;
    const model::Graph &graph = m.graph(m.main_graph());
    model::Shape shape;
    for (const model::Dim &dim : m.value(graph.inputs.front()).type.dims) shape.push_back(dim.extent);
    const Floats input = noise({shape.begin(), shape.end()}, seed);
    const auto want = execute(net.working, "reference", true, input, graph.outputs);
    TrainRig rig(net.working, {});
    const auto got = rig.evaluate({input});
    for (const Handle output : graph.outputs) {
      INFO("seed ", seed);
      CHECK(distance(got.at(output).data, want.at(output).data) < 0.02);
    }
  }
}

TEST_CASE("what cannot be trained is refused when the session is opened") {
  Net net(3);
  const Handle x = net.input({1, 4, 5, 5});
  const Handle w = net.weight({4, 4, 1, 1});
  const Handle y = net.node("Conv", {x, w});
  net.output(net.node("Det", {y}));
  const model::Graph &graph = net.working.model.graph(net.working.model.main_graph());
  TrainRequest request;
  request.weights = {w};
  request.losses = {loss_of(HT_LOSS_MSE, graph.outputs.front())};
  CHECK(refusal(net.working, request).find("Det") != std::string::npos);
  // In front of what is learned it is no obstacle.
  request.losses = {loss_of(HT_LOSS_MSE, y)};
  request.outputs = {y};
  CHECK(refusal(net.working, request) == "");
  request.weights = {net.weight({3})};
  CHECK(refusal(net.working, request).find("no operator between the inputs and outputs reads it") != std::string::npos);
}

}  // namespace
}  // namespace halftone::test
