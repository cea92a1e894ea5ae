#include "group_sums.h"

#include <algorithm>
#include <cstddef>

#include "group_information.h"

namespace halftone::observers {
const double *GroupSums::of_width(std::size_t width, std::size_t until) {
  std::vector<double> &sums = widths_[width];
  const std::size_t had = sums.size();
  if (had > until) return sums.data();
  sums.resize(until + 1, 0.0);
  const std::size_t begin = std::max(had, width);  // no group ends before
  if (begin > until) return sums.data();
  group_information(mass_, occupied_, width, begin - width, std::span(sums).subspan(begin));
  for (std::size_t i = begin; i <= until; ++i) sums[i] += sums[i - width];
  return sums.data();
}

double GroupSums::sum(std::size_t first, std::size_t last) {
  const std::size_t width = (last - first) / levels_, wide = (last - first) % levels_;
  const double *narrow_sums = of_width(width, last);
  if (wide == 0) return narrow_sums[last] - narrow_sums[first];
  const double *wide_sums = of_width(width + 1, last);
  const bool wide_are_rare = 2 * wide <= levels_;
  const double *run = wide_are_rare ? narrow_sums : wide_sums, *single = wide_are_rare ? wide_sums : narrow_sums;
  const std::size_t run_width = wide_are_rare ? width : width + 1, single_width = wide_are_rare ? width + 1 : width;
  const std::size_t rare = wide_are_rare ? wide : levels_ - wide;
  // The j-th rare group is group ceil(j * levels / rare) - 1 when it is the wider one, and floor((j - 1) * levels /
  // rare) when it is the narrower one, for j from 1; the remainder of the division is carried along.
  const std::size_t step = levels_ / rare, remainder = levels_ % rare;
  const bool first_carry = wide_are_rare && remainder > 0;
  const auto divisor = static_cast<std::ptrdiff_t>(rare), more = static_cast<std::ptrdiff_t>(remainder);
  const std::ptrdiff_t threshold = wide_are_rare ? 1 : divisor;
  std::ptrdiff_t carried = first_carry ? more - divisor : 0;
  std::size_t next = wide_are_rare ? step - 1 + (first_carry ? 1 : 0) : 0, level = 0, at = first;
  double sum = 0;
  for (std::size_t j = 0; j < rare; ++j) {
    const std::size_t end = at + (next - level) * run_width;
    sum += (run[end] - run[at]) + (single[end + single_width] - single[end]);
    at = end + single_width;
    level = next + 1;
    carried += more;
    const bool carry = carried >= threshold;
    next += step + (carry ? 1 : 0);
    carried -= carry ? divisor : 0;
  }
  return sum + (run[last] - run[at]);
}

}  // namespace halftone::observers
