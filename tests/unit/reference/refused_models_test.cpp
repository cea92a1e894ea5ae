// Models that ask a kernel for what does not exist: too few or too many slots, sizes that no memory holds, attributes
// out of range. Each is an error that names the node, on both executors; none reads or writes beyond a tensor.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/unit/base/expect_error.h"
#include "tests/unit/reference/small_net.h"

namespace halftone::test {
namespace {

using Values = std::vector<model::Handle>;
constexpr Status kInvalid = Status::kInvalidArgument;

using Ints = std::vector<std::int64_t>;
model::Attribute whole(std::int64_t value) {
  return {value};
}

// A node of one operator over constants, run on each executor.
class Refused {
 public:
  explicit Refused(std::string op, std::int64_t opset = 17, std::string domain = "")
      : op_(std::move(op)), domain_(std::move(domain)), net_(opset) {
    if (!domain_.empty()) net_.m().set_opset(domain_, 1);
  }
  Refused &floats(const model::Shape &shape) {
    std::int64_t count = 1;
    for (const std::int64_t extent : shape) count *= extent;
    return add(net_.floats(shape, std::vector<float>(static_cast<std::size_t>(count), 0.5F)));
  }
  Refused &values(const model::Shape &shape, const std::vector<float> &values) {
    return add(net_.floats(shape, values));
  }
  Refused &number(float value) { return add(net_.floats({}, {value})); }
  Refused &ints(const std::vector<std::int64_t> &values) { return add(net_.ints(values)); }
  Refused &ints(const model::Shape &shape, const std::vector<std::int64_t> &values) {
    return add(net_.constant(model::Tensor::from_ints(shape, values)));
  }
  Refused &tensor(model::Tensor value) { return add(net_.constant(std::move(value))); }
  Refused &none() { return add(HT_NONE); }
  Refused &with(const std::string &name, model::Attribute value) {
    attributes_.emplace_back(name, std::move(value));
    return *this;
  }
  void expect(const std::string &words, Status status = kInvalid, std::size_t outputs = 1) {
    Values values;
    for (std::size_t i = 0; i < outputs; ++i) {
      values.push_back(net_.m().add_value(net_.m().main_graph(), net_.m().unique_name(net_.m().main_graph(), "v")));
    }
    const model::Handle node = net_.m().add_node(net_.m().main_graph(), op_, domain_, "odd", inputs_, values);
    for (const auto &[key, value] : attributes_) net_.m().set_attribute(node, key, value);
    for (const char *executor : {"reference", "onednn"}) {
      INFO(executor, ": ", op_);
      expect_error(status, {"node 'odd'", op_, words},
                   [&] { ModelRunner(net_.working, {.executor = executor, .emits = values}).run({}); });
    }
  }

