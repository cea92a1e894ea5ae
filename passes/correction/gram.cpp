#include "gram.h"

#include <algorithm>
#include <array>

#include "code_products.h"

namespace halftone::passes {
namespace {

constexpr double kExactDouble = 9007199254740992.0;  // 2^53
constexpr double kMost32 = 2147483647.0;
constexpr std::size_t kRows = CodePanels::kRows;

std::int32_t whole(float x) {
  return static_cast<std::int32_t>(x);
}

// Products of all rows of two panels, handed over in parts that fit: body(sums), column-major, kRows apart.
template <class Body>
void each_part(const CodePanels &a, std::size_t panel_a, const CodePanels &b, std::size_t panel_b, std::size_t allowed,
               const Body &body) {
  std::array<std::int32_t, kRows * kRows> sums;
  const std::size_t pairs = (a.positions() + 1) / 2, step = std::max<std::size_t>(allowed / 2, 1);
  const std::size_t columns = std::min(kRows, b.rows() - panel_b * kRows);
  for (std::size_t first = 0; first < pairs; first += step) {
    sum_products(a.pairs(panel_a, first), b.pairs(panel_b, first), std::min(step, pairs - first), columns, sums.data());
    body(sums);
  }
}

}  // namespace

CodePanels::CodePanels(std::size_t rows, std::size_t capacity)
    : rows_(rows), capacity_(capacity + capacity % 2), data_((rows + kRows - 1) / kRows * (capacity_ / 2) * kRows) {}

std::uint64_t CodePanels::bytes(std::size_t rows, std::size_t capacity) {
  return (rows + kRows - 1) / kRows * (capacity + 1) / 2 * kRows * sizeof(std::int32_t);
}

const std::int32_t *CodePanels::pairs(std::size_t panel, std::size_t first) const {
  return data_.data() + (panel * (capacity_ / 2) + first) * kRows;
}

// Of the pair that the next position belongs to.
std::int32_t *CodePanels::place(std::size_t panel) {
  return data_.data() + (panel * (capacity_ / 2) + positions_ / 2) * kRows;
}

void CodePanels::put_one(const float *x) {
  const bool second = positions_ % 2 == 1;
  for (std::size_t row = 0; row < rows_; ++row) {
    std::int32_t &pair = place(row / kRows)[row % kRows];
    pair = second ? code_pair(pair, whole(x[row])) : code_pair(whole(x[row]), 0);
  }
  ++positions_;
}

void CodePanels::put_two(const float *x) {
  for (std::size_t first = 0; first < rows_; first += kRows) {
    const float *one = x + first, *two = x + rows_ + first;
    std::int32_t *pairs = place(first / kRows);
    for (std::size_t i = 0; i < std::min(kRows, rows_ - first); ++i) pairs[i] = code_pair(whole(one[i]), whole(two[i]));
  }
  positions_ += 2;
}

void CodePanels::append(const float *x, std::size_t count) {
  std::size_t done = 0;
  if (count > 0 && positions_ % 2 == 1) put_one(x), done = 1;
  for (; done + 2 <= count; done += 2) put_two(x + done * rows_);
  if (done < count) put_one(x + done * rows_);
}

void CodePanels::append_rows(const float *y, std::size_t stride, std::size_t count) {
  std::vector<float> position(rows_);
  for (std::size_t p = 0; p < count; ++p) {
    for (std::size_t row = 0; row < rows_; ++row) position[row] = y[row * stride + p];
    put_one(position.data());
  }
}

std::size_t exact_positions(double largest_a, double largest_b) {
  return static_cast<std::size_t>(kMost32 / (std::max(largest_a, 1.0) * std::max(largest_b, 1.0)));
}

bool sums_are_exact(double terms, double largest_a, double largest_b) {
  return terms * largest_a * largest_b <= kExactDouble;
}

void add_gram(const CodePanels &x, double largest, std::mutex &lock, double *gram) {
  const std::size_t n = x.rows(), allowed = exact_positions(largest, largest);
  for (std::size_t b = 0; b < x.panels(); ++b) {
    for (std::size_t a = b; a < x.panels(); ++a) {
      each_part(x, a, x, b, allowed, [&](const auto &sums) {
        const std::scoped_lock held(lock);
        for (std::size_t c = b * kRows; c < std::min(n, (b + 1) * kRows); ++c) {
          const std::int32_t *column = sums.data() + c % kRows * kRows;
          const std::size_t from = std::max(c, a * kRows), to = std::min(n, (a + 1) * kRows);
          for (std::size_t r = from; r < to; ++r) gram[c * n + r] += static_cast<double>(column[r % kRows]);
        }
      });
    }
  }
}

void add_cross(const CodePanels &y, double largest_y, const CodePanels &x, double largest_x, std::mutex &lock,
               double *cross) {
  const std::size_t allowed = exact_positions(largest_y, largest_x);
  for (std::size_t b = 0; b < x.panels(); ++b) {
    for (std::size_t a = 0; a < y.panels(); ++a) {
      each_part(y, a, x, b, allowed, [&](const auto &sums) {
        const std::scoped_lock held(lock);
        const std::size_t first = a * kRows, count = std::min(y.rows() - first, kRows);
        for (std::size_t c = b * kRows; c < std::min(x.rows(), (b + 1) * kRows); ++c) {
          const std::int32_t *column = sums.data() + c % kRows * kRows;
          double *to = cross + c * y.rows() + first;
          for (std::size_t r = 0; r < count; ++r) to[r] += static_cast<double>(column[r]);
        }
      });
    }
  }
}

}  // namespace halftone::passes
