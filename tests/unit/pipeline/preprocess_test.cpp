#include "core/calibration/preprocess.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "core/pipeline/yaml_setting.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/model/graph_maker.h"

using halftone::Status;
using halftone::calibration::parse_preprocess;
using halftone::calibration::Preprocess;
using halftone::model::ValueType;
using halftone::model::test::float_type;
using halftone::pipeline::parse_yaml;
using halftone::test::expect_error;

namespace {

Preprocess settings(std::string_view yaml) {
  return parse_preprocess(parse_yaml(yaml, "pre.yaml"));
}

template <typename T>
ht_tensor_view tensor(ht_dtype dtype, const std::vector<std::int64_t> &shape, std::vector<T> &data) {
  ht_tensor_view v{};
  v.struct_size = sizeof(v);
  v.dtype = dtype;
  v.rank = static_cast<std::uint32_t>(shape.size());
  v.shape = shape.data();
  v.data = data.data();
  return v;
}

struct Result {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

template <typename T>
Result run(const Preprocess &p, ht_dtype dtype, const std::vector<std::int64_t> &shape, std::vector<T> data,
           const ValueType &type) {
  halftone::host::Context ctx;
  const ht_tensor_view out = p.apply(ctx, tensor(dtype, shape, data), type, "in", "x.npy[3]");
  Result r{{out.shape, out.shape + out.rank}, {}};
  const float *values = static_cast<const float *>(out.data);
  std::int64_t count = 1;
  for (const std::int64_t extent : r.shape) count *= extent;
  r.values.assign(values, values + count);
  return r;
}

}  // namespace

TEST_CASE("three float32 steps in order: multiply, subtract, divide") {
  const Preprocess p =
      settings("{scale: 0.00392156862745098, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}");
  const Result r = run<std::uint8_t>(p, HT_U8, {1, 2, 3}, {0, 10, 200, 255, 128, 7}, float_type({1, 3, 1, 2}));
  CHECK(r.shape == std::vector<std::int64_t>{1, 3, 1, 2});
  const float mean[] = {0.485F, 0.456F, 0.406F}, std[] = {0.229F, 0.224F, 0.225F};
  const std::uint8_t in[2][3] = {{0, 10, 200}, {255, 128, 7}};
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < 2; ++i) {
      volatile float step = static_cast<float>(in[i][c]) * 0.00392156862745098F;
      step = step - mean[c];
      step = step / std[c];
      CHECK(r.values[c * 2 + i] == step);
    }
  }
}

TEST_CASE("BGR reverses the stored channels before the normalization") {
  const Preprocess p = settings("{channel_order: BGR, mean: [104, 117, 123]}");
  const Result r = run<std::uint8_t>(p, HT_U8, {1, 1, 3}, {1, 2, 3}, float_type({1, 3, 1, 1}));
  CHECK(r.values == std::vector<float>{3 - 104, 2 - 117, 1 - 123});
}

TEST_CASE("layouts: guessed from the model, or as told") {
  const std::vector<float> chw = {1, 2, 3, 4, 5, 6};
  CHECK(run<float>({}, HT_F32, {3, 1, 2}, chw, float_type({-1, 3, 1, 2})).values == chw);
  CHECK(run<float>({}, HT_F32, {1, 2, 3}, chw, float_type({-1, 3, 1, 2})).values ==
        std::vector<float>{1, 4, 2, 5, 3, 6});
  const Result last = run<std::uint8_t>({}, HT_U8, {1, 2, 3}, {1, 2, 3, 4, 5, 6}, float_type({1, 1, 2, 3}));
  CHECK(last.shape == std::vector<std::int64_t>{1, 1, 2, 3});
  CHECK(last.values == chw);
  const Preprocess told = settings("{from: nchw, to: nhwc}");
  CHECK(run<float>(told, HT_F32, {3, 1, 2}, chw, float_type({1, 1, 2, 3})).values ==
        std::vector<float>{1, 3, 5, 2, 4, 6});
}

TEST_CASE("gray pictures") {
  const Result one = run<std::uint8_t>({}, HT_U8, {2, 2, 1}, {1, 2, 3, 4}, float_type({1, 1, 2, 2}));
  CHECK(one.values == std::vector<float>{1, 2, 3, 4});
  const Result flat = run<std::uint8_t>({}, HT_U8, {2, 2}, {1, 2, 3, 4}, float_type({1, 1, 2, 2}));
  CHECK(flat.shape == std::vector<std::int64_t>{1, 1, 2, 2});
  const Result three =
      run<std::uint8_t>(settings("{gray_to_3: true}"), HT_U8, {1, 2, 1}, {1, 2}, float_type({1, 3, 1, 2}));
  CHECK(three.values == std::vector<float>{1, 2, 1, 2, 1, 2});
}

TEST_CASE("resizing is bilinear between pixel centres, cropping takes the middle") {
  const Result wide =
      run<std::uint8_t>(settings("{resize: [1, 4]}"), HT_U8, {1, 2, 1}, {0, 100}, float_type({1, 1, 1, 4}));
  CHECK(wide.values == std::vector<float>{0, 25, 75, 100});
  const Result both = run<std::uint8_t>(settings("{resize: 2, center_crop: 2}"), HT_U8, {1, 3, 1}, {0, 60, 120},
                                        float_type({1, 1, 2, 2}));
  // 1 x 3 becomes 2 x 6 with columns 0 15 45 75 105 120, of which the middle two remain.
  CHECK(both.values == std::vector<float>{45, 75, 45, 75});
}