 private:
  Refused &add(model::Handle value) {
    inputs_.push_back(value);
    return *this;
  }
  std::string op_, domain_;
  SmallNet net_;
  Values inputs_;
  Attributes attributes_;
};

}  // namespace

TEST_CASE("a node has the inputs that its operator needs, and no more outputs than it has") {
  Refused("MatMul").floats({2, 2}).expect("has 1 input, where MatMul of opset 17 takes 2; correct the model");
  Refused("Where").floats({2}).expect("has 1 input, where Where of opset 17 takes 3");
  Refused("Gather").none().ints({0}).expect("it has no input 0, which the operator needs");
  Refused("Concat").with("axis", whole(0)).expect("has 0 inputs, where Concat of opset 17 takes 1 or more");
  Refused("Relu").floats({2}).expect("has 2 outputs, where Relu of opset 17 has 1 at most", kInvalid, 2);
  Refused("Unique").floats({2}).expect("has 5 outputs, where Unique of opset 17 has 4 at most", kInvalid, 5);
}

TEST_CASE("inputs that no operator reads are refused, empty ones are not") {
  Refused("Relu").floats({2}).floats({2}).expect("has 2 inputs, where Relu of opset 17 takes 1; correct the model");
  Refused("Clip").floats({2}).number(0).number(1).number(2).expect("has 4 inputs, where Clip of opset 17 takes 1 to 3");
  Refused("Constant").floats({2}).expect("has 1 input, where Constant of opset 17 takes 0");
  SmallNet net;
  const auto y = net.node("Relu", {net.floats({2}, {-1, 1}), HT_NONE, HT_NONE});
  CHECK(evaluate(net, {y})[0] == std::vector<float>{0, 1});
}

TEST_CASE("a node that the linked onnx does not know is checked by its kernel") {
  Refused("Relu", 24).floats({2}).expect("the operator has no output 1", kInvalid, 2);
  Refused("MatMul", 24).floats({2, 2}).expect("it has no input 1, which the operator needs");
  Refused("Unique", 24).floats({2}).expect("it has 5 outputs; the operator has 4 at most", kInvalid, 5);
}

// An address sanitizer ends the process where plain memory throws.
#ifndef __SANITIZE_ADDRESS__
TEST_CASE("a node for which memory runs out is named, with what it makes") {
  constexpr Status kTooMuch = Status::kResourceExhausted;
  constexpr std::int64_t kExtent = std::int64_t{1} << 50;
  const std::string size = "[1125899906842624] (4503599627370496 bytes)";
  Refused("ConstantOfShape").ints({kExtent}).expect("out of memory; it makes " + size, kTooMuch);
  for (const char *executor : {"reference", "onednn"}) {
    SmallNet net;
    const auto x = net.input("x"), n = net.input("n");
    const auto wide = net.node("Expand", {x, net.ints({kExtent})}), made = net.node("ConstantOfShape", {n});
    const std::vector<std::int64_t> extent = {kExtent};
    const auto run = [&](model::Handle value) {
      ModelRunner(net.working, {.executor = executor, .emits = {value}})
          .run({model::Tensor::from_floats({1}, std::vector<float>{1}), model::Tensor::from_ints({1}, extent)});
    };
    expect_error(kTooMuch, {"node 'node0'", "Expand", "out of memory", "4503599627370496"}, [&] { run(wide); });
    expect_error(kTooMuch, {"node 'node1'", "ConstantOfShape", size}, [&] { run(made); });
  }
}
#endif

TEST_CASE("tensors of a size that no memory holds, and negative extents, are refused") {
  constexpr Status kTooMuch = Status::kResourceExhausted;
  constexpr auto power = [](int n) { return std::int64_t{1} << n; };
  const std::string much = "more elements than memory can hold";
  Refused("ConstantOfShape").ints({power(59)}).expect(much, kTooMuch);
  Refused("ConstantOfShape").ints({power(40), power(40)}).expect(much, kTooMuch);
  Refused("ConstantOfShape").ints({2, -3}).expect("an axis of -3 elements");
  Refused("Tile").floats({1, 4}).ints({1, power(58)}).expect(much, kTooMuch);
  Refused("Tile").floats({1, 4}).ints({1, power(62)}).expect("is repeated");
  Refused("Range").ints({}, {0}).ints({}, {power(60)}).ints({}, {1}).expect("make no finite range");
  Refused("HannWindow").ints({}, {power(61)}).expect(much, kTooMuch);
  Refused("OneHot").ints({0, 1}).ints({}, {power(60)}).floats({2}).expect(much, kTooMuch);
  Refused("Split").floats({2}).ints({-3, 5}).expect("a part has -3 elements of 2", kInvalid, 2);
  Refused("Reshape").floats({6}).ints({-2, -3}).expect("the shape has an axis of -2 elements");
  Refused("Reshape")
      .floats({0})
      .ints({power(40), power(40), 0})
      .with("allowzero", whole(1))
      .expect("the shape has an axis");
  Refused("Expand").floats({1}).ints({-4}).expect("an axis of -4 elements");
}

TEST_CASE("Resize needs something to repeat and a positive scale") {
  Refused("Resize").floats({1, 0}).none().none().ints({1, 4}).expect("axis 1 is empty and cannot grow");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float scale : {nan, -1.0F, 1e30F}) {
    Refused resize("Resize");
    resize.floats({4}).none().values({1}, {scale}).expect("axis 0 is resized by");
  }
}

TEST_CASE("Resize refuses a region without end, Pad a constant of another width") {
  Refused resize("Resize");
  const float inf = std::numeric_limits<float>::infinity();
  resize.floats({4}).values({2}, {0, inf}).floats({0}).ints({4}).with("mode", {std::string("linear")});
  resize.with("coordinate_transformation_mode", {std::string("tf_crop_and_resize")}).expect("roi is not finite");
  Refused("Pad").ints({1, 2}).ints({1, 1}).floats({1}).expect("constant_value has not the input's type");
}

TEST_CASE("EmbedLayerNormalization refuses tables and masks of another width") {
  const auto net = [] { return Refused("EmbedLayerNormalization", 17, "com.microsoft"); };
  net()
      .ints({1, 2}, {0, 1})
      .ints({1, 2}, {0, 0})
      .floats({3, 4})
      .floats({2, 4})
      .floats({2, 9})
      .floats({4})
      .floats({4})
      .expect("segment_embedding has not the width");
  net()
      .ints({1, 2}, {0, 1})
      .ints({1, 5}, {0, 0, 0, 0, 0})
      .floats({3, 4})
      .floats({2, 4})
      .floats({2, 4})
      .floats({4})
      .floats({4})
      .expect("segment_ids or mask has not the shape");
  net()
      .ints({1, 2}, {0, 1})
      .none()
      .floats({3, 4})
      .floats({2, 4})
      .none()
      .floats({4})
      .floats({4})
      .ints({1}, {1})
      .expect("segment_ids or mask has not the shape", kInvalid, 2);
}

