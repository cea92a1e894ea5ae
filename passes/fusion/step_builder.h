// Adds nodes one after the other under names that begin alike, with the type of each result.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "halftone/graph.hpp"
#include "halftone/stored_tensor.hpp"

namespace halftone::passes {

using Extents = std::vector<std::int64_t>;  // -1 where not known

class StepBuilder {
 public:
  StepBuilder(const sdk::GraphEdit &edit, ht_handle home, std::string name, ht_dtype dtype)
      : edit_(edit), home_(home), name_(std::move(name)), dtype_(dtype) {}

  ht_handle value(const std::string &what, const Extents &shape) const {
    ht_tensor_info type{};
    type.struct_size = sizeof(type);
    type.dtype = dtype_;
    type.known_rank = 1;
    type.rank = static_cast<std::uint32_t>(shape.size());
    for (std::size_t i = 0; i < shape.size(); ++i) type.shape[i] = shape[i];
    return edit_.add_value(home_, name_ + what, &type);
  }
  ht_handle put(const char *op_type, const std::string &what, std::span<const ht_handle> inputs,
                std::span<const ht_handle> outputs) const {
    return edit_.add_node(home_, op_type, name_ + what, inputs, outputs);
  }
  // A node with one new output.
  ht_handle op(const char *op_type, const std::string &what, std::span<const ht_handle> inputs,
               const Extents &shape) const {
    const ht_handle out = value(what, shape);
    put(op_type, what, inputs, {&out, 1});
    return out;
  }
  ht_handle unary(const char *op_type, const std::string &what, ht_handle x, const Extents &shape) const {
    return op(op_type, what, {&x, 1}, shape);
  }
  ht_handle binary(const char *op_type, const std::string &what, ht_handle a, ht_handle b, const Extents &shape) const {
    return op(op_type, what, std::array{a, b}, shape);
  }
  // Parts of these lengths along an axis; `shape` is that of the whole.
  std::vector<ht_handle> split(const std::string &what, ht_handle x, std::size_t axis, const Extents &lengths,
                               const Extents &shape) const {
    std::vector<ht_handle> parts;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      Extents part = shape;
      part[axis] = lengths[i];
      parts.push_back(value(what + "_" + std::to_string(i), part));
    }
    const ht_handle node = put("Split", what, std::array{x, integers(what + "_lengths", lengths)}, parts);
    edit_.set_int(node, "axis", static_cast<std::int64_t>(axis));
    return parts;
  }
  void concat(const std::string &what, std::span<const ht_handle> parts, std::size_t axis, ht_handle output) const {
    edit_.set_int(put("Concat", what, parts, {&output, 1}), "axis", static_cast<std::int64_t>(axis));
  }
  ht_handle constant(const std::string &what, const Extents &shape, std::vector<double> data) const {
    return sdk::add_tensor(edit_, home_, name_ + what, sdk::StoredTensor{dtype_, shape, std::move(data)});
  }
  ht_handle integers(const std::string &what, const Extents &values) const {
    const auto count = static_cast<std::int64_t>(values.size());
    ht_tensor_view view{};
    view.struct_size = sizeof(view);
    view.dtype = HT_I64;
    view.rank = 1;
    view.shape = &count;
    view.data = const_cast<std::int64_t *>(values.data());
    return edit_.add_initializer(home_, name_ + what, view);
  }

 private:
  const sdk::GraphEdit &edit_;
  ht_handle home_;
  std::string name_;
  ht_dtype dtype_;
};

}  // namespace halftone::passes
