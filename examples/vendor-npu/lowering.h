// From a quantized model to a program: every value gets a tensor of codes, every operator its instructions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "halftone/exporter.hpp"
#include "instructions.h"

namespace tern {

class Lowering {
 public:
  Lowering(const halftone::sdk::Context &ctx, std::size_t alignment);
  // Throws, naming the node, for what the device cannot compute. Nodes in float behind its last operator are the
  // host's.
  Program run();

 private:
  using Node = halftone::sdk::Node;
  // Where a result goes: its tensor, and the codes that an activation behind it leaves.
  struct Target {
    std::int32_t tensor = 0, low = 0, high = 255;
  };

  using Lower = void (Lowering::*)(const Node &);
  static Lower instruction_of(const Node &node);

  void inputs();
  void lower(const Node &node);
  void products(const Node &node);        // lower_products.cpp
  void sum(const Node &node);             // lower_products.cpp
  void product_of_two(const Node &node);  // lower_products.cpp
  void require_one_rank(const Node &node, std::int32_t a, std::int32_t b) const;
  void table(const Node &node);
  void max_pool(const Node &node);
  void mean(const Node &node);
  void concat(const Node &node);
  void move(const Node &node);

  // The tensor that a slot reads, brought to the slot's own grid where it has one.
  std::int32_t read(const Node &node, std::uint32_t slot);
  std::int32_t regridded(std::int32_t tensor, const Grid &to);
  // For output 0, or that of the Relu or Clip behind it where the grid is there.
  Target write(const Node &node);
  Target absorb(const Node &node);
  // For an operator that moves codes: the grid stays, and what reads the value gets that of its config.
  void write_moved(const Node &node, std::int32_t from, Op op, const std::vector<std::int32_t> &operands);
  void outputs();
  // Behind the last operator of the device: the host computes it from values that become outputs of the program.
  bool is_tail(const Node &node) const;

  std::optional<Grid> input_grid(ht_handle value) const;
  std::vector<std::int64_t> shape_of_sample(ht_handle value) const;
  Function activation(const Node &node) const;
  std::optional<float> limit(const Node &node, std::uint32_t slot) const;
  [[noreturn]] void refuse(const Node &node, const std::string &why) const;

  const halftone::sdk::Context &ctx_;
  halftone::sdk::Graph graph_;
  halftone::sdk::Configs configs_;
  Program program_;
  std::map<ht_handle, std::int32_t> tensors_;
  std::set<ht_handle> absorbed_, tail_;
};

}  // namespace tern
