// Gradients against PyTorch's, which tests/acceptance/gradients/make_fixtures.py wrote down.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "tests/unit/gradients/cases.h"

namespace halftone::test {
namespace {

template <typename T>
T next(std::istream &in) {
  T value{};
  REQUIRE(static_cast<bool>(in >> value));
  return value;
}
template <typename T>
std::vector<T> several(std::istream &in, std::int64_t count) {
  std::vector<T> out;
  for (std::int64_t i = 0; i < count; ++i) out.push_back(next<T>(in));
  return out;
}
std::int64_t product(const Ints &shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

model::Attribute attribute(std::istream &in) {
  const auto kind = next<std::string>(in);
  if (kind == "int") return whole(next<std::int64_t>(in));
  if (kind == "float") return real(next<float>(in));
  if (kind == "text") return text(next<std::string>(in));
  REQUIRE(kind == "ints");
  return list(several<std::int64_t>(in, next<std::int64_t>(in)));
}

model::Tensor input(std::istream &in) {
  const auto kind = next<std::string>(in);
  if (kind == "empty") return {};
  if (kind == "noise") {
    const auto salt = next<std::uint32_t>(in);
    const auto low = next<double>(in), high = next<double>(in);
    return noise(several<std::int64_t>(in, next<std::int64_t>(in)), salt, low, high);
  }
  const Ints shape = several<std::int64_t>(in, next<std::int64_t>(in));
  if (kind == "ints") return model::Tensor::from_ints(shape, several<std::int64_t>(in, product(shape)));
  REQUIRE(kind == "floats");
  return model::Tensor::from_floats(shape, several<float>(in, product(shape)));
}

struct Fixture {
  OpCase op;
  std::map<std::size_t, std::vector<float>> gradients;
};

// The next case; false at the end of the file.
bool read(std::istream &in, Fixture &fixture) {
  std::string word;
  if (!(in >> word)) return false;
  REQUIRE(word == "case");
  fixture = {};
  OpCase &op = fixture.op;
  op.op_type = next<std::string>(in);
  op.domain = next<std::string>(in);
  if (op.domain == "-") op.domain.clear();
  op.opset = next<std::int64_t>(in);
  op.outputs = next<std::size_t>(in);
  while (in >> word && word != "end") {
    if (word == "attribute") {
      const auto name = next<std::string>(in);
      op.attributes.emplace_back(name, attribute(in));
    } else if (word == "input") {
      op.inputs.push_back(input(in));
    } else {
      REQUIRE(word == "gradient");
      const auto slot = next<std::size_t>(in);
      fixture.gradients[slot] = several<float>(in, next<std::int64_t>(in));
    }
  }
  return true;
}

void compare(const Fixture &fixture) {
  const OpCase &op = fixture.op;
  std::vector<std::vector<float>> given;
  for (const model::Tensor &output : forward(op)) {
    // Statistics that a normalization puts out have no gradient there either.
    const bool statistic =
        op.op_type.find("Normalization") != std::string::npos && (given.size() == 1 || given.size() == 2);
    const auto salt = 1000 + static_cast<std::uint32_t>(given.size());
    given.push_back(output.dtype() == HT_F32 && !statistic ? noise(output.shape(), salt).to_floats()
                                                           : std::vector<float>());
  }
  const auto got = gradients(op, given);
  for (const auto &[slot, want] : fixture.gradients) {
    REQUIRE_MESSAGE(got[slot].size() == want.size(), op.op_type, ", input ", slot);
    double largest = 1e-3;
    for (const float v : want) {
      if (std::isfinite(v)) largest = std::max(largest, std::fabs(static_cast<double>(v)));
    }
    for (std::size_t i = 0; i < want.size(); ++i) {
      const bool same = got[slot][i] == want[i] || (std::isnan(want[i]) && std::isnan(got[slot][i])) ||
                        std::fabs(static_cast<double>(got[slot][i]) - static_cast<double>(want[i])) <= 2e-6 * largest;
      CHECK_MESSAGE(same, op.op_type, ", input ", slot, ", element ", i, ": ", got[slot][i], " but PyTorch has ",
                    want[i]);
    }
  }
}

}  // namespace

TEST_CASE("gradients are PyTorch's") {
  const char *source = std::getenv("HALFTONE_SOURCE_DIR");
  REQUIRE(source != nullptr);
  for (const char *name : {"elementwise", "layers", "movement"}) {
    std::ifstream in(std::filesystem::path(source) / "tests" / "acceptance" / "gradients" /
                     (std::string(name) + ".txt"));
    Fixture fixture;
    int count = 0;
    for (; read(in, fixture); ++count) compare(fixture);
    CHECK_MESSAGE(count > 10, name);
  }
}

}  // namespace halftone::test
