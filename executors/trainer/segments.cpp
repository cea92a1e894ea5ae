#include "segments.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "halftone/status.hpp"

namespace halftone::trainer {
namespace {

std::size_t at(int value) {
  return static_cast<std::size_t>(value);
}

// Cuts behind the steps where the bytes made so far pass each share.
std::vector<std::size_t> even_ends(const Program &program, const std::vector<std::size_t> &bytes, std::size_t count) {
  std::vector<std::size_t> ends;
  const double all = static_cast<double>(std::accumulate(bytes.begin(), bytes.end(), std::size_t{0}));
  double made = 0;
  for (std::size_t i = 0; i + 1 < program.steps.size() && ends.size() + 1 < count; ++i) {
    for (const int value : program.steps[i]->outputs) made += static_cast<double>(bytes[at(value)]);
    if (made >= all * static_cast<double>(ends.size() + 1) / static_cast<double>(count)) ends.push_back(i + 1);
  }
  ends.push_back(program.steps.size());
  return ends;
}

Segments cut(const Program &program, std::vector<std::size_t> ends) {
  Segments s;
  s.of_value.assign(program.values.size(), Segments::kNone);
  s.drop.resize(ends.size());
  std::vector<std::size_t> last_reader(program.values.size(), 0);
  std::size_t segment = 0;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    while (i >= ends[segment]) ++segment;
    for (const int value : program.steps[i]->outputs) s.of_value[at(value)] = last_reader[at(value)] = segment;
    for (const int value : program.steps[i]->inputs) {
      if (value != kNoValue) last_reader[at(value)] = segment;
    }
  }
  for (const int value : program.loss_values) last_reader[at(value)] = ends.size();
  for (const int value : program.outputs) last_reader[at(value)] = ends.size();
  for (std::size_t v = 0; v < program.values.size(); ++v) {
    const std::size_t own = s.of_value[v];
    if (own != Segments::kNone && own + 1 < ends.size() && last_reader[v] == own) {
      s.drop[own].push_back(static_cast<int>(v));
    }
  }
  s.ends = std::move(ends);
  return s;
}

// All that crosses a cut, and the largest segment at a time.
std::size_t peak(const Segments &s, const std::vector<std::size_t> &bytes) {
  std::vector<std::size_t> own(s.ends.size());
  std::size_t crossing = 0;
  for (std::size_t v = 0; v < bytes.size(); ++v) {
    if (s.of_value[v] != Segments::kNone) crossing += bytes[v];
  }
  for (std::size_t k = 0; k < s.drop.size(); ++k) {
    for (const int value : s.drop[k]) own[k] += bytes[at(value)];
    crossing -= own[k];
  }
  return crossing + *std::max_element(own.begin(), own.end());
}

}  // namespace

Segments whole(const Program &program) {
  return cut(program, {program.steps.size()});
}

Segments segments_within(const Program &program, const std::vector<std::size_t> &bytes, std::uint64_t most,
                         std::uint64_t shards) {
  Segments found = whole(program);
  std::size_t least = peak(found, bytes);
  for (std::size_t count = 2; least > most && count <= std::min<std::size_t>(64, program.steps.size()); ++count) {
    Segments tried = cut(program, even_ends(program, bytes, count));
    const std::size_t size = peak(tried, bytes);
    if (size >= least) continue;
    least = size;
    found = std::move(tried);
  }
  if (least <= most) return found;
  throw sdk::Failure(
      HT_RESOURCE_EXHAUSTED,
      "training keeps at least " + std::to_string(least * shards / 1024 + 1) +
          " KiB for gradients, more than the memory that it may have; allow more, or use smaller batches");
}

}  // namespace halftone::trainer
