// Every method against values that this project's code did not make: PyTorch's kernels and the formulas of the papers.
#include <doctest/doctest.h>

#include <cmath>

#include "value_case.h"

namespace halftone::trainer {
namespace {

using nlohmann::json;

// `scale`: what sums are made of; float32 terms leave some of that.
void check_near(const std::vector<double> &wanted, const std::vector<double> &got, double relative, double absolute) {
  REQUIRE(wanted.size() == got.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    INFO("at ", i);
    CHECK(std::fabs(got[i] - wanted[i]) <= relative * std::fabs(wanted[i]) + absolute);
  }
}

std::vector<double> doubles(const std::vector<float> &values) {
  return {values.begin(), values.end()};
}

void check_gradients(const json &row, const FakeQuantizer &quantizer, const PointState &state, Grouping grouping) {
  const std::vector<float> x = test::floats(row, "x"), dy = test::floats(row, "dy");
  std::vector<float> dx(x.size()), rounding(x.size());
  std::vector<double> scales(grouping.groups), offsets(grouping.groups);
  const PointGradients gradients{scales.data(), offsets.data(), rounding.data()};
  quantizer.backward(state, grouping, x.data(), dy.data(), dx.data(), gradients, {});
  const double loose = row.contains("loose") ? 2e-5 : 2e-6;  // central differences
  check_near(row["dx"].get<std::vector<double>>(), doubles(dx), loose, loose * 0.1);
  const double factor = row.contains("per_scale") ? quantizer.gradient_factor(row["per_scale"]) : 1.0;
  if (row.contains("scales_gradient")) {
    for (double &sum : scales) sum *= factor;
    check_near(row["scales_gradient"].get<std::vector<double>>(), scales, loose, loose * 10);
  }
  if (row.contains("offsets_gradient") && !row["offsets_gradient"].empty()) {
    for (double &sum : offsets) sum *= factor;
    check_near(row["offsets_gradient"].get<std::vector<double>>(), offsets, loose, loose);
  }
  if (row.contains("rounding_gradient")) {
    check_near(row["rounding_gradient"].get<std::vector<double>>(), doubles(rounding), loose, loose * 0.1);
  }
}

void check_penalty(const json &row, const FakeQuantizer &quantizer, const PointState &state) {
  std::vector<float> gradient(state.rounding.size());
  const Regularization how{row["penalty_weight"], row["penalty_beta"]};
  const double value = quantizer.regularize(state, how, {nullptr, nullptr, gradient.data()});
  CHECK(value == doctest::Approx(row["penalty"].get<double>()).epsilon(1e-6));
  check_near(row["penalty_gradient"].get<std::vector<double>>(), doubles(gradient), 1e-5, 1e-8);
}

void check_case(const json &row) {
  INFO(row["name"].get<std::string>());
  const auto quantizer = test::quantizer_of(row);
  const Grouping grouping = test::grouping_of(row);
  PointState state;
  quantizer->load(state, test::floats(row, "scales"), test::floats(row, "zero_points"));
  if (row.contains("rounding")) state.rounding = test::floats(row, "rounding");
  const std::vector<float> x = test::floats(row, "x");
  REQUIRE(x.size() == grouping.size());
  std::vector<float> y(x.size());
  quantizer->forward(state, grouping, x.data(), y.data(), {}, true);
  check_near(row["y"].get<std::vector<double>>(), doubles(y), 1e-6, 1e-6);
  check_gradients(row, *quantizer, state, grouping);
  if (row.contains("penalty")) check_penalty(row, *quantizer, state);
  if (!row.contains("hard")) return;
  quantizer->forward(state, grouping, x.data(), y.data(), {}, false);
  check_near(row["hard"].get<std::vector<double>>(), doubles(y), 1e-6, 1e-7);
}

TEST_CASE("PyTorch's kernels") {
  const json file = test::read_values("torch.json");
  REQUIRE(file["cases"].size() == 9);
  for (const json &row : file["cases"]) check_case(row);
}

TEST_CASE("the formulas of the papers") {
  const json file = test::read_values("formulas.json");
  REQUIRE(file["cases"].size() == 17);
  for (const json &row : file["cases"]) check_case(row);
}

TEST_CASE("starts that are functions of the values") {
  const json row = test::read_values("formulas.json")["initial"];
  const std::vector<float> x = test::floats(row, "x");
  const auto check = [&](const char *method, const char *initial, bool is_weight) {
    INFO(method);
    PointSpec spec;
    spec.quant_min = row["quant_min"];
    spec.quant_max = row["quant_max"];
    spec.is_weight = is_weight;
    test::Fields fields;
    fields.text("initial", initial);
    const auto quantizer = make_fake_quantizer(spec, method, fields.all());
    PointState state;
    quantizer->load(state, std::vector<float>{1, 1}, {});
    quantizer->initialise(state, x, test::grouping_of(row));
    check_near(row[method].get<std::vector<double>>(), doubles(state.scales), 1e-6, 0);
  };
  check("lsq", "mean", false);
  check("lsq-plus", "values", true);
  check("tqt", "deviation", true);
}

}  // namespace
}  // namespace halftone::trainer