TEST_CASE("MelWeightMatrix refuses edges that are no frequencies") {
  const auto net = [](float rate, float low, float high) {
    Refused mel("MelWeightMatrix");
    mel.ints({}, {4}).ints({}, {16}).number(rate).number(low).number(high);
    return mel;
  };
  net(0, 0, 8000).expect("sample_rate must be positive");
  net(16000, -800, 8000).expect("both edges finite");
  net(1e-9F, 0, 8000).expect("too many bins away");
}

TEST_CASE("attention refuses caches and masks of other shapes") {
  const auto three = [](Refused &net) -> Refused & {
    return net.floats({1, 2, 4}).floats({1, 2, 4}).floats({1, 2, 4});
  };
  const auto onnx = [] {
    Refused net("Attention", 23);
    net.with("q_num_heads", whole(2)).with("kv_num_heads", whole(2));
    return net;
  };
  Refused mode = onnx();
  three(mode.with("qk_matmul_output_mode", whole(std::int64_t{1} << 40))).expect("qk_matmul_output_mode");
  Refused past = onnx();
  three(past).none().floats({1, 2, 3, 7}).floats({1, 2, 3, 2}).expect("past_key or past_value has not the shape");

  const auto heads = [](const std::string &op) {
    Refused net(op, 17, "com.microsoft");
    net.with("num_heads", whole(2));
    return net;
  };
  Refused multi = heads("MultiHeadAttention");
  three(multi).none().none().none().floats({1, 2, 3, 2}).expect("come only together");
  Refused group = heads("GroupQueryAttention");
  three(group.with("kv_num_heads", whole(2)))
      .floats({1, 2, 3, 9})
      .floats({1, 2, 3, 2})
      .ints({1})
      .ints({2})
      .expect("past_key or past_value has not the shape");
  Refused endless = heads("GroupQueryAttention");
  three(endless.with("kv_num_heads", whole(2)))
      .none()
      .none()
      .ints({1})
      .ints({std::int64_t{1} << 60})
      .expect("more elements than memory can hold", Status::kResourceExhausted);
  Refused masked = heads("Attention");
  masked.floats({1, 2, 4})
      .floats({4, 12})
      .floats({12})
      .ints({1, 7}, {1, 1, 1, 1, 1, 1, 1})
      .expect("mask_index is neither", Status::kUnimplemented);
  Refused biased = heads("Attention");
  biased.floats({1, 2, 4}).floats({4, 12}).floats({12}).none().none().floats({1, 2, 2, 9}).expect("broadcast");
}

TEST_CASE("RotaryEmbedding refuses absent positions and caches without an axis of positions") {
  Refused empty("RotaryEmbedding", 23);
  empty.floats({1, 1, 2, 4}).floats({8, 2}).floats({8, 2}).ints({1, 0}, {}).expect("position_ids is neither");
  Refused scalar("RotaryEmbedding", 23);
  scalar.floats({1, 1, 2, 4}).number(1).number(1).ints({1, 2}, {0, 1}).expect("cos_cache has no axis of positions");
}

TEST_CASE("quantized products refuse scales and biases of another size") {
  const auto codes = [](const model::Shape &shape) {
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    return model::Tensor(HT_U8, shape, std::vector<std::byte>(count, std::byte{1}));
  };
  for (const std::int64_t scales : {0, 3}) {
    Refused net("MatMulIntegerToFloat", 17, "com.microsoft");
    net.tensor(codes({2, 4})).tensor(codes({4, 2})).floats({scales}).floats({1}).expect("a_scale has neither");
  }
  Refused net("DynamicQuantizeMatMul", 17, "com.microsoft");
  net.floats({2, 4})
      .tensor(codes({4, 3}))
      .floats({1})
      .none()
      .floats({2})
      .expect("the bias has not one entry per column");
  for (const std::int64_t block : {17, 8, 48}) {
    Refused bits("MatMulNBits", 17, "com.microsoft");
    bits.with("K", whole(32)).with("N", whole(2)).with("block_size", whole(block));
    bits.floats({1, 32}).tensor(codes({2, 1, 16})).floats({2}).expect("is no power of two from 16 on");
  }
}