TEST_CASE("inputs that are no pictures") {
  const Result vector = run<float>(settings("{scale: 2}"), HT_F32, {3}, {1, 2, 3}, float_type({1, 3}));
  CHECK(vector.shape == std::vector<std::int64_t>{1, 3});
  CHECK(vector.values == std::vector<float>{2, 4, 6});
  const Result state = run<float>({}, HT_F32, {2, 1, 2}, {1, 2, 3, 4}, float_type({2, 1, 2}));
  CHECK(state.shape == std::vector<std::int64_t>{2, 1, 2});
  ValueType tokens;
  tokens.dtype = HT_I64;
  std::vector<std::int64_t> data = {7, 8};
  const std::vector<std::int64_t> shape = {2};
  halftone::host::Context ctx;
  const ht_tensor_view out = Preprocess{}.apply(ctx, tensor(HT_I64, shape, data), tokens, "ids", "t.npy");
  CHECK(out.dtype == HT_I64);
  CHECK(static_cast<const std::int64_t *>(out.data)[1] == 8);
  expect_error(Status::kInvalidArgument, {"t.npy", "int64"},
               [&] { settings("{scale: 2}").apply(ctx, tensor(HT_I64, shape, data), tokens, "ids", "t.npy"); });
}

TEST_CASE("an input of another floating-point type gets the numbers of float32, rounded") {
  const std::vector<std::int64_t> shape = {2};
  std::vector<float> data = {1.0F, 2049.0F};
  for (const ht_dtype type : {HT_F16, HT_BF16, HT_F64}) {
    ValueType wanted = float_type({1, 2});
    wanted.dtype = type;
    halftone::host::Context ctx;
    const ht_tensor_view out = settings("{scale: 1}").apply(ctx, tensor(HT_F32, shape, data), wanted, "in", "s.npy");
    CHECK(out.dtype == type);
    CHECK(out.rank == 2);
    const auto *halves = static_cast<const std::uint16_t *>(out.data);
    if (type == HT_F16) CHECK((halves[0] == 0x3C00 && halves[1] == 0x6800));  // 2048: ties to even
    if (type == HT_BF16) CHECK((halves[0] == 0x3F80 && halves[1] == 0x4500));
    if (type == HT_F64) CHECK(static_cast<const double *>(out.data)[1] == 2049.0);
  }
  ValueType half = float_type({1, 2});
  half.dtype = HT_F16;
  halftone::host::Context ctx;
  std::vector<float> large = {0.0F, 65520.0F};
  expect_error(Status::kInvalidArgument, {"s.npy", "65520", "element 1", "ends at 65504", "scale"},
               [&] { Preprocess{}.apply(ctx, tensor(HT_F32, shape, large), half, "in", "s.npy"); });
}

TEST_CASE("what does not fit names the sample, both shapes and the remedy") {
  const auto apply = [](std::string_view yaml, std::vector<std::int64_t> shape, const ValueType &type) {
    std::int64_t count = 1;
    for (const std::int64_t extent : shape) count *= extent;
    run<std::uint8_t>(settings(yaml), HT_U8, shape, std::vector<std::uint8_t>(static_cast<std::size_t>(count)), type);
  };
  expect_error(Status::kInvalidArgument,
               {"'x.npy[3]'", "[1,3,32,32]", "'in' takes [?,3,224,224]", "resize/center_crop"}, [&] {
                 apply("{}", {32, 32, 3}, float_type({-1, 3, 224, 224}));
               });
  expect_error(Status::kInvalidArgument, {"gray_to_3"}, [&] { apply("{}", {8, 8, 1}, float_type({1, 3, 8, 8})); });
  expect_error(Status::kInvalidArgument, {"batch is fixed"}, [&] { apply("{}", {8, 8, 3}, float_type({4, 3, 8, 8})); });
  expect_error(Status::kInvalidArgument, {"smaller than center_crop"}, [&] {
    apply("{center_crop: 9}", {8, 8, 3}, float_type({1, 3, 9, 9}));
  });
  expect_error(Status::kInvalidArgument, {"3 channels", "2 values"}, [&] {
    apply("{mean: [1, 2]}", {8, 8, 3}, float_type({1, 3, 8, 8}));
  });
  expect_error(Status::kDataLoss, {"x.npy[3]", "not finite", "element 1"}, [&] {
    run<float>({}, HT_F32, {2}, {1.0F, std::numeric_limits<float>::quiet_NaN()}, float_type({1, 2}));
  });
}

TEST_CASE("keys: a model's meta.json serves, anything else is checked") {
  const Preprocess p = settings(
      R"({"layout": "NHWC uint8 -> NCHW float32", "formula": "x", "channel_order": "BGR", "scale": 1.0, "mean": [127.5, 1, 2],
          "std": [128, 128, 128], "input": "input", "output": "scores,boxes", "classes": 68, "decode": "d", "alphabet": "a"})");
  CHECK(p.reverse_channels);
  CHECK(p.mean.size() == 3);
  CHECK_FALSE(settings("{inputs: {a: b}, outputs: [c], calib: d, test: e}").changes_values());
  expect_error(Status::kInvalidArgument, {"pre.yaml:1:2", "'means'", "did you mean 'mean'"},
               [] { settings("{means: 1}"); });
  expect_error(Status::kInvalidArgument, {"channel_order", "rgb, bgr"}, [] { settings("{channel_order: grb}"); });
  expect_error(Status::kInvalidArgument, {"above 0"}, [] { settings("{std: [1, 0, 1]}"); });
  expect_error(Status::kInvalidArgument, {"`mean` has 3", "`std` has 2"},
               [] { settings("{mean: [1, 2, 3], std: [1, 2]}"); });
  expect_error(Status::kInvalidArgument, {"height and width"}, [] { settings("{resize: [1, 2, 3]}"); });
}
