// Which samples make up the batch of each step: all samples once, shuffled, then all again in another order. Samples of
// different shapes never share a batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace halftone::passes {

class BatchOrder {
 public:
  // `classes`: of each sample; samples of one class have the same shapes.
  BatchOrder(std::vector<std::size_t> classes, std::size_t batch, std::uint64_t seed);
  // Samples of the next step. A batch is smaller only where its class has fewer samples.
  std::vector<std::uint64_t> next();

 private:
  void shuffle();

  std::vector<std::size_t> classes_;
  std::map<std::size_t, std::size_t> sizes_;  // of classes
  std::size_t batch_;
  std::uint64_t seed_, epoch_ = 0;
  std::vector<std::uint64_t> order_;
  std::size_t at_ = 0;
  std::map<std::size_t, std::vector<std::uint64_t>> waiting_;  // by class
};

}  // namespace halftone::passes
