#include "plugins/observers/moving_range.h"

#include <doctest/doctest.h>

namespace halftone::observers {
namespace {

void add(MovingRange &range, float low, float high) {
  range.add({&low, 1}, {&high, 1});
}

TEST_CASE("the average by its formula, with a last group that is not full") {
  MovingRange range(0.75, 2);
  for (const float high : {1.0F, 3.0F, 5.0F, 2.0F, 7.0F}) add(range, -high, high);
  CHECK(range.groups() == 2);
  const MovingRange all = range.finished();
  CHECK(all.groups() == 3);
  const double after_two = 0.75 * 3 + 0.25 * 5;  // groups {1, 3}, {5, 2}, {7}
  CHECK(all.high()[0] == doctest::Approx(0.75 * after_two + 0.25 * 7));
  CHECK(all.low()[0] == doctest::Approx(-(0.75 * after_two + 0.25 * 7)));
}

TEST_CASE("momentum 0 keeps the last group, channels are apart") {
  MovingRange range(0, 1);
  const std::vector<float> low = {-1, -2}, high = {1, 2}, last_low = {-3, 0}, last_high = {0, 4};
  range.add(low, high);
  range.add(last_low, last_high);
  const MovingRange all = range.finished();
  CHECK(all.low()[0] == -3);
  CHECK(all.high()[0] == 0);
  CHECK(all.low()[1] == 0);
  CHECK(all.high()[1] == 4);
}

}  // namespace
}  // namespace halftone::observers
