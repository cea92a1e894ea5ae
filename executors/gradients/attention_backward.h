// Back through softmax(softcap(scale * q k') + mask) v for every head.
#pragma once

#include <cmath>
#include <vector>

#include "ops/attention_core.h"

namespace halftone::gradients {

// Gradients of the operands, heads first, and of the scores as the mask was added to them: [batch, heads, rows, keys].
struct AttentionGradients {
  std::vector<double> q, k, v, scores;
};

// `dy`: [batch, heads, rows, value width]. mask(batch, head, row, key) as attend() takes it.
template <typename Mask>
AttentionGradients attend_backward(const reference::AttentionSizes &s, const reference::AttentionInputs &in,
                                   const std::vector<double> &dy, Mask mask) {
  AttentionGradients out = {std::vector<double>(in.q.size(), 0.0), std::vector<double>(in.k.size(), 0.0),
                            std::vector<double>(in.v.size(), 0.0),
                            std::vector<double>(static_cast<std::size_t>(s.batch * s.heads * s.rows * s.keys), 0.0)};
  std::vector<double> plain(static_cast<std::size_t>(s.keys));
  reference::attend(s, in, mask, [&](int stage, std::int64_t at, const std::vector<double> &scores) {
    if (stage == 0) plain = scores;
    if (stage != 3) return;
    const std::int64_t b = at / s.rows / s.heads, h = at / s.rows % s.heads;
    const std::int64_t shared = (b * s.kv_heads + h / (s.heads / s.kv_heads)) * s.keys;
    const double *given = dy.data() + at * s.value_width, *query = in.q.data() + at * s.width;
    double *flow = out.scores.data() + at * s.keys;
    double sum = 0;
    for (std::int64_t j = 0; j < s.keys; ++j) {
      const double weight = scores[static_cast<std::size_t>(j)];
      const std::int64_t value = (shared + j) * s.value_width;
      for (std::int64_t i = 0; i < s.value_width; ++i) {
        flow[j] += given[i] * in.v[static_cast<std::size_t>(value + i)];
        out.v[static_cast<std::size_t>(value + i)] += weight * given[i];
      }
      sum += weight * flow[j];
    }
    for (std::int64_t j = 0; j < s.keys; ++j) {
      flow[j] = scores[static_cast<std::size_t>(j)] * (flow[j] - sum);
      const double bend = in.softcap > 0 ? std::tanh(plain[static_cast<std::size_t>(j)] / in.softcap) : 0.0;
      const double d = in.scale * flow[j] * (1 - bend * bend);
      const std::int64_t key = (shared + j) * s.width;
      for (std::int64_t i = 0; i < s.width; ++i) {
        out.q[static_cast<std::size_t>(at * s.width + i)] += d * in.k[static_cast<std::size_t>(key + i)];
        out.k[static_cast<std::size_t>(key + i)] += d * query[i];
      }
    }
  });
  return out;
}

}  // namespace halftone::gradients