TEST_CASE("blocks, windows and kernels of impossible sizes are refused") {
  Refused("DepthToSpace").floats({1, 4, 1, 1}).with("blocksize", whole(std::int64_t{1} << 32)).expect("blocksize is");
  Refused("SpaceToDepth").floats({1, 1, 4, 4}).with("blocksize", whole(0)).expect("blocksize is 0");
  Refused("Col2Im", 18).floats({1, 4, 4}).ints({3, 3}).ints({2}).expect("a kernel of 1 axes over 2");
  Refused("MaxPool").floats({1, 1, 4}).with("kernel_shape", {Ints{std::int64_t{1} << 62}}).expect("below 2^30");
  Refused("Transpose").floats({2, 3}).with("perm", {Ints{0, 0}}).expect("perm names axis 0 twice");
  Refused("LRN").floats({1, 2, 2}).with("size", whole(0)).expect("its size is not positive");
  Refused("Einsum").floats({2, 2}).with("equation", {std::string("ij->iij")}).expect("axis 'i' is twice in the output");
  Refused("Concat").floats({2}).ints({1}).with("axis", whole(0)).expect("inputs of different types");
}

TEST_CASE("RoiAlign refuses a box of more points than it can visit") {
  Refused net("RoiAlign");
  net.floats({1, 1, 4, 4}).values({1, 4}, {0, 0, 1e6F, 1e6F}).ints({0});
  net.expect("points per cell; 16777216 are the most");
  Refused empty("RoiAlign");
  empty.floats({1, 1, 0, 4}).values({1, 4}, {0, 0, 1, 1}).ints({0}).expect("the shapes of X, rois");
}

TEST_CASE("optimizers refuse groups that are not whole") {
  const auto net = [] { return Refused("Adagrad", 17, "ai.onnx.preview.training"); };
  net().number(0.1F).ints({}, {1}).expect("has 2 inputs, where Adagrad of opset 1 takes 3 or more");
  net().number(0.1F).ints({}, {1}).floats({2}).floats({2}).expect("whole groups of X, G and states");
  net().number(0.1F).ints({}, {1}).floats({2}).floats({2}).floats({2}).expect("the outputs are not one new X");
  net().number(0.1F).ints({}, {1}).floats({4}).floats({2}).floats({4}).expect("a gradient has not", kInvalid, 2);
}

TEST_CASE("TfIdfVectorizer: indexes that no tensor holds are refused, lengths that no row has end at once") {
  const auto net = [](std::int64_t index, std::int64_t skips) {
    Refused tf("TfIdfVectorizer");
    tf.ints({1, 2}).with("mode", {std::string("TF")}).with("min_gram_length", whole(1));
    tf.with("max_gram_length", whole(2)).with("max_skip_count", whole(skips)).with("ngram_counts", {Ints{0}});
    tf.with("pool_int64s", {Ints{1}}).with("ngram_indexes", {Ints{index}});
    return tf;
  };
  net(std::numeric_limits<std::int64_t>::max(), 0).expect("an ngram_index is");
  net(0, -1).expect("max_skip_count is out of range");

  SmallNet long_skips;
  const auto y = long_skips.node("TfIdfVectorizer", {long_skips.ints({1, 2})},
                                 {{"mode", {std::string("TF")}},
                                  {"min_gram_length", whole(1)},
                                  {"max_gram_length", whole(std::int64_t{1} << 50)},
                                  {"max_skip_count", whole(std::int64_t{1} << 50)},
                                  {"ngram_counts", {Ints{0}}},
                                  {"pool_int64s", {Ints{1}}},
                                  {"ngram_indexes", {Ints{0}}}});
  CHECK(evaluate(long_skips, {y}).front() == std::vector<float>{1});
}

TEST_CASE("an attribute of another kind is refused, not ignored") {
  Refused("Softmax")
      .floats({2, 2})
      .with("axis", {std::vector<float>{1.0F}})
      .expect("its attribute 'axis' is not an integer");
  Refused("Transpose").floats({2, 2}).with("perm", whole(1)).expect("its attribute 'perm' is not a list of integers");
}

TEST_CASE("cubic Resize of bytes stays within their range") {
  SmallNet net;
  const auto x =
      net.constant(model::Tensor(HT_U8, {1, 1, 1, 4}, {std::byte{0}, std::byte{0}, std::byte{255}, std::byte{255}}));
  const auto scales = net.floats({4}, {1, 1, 1, 2});
  const auto bytes = net.node("Resize", {x, HT_NONE, scales}, {{"mode", {std::string("cubic")}}});
  const auto wide = net.node("Cast", {x}, {{"to", whole(1)}});
  const auto reals = net.node("Resize", {wide, HT_NONE, scales}, {{"mode", {std::string("cubic")}}});
  const auto got = evaluate(net, {net.node("Cast", {bytes}, {{"to", whole(1)}}), reals});
  REQUIRE(got[0].size() == 8);
  bool overshoots = false;
  for (std::size_t i = 0; i < 8; ++i) {
    overshoots |= got[1][i] < 0 || got[1][i] > 255;
    CHECK(got[0][i] == std::round(std::clamp(got[1][i], 0.0F, 255.0F)));
  }
  CHECK(overshoots);
}

}  // namespace halftone::test
