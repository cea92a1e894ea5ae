// Sums of products of integers that are exact, so that no order of samples or threads changes them.
//
// Codes are whole numbers of at most 16 bits. Products are summed up in 32 bits while every sum fits, and these sums
// are added up in double, below 2^53. docs/decisions/0012-exact-gram-sums.md has the reasoning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace halftone::passes {

// Codes at some positions, a row for each thing that is summed up over them, in the layout that the products are made
// from: panels of rows, in which two positions lie side by side.
class CodePanels {
 public:
  static constexpr std::size_t kRows = 32;  // of a panel

  CodePanels(std::size_t rows, std::size_t capacity);
  std::size_t rows() const noexcept { return rows_; }
  std::size_t positions() const noexcept { return positions_; }
  std::size_t room() const noexcept { return capacity_ - positions_; }
  void clear() noexcept { positions_ = 0; }
  // Whole numbers below 2^15 in magnitude; not more positions than there is room for.
  void append(const float *x, std::size_t count);                           // rows() numbers for each position in turn
  void append_rows(const float *y, std::size_t stride, std::size_t count);  // row r at y + r * stride

  std::size_t panels() const noexcept { return (rows_ + kRows - 1) / kRows; }
  // Pairs of positions first .. of a panel, each of kRows rows; see code_pair().
  const std::int32_t *pairs(std::size_t panel, std::size_t first) const;
  static std::uint64_t bytes(std::size_t rows, std::size_t capacity);

 private:
  void put_one(const float *x);
  void put_two(const float *x);
  std::int32_t *place(std::size_t panel);

  std::size_t rows_, capacity_, positions_ = 0;
  std::vector<std::int32_t> data_;
};

// Positions whose products, of factors of at most these magnitudes, sum up in 32 bits.
std::size_t exact_positions(double largest_a, double largest_b);

// gram += x * x^T, rows x rows, of which the lower triangle (column-major) is kept up. The lock is held for additions.
void add_gram(const CodePanels &x, double largest, std::mutex &lock, double *gram);

// cross += y * x^T, rows of y x rows of x, column-major; both have the same positions.
void add_cross(const CodePanels &y, double largest_y, const CodePanels &x, double largest_x, std::mutex &lock,
               double *cross);

// Whether so many products sum up exactly in double.
bool sums_are_exact(double terms, double largest_a, double largest_b);

}  // namespace halftone::passes
