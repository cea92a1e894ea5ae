// softmax(softcap(scale * q k') + mask) v for every head: what the Attention operators share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "ops/shape.h"

namespace halftone::reference {

// Tensors as [batch, heads, rows, width]; groups of query heads may share a head of keys and values.
struct AttentionSizes {
  std::int64_t batch = 0, heads = 0, kv_heads = 0, rows = 0, keys = 0, width = 0, value_width = 0;
};

// The cached keys in `slot` and values in the next are [batch, heads, past, width]; both or neither are given.
inline void require_past(sdk::KernelInputs inputs, std::size_t slot, const AttentionSizes &s, std::int64_t heads) {
  const bool keys = sdk::present(inputs, slot), values = sdk::present(inputs, slot + 1);
  if (!keys && !values) return;
  if (keys != values) throw sdk::Failure(HT_INVALID_ARGUMENT, "past_key and past_value come only together");
  const ht_tensor_view &k = inputs[slot], &v = inputs[slot + 1];
  if (k.rank != 4 || v.rank != 4 || shape_copy(k) != Shape{s.batch, heads, k.shape[2], s.width} ||
      shape_copy(v) != Shape{s.batch, heads, k.shape[2], s.value_width}) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "past_key or past_value has not the shape that query, key and value ask for");
  }
}

struct AttentionInputs {
  std::vector<double> q, k, v;
  double scale = 1, softcap = 0;
};

inline constexpr double kMasked = -std::numeric_limits<double>::infinity();

// Weights of one row that sum to one; all 0 where everything is masked.
inline void softmax_row(std::vector<double> &scores) {
  const double top = scores.empty() ? 0 : *std::ranges::max_element(scores);
  double sum = 0;
  for (double &s : scores) sum += s = std::isinf(top) ? 0.0 : std::exp(s - top);
  for (double &s : scores) s = sum == 0 ? 0.0 : s / sum;
}

// mask(batch, head, row, key) is added to a score; kMasked forbids it. keep(stage, at, scores) sees each row of scores:
// 0 as computed, 1 with softcap, 2 with the mask, 3 as weights.
template <typename Mask, typename Keep>
std::vector<double> attend(const AttentionSizes &s, const AttentionInputs &in, Mask mask, Keep keep) {
  std::vector<double> out(static_cast<std::size_t>(s.batch * s.heads * s.rows * s.value_width));
  std::vector<double> scores(static_cast<std::size_t>(s.keys));
  for (std::int64_t at = 0; at < s.batch * s.heads * s.rows; ++at) {
    const std::int64_t b = at / s.rows / s.heads, h = at / s.rows % s.heads, r = at % s.rows;
    const std::int64_t shared = (b * s.kv_heads + h / (s.heads / s.kv_heads)) * s.keys;
    const double *query = in.q.data() + at * s.width;
    for (std::int64_t j = 0; j < s.keys; ++j) {
      const double *key = in.k.data() + (shared + j) * s.width;
      double sum = 0;
      for (std::int64_t i = 0; i < s.width; ++i) sum += query[i] * key[i];
      scores[static_cast<std::size_t>(j)] = in.scale * sum;
    }
    keep(0, at, scores);
    for (double &score : scores) score = in.softcap > 0 ? in.softcap * std::tanh(score / in.softcap) : score;
    keep(1, at, scores);
    for (std::int64_t j = 0; j < s.keys; ++j) scores[static_cast<std::size_t>(j)] += mask(b, h, r, j);
    keep(2, at, scores);
    softmax_row(scores);
    keep(3, at, scores);
    double *to = out.data() + at * s.value_width;
    for (std::int64_t j = 0; j < s.keys; ++j) {
      const double *value = in.v.data() + (shared + j) * s.value_width;
      for (std::int64_t i = 0; i < s.value_width; ++i) to[i] += scores[static_cast<std::size_t>(j)] * value[i];
    }
  }
  return out;
}

// [batch, rows, heads * width] as [batch, heads, rows, width], and back.
inline std::vector<double> heads_first(const std::vector<double> &x, std::int64_t batch, std::int64_t rows,
                                       std::int64_t heads, std::int64_t width) {
  std::vector<double> out(x.size());
  for (std::int64_t i = 0; i < batch * heads * rows * width; ++i) {
    const std::int64_t w = i % width, r = i / width % rows, h = i / width / rows % heads, b = i / width / rows / heads;
    out[static_cast<std::size_t>(i)] = x[static_cast<std::size_t>(((b * rows + r) * heads + h) * width + w)];
  }
  return out;
}
inline std::vector<double> rows_first(const std::vector<double> &x, std::int64_t batch, std::int64_t rows,
                                      std::int64_t heads, std::int64_t width) {
  return heads_first(x, batch, heads, rows, width);
}

// [batch * heads, past, width] before [batch * heads, rows, width].
inline std::vector<double> joined_rows(const std::vector<double> &past, const std::vector<double> &now,
                                       std::int64_t planes) {
  std::vector<double> out;
  const std::size_t p = planes == 0 ? 0 : past.size() / static_cast<std::size_t>(planes);
  const std::size_t n = planes == 0 ? 0 : now.size() / static_cast<std::size_t>(planes);
  for (std::size_t i = 0; i < static_cast<std::size_t>(planes); ++i) {
    out.insert(out.end(), past.begin() + static_cast<std::ptrdiff_t>(i * p),
               past.begin() + static_cast<std::ptrdiff_t>((i + 1) * p));
    out.insert(out.end(), now.begin() + static_cast<std::ptrdiff_t>(i * n),
               now.begin() + static_cast<std::ptrdiff_t>((i + 1) * n));
  }
  return out;
}

}  // namespace halftone::reference
