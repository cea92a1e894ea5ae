// Tensors of a training session: memory from a pool, row-major or with channels last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "halftone/owned_tensor.hpp"

namespace halftone::trainer {

using Shape = std::vector<std::int64_t>;

// Memory that is used again: each step of training asks for the same sizes. Blocks go back when nobody holds them.
class Pool {
 public:
  Pool();
  // Aligned to 64 bytes; what it holds is not defined. Throws std::bad_alloc.
  std::shared_ptr<std::byte> take(std::size_t bytes) const;

 private:
  struct Store;
  std::shared_ptr<Store> store_;  // outlives the blocks that are still held
};

// How elements of a tensor of logical shape [rows, channels, positions...] lie.
enum class Order : std::uint8_t { kPlain, kChannelsLast };

// How a float tensor lies that only its maker can read, such as the gradient of a weight in the layout of a
// primitive. Two of the same packing can be added place by place.
class Packing {
 public:
  virtual ~Packing() = default;
  // Floats that are stored, which may be more than elements.
  virtual std::size_t count() const = 0;
  virtual void unpack(const Pool &pool, const float *from, float *to) const = 0;  // to row-major
};

struct Tensor {
  ht_dtype dtype = HT_DTYPE_NONE;
  Order order = Order::kPlain;
  Shape shape;  // logical
  std::shared_ptr<std::byte> data;
  const Packing *packing = nullptr;  // null: as `order` says; kept by its maker
  bool borrowed = false;             // memory of somebody else's, never written to

  bool empty() const { return data == nullptr; }
  std::size_t count() const;
  std::size_t bytes() const;
  float *floats() const { return reinterpret_cast<float *>(data.get()); }
  std::size_t stored_count() const { return packing == nullptr ? count() : packing->count(); }
  // Nobody else can read the memory: it may be written to.
  bool is_sole() const { return !borrowed && data.use_count() == 1; }
  // Valid while this object stays where it is.
  ht_tensor_view view() const;
};

std::size_t count_of(const Shape &shape);
Tensor make_tensor(const Pool &pool, ht_dtype dtype, Shape shape, Order order = Order::kPlain);
// Float32, of the shape and order of another.
Tensor make_like(const Pool &pool, const Tensor &model);
// Memory of somebody else's, who keeps it.
Tensor borrow(const ht_tensor_view &view);
Tensor copy_of(const Pool &pool, const ht_tensor_view &view);

// The tensor in this order; itself where it has it. A tensor of fewer than 3 axes, or of another type than float32, is
// always plain.
Tensor in_order(const Pool &pool, const Tensor &tensor, Order order);
bool can_be_channels_last(const Tensor &tensor);
Tensor unpacked(const Pool &pool, const Tensor &tensor);

}  // namespace halftone::trainer
