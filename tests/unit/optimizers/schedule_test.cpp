// Schedules against PyTorch's, and the annealing of AdaRound's exponent.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "halftone/schedule.hpp"

namespace halftone::sdk {
namespace {

TEST_CASE("PyTorch's schedules") {
  std::ifstream in(std::string(std::getenv("HALFTONE_SOURCE_DIR")) + "/tests/unit/optimizers/values.json");
  const auto known = nlohmann::json::parse(in)["schedules"];
  const auto check = [&](const char *name, const RateSchedule &schedule) {
    INFO(name);
    for (std::size_t step = 0; step < known[name].size(); ++step) {
      CHECK(schedule.at(step) == doctest::Approx(known[name][step].get<double>()).epsilon(1e-12));
    }
  };
  RateSchedule schedule;
  schedule.rate = 0.1, schedule.steps = 12;
  schedule.shape = RateShape::kStep, schedule.every = 4, schedule.factor = 0.5;
  check("step", schedule);
  schedule.shape = RateShape::kCosine, schedule.least = 0.01;
  check("cosine", schedule);
  schedule.least = 0, schedule.warm_up = 4;
  check("cosine after warm-up", schedule);
}

TEST_CASE("a constant rate, and steps beyond the last") {
  RateSchedule schedule;
  CHECK(schedule.at(0) == 1e-3);
  CHECK(schedule.at(1000) == 1e-3);
  schedule.shape = RateShape::kCosine, schedule.steps = 10, schedule.least = 1e-5;
  CHECK(schedule.at(10) == doctest::Approx(1e-5));
  CHECK(schedule.at(99) == doctest::Approx(1e-5));
  schedule.steps = 3, schedule.warm_up = 5;  // nothing but warm-up
  CHECK(schedule.at(2) == doctest::Approx(1e-3 / 2));
}

TEST_CASE("the exponent is annealed after the warm-up") {
  Annealing line;
  line.steps = 100;
  CHECK_FALSE(line.active(19));
  CHECK(line.active(20));
  CHECK(line.at(0) == 20.0);
  CHECK(line.at(20) == 20.0);
  CHECK(line.at(60) == doctest::Approx(11.0));
  CHECK(line.at(100) == doctest::Approx(2.0));
  Annealing curve = line;
  curve.cosine = true;
  CHECK(curve.at(20) == doctest::Approx(20.0));
  CHECK(curve.at(40) == doctest::Approx(2 + 18 * 0.8535533905932737));
  CHECK(curve.at(60) == doctest::Approx(11.0));
  CHECK(curve.at(200) == doctest::Approx(2.0));
}

}  // namespace
}  // namespace halftone::sdk
