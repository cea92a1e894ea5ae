#include "tensor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace halftone::trainer {
namespace {

// To a page: where the output of a convolution begins a little behind its input within a page, stores hold up the
// loads that follow them (a third of the time of a layer of 16 channels).
constexpr std::size_t kAlignment = 4096, kGrain = 4096;

struct Free {
  void operator()(std::byte *block) const { std::free(block); }
};
using Block = std::unique_ptr<std::byte, Free>;

// [rows, a, b] to [rows, b, a], in tiles that stay in the cache.
void swap_axes(const float *from, float *to, std::size_t rows, std::size_t a, std::size_t b) {
  constexpr std::size_t kTile = 16;
  for (std::size_t r = 0; r < rows; ++r, from += a * b, to += a * b) {
    for (std::size_t i0 = 0; i0 < a; i0 += kTile) {
      for (std::size_t j0 = 0; j0 < b; j0 += kTile) {
        const std::size_t i1 = std::min(a, i0 + kTile), j1 = std::min(b, j0 + kTile);
        for (std::size_t j = j0; j < j1; ++j) {
          for (std::size_t i = i0; i < i1; ++i) to[j * a + i] = from[i * b + j];
        }
      }
    }
  }
}

}  // namespace

struct Pool::Store {
  std::mutex mutex;
  std::map<std::size_t, std::vector<Block>> free;  // by size; the last one given back is the warmest
};

Pool::Pool() : store_(std::make_shared<Store>()) {}

std::shared_ptr<std::byte> Pool::take(std::size_t bytes) const {
  const std::size_t size = (bytes / kGrain + 1) * kGrain;
  Block block;
  {
    const std::scoped_lock lock(store_->mutex);
    std::vector<Block> &known = store_->free[size];
    if (!known.empty()) {
      block = std::move(known.back());
      known.pop_back();
    }
  }
  if (block == nullptr) block.reset(static_cast<std::byte *>(std::aligned_alloc(kAlignment, size)));
  if (block == nullptr) throw std::bad_alloc();
  const auto give_back = [store = store_, size](std::byte *raw) {
    Block back(raw);
    const std::scoped_lock lock(store->mutex);
    store->free[size].push_back(std::move(back));
  };
  return {block.release(), give_back};
}

std::size_t count_of(const Shape &shape) {
  std::size_t n = 1;
  for (const std::int64_t extent : shape) n *= static_cast<std::size_t>(extent);
  return n;
}

std::size_t Tensor::count() const {
  return count_of(shape);
}
std::size_t Tensor::bytes() const {
  return sdk::bytes_of(dtype, static_cast<std::int64_t>(count()));
}

ht_tensor_view Tensor::view() const {
  ht_tensor_view v{};
  v.struct_size = sizeof(v);
  v.dtype = dtype;
  v.rank = static_cast<std::uint32_t>(shape.size());
  v.shape = shape.data();
  v.data = data.get();
  return v;
}

Tensor make_tensor(const Pool &pool, ht_dtype dtype, Shape shape, Order order) {
  Tensor t;
  t.dtype = dtype;
  t.order = order;
  t.shape = std::move(shape);
  t.data = pool.take(t.bytes());
  return t;
}

Tensor make_like(const Pool &pool, const Tensor &model) {
  return make_tensor(pool, HT_F32, model.shape, model.order);
}

Tensor borrow(const ht_tensor_view &view) {
  Tensor t;
  t.dtype = view.dtype;
  t.shape.assign(view.shape, view.shape + view.rank);
  alignas(64) static std::byte nothing[64];  // so that a tensor without elements is told from none
  auto *data = view.data == nullptr ? nothing : static_cast<std::byte *>(view.data);
  t.data = std::shared_ptr<std::byte>(data, [](std::byte *) {});
  t.borrowed = true;
  return t;
}

Tensor copy_of(const Pool &pool, const ht_tensor_view &view) {
  Tensor t = make_tensor(pool, view.dtype, Shape(view.shape, view.shape + view.rank));
  if (t.bytes() != 0) std::memcpy(t.data.get(), view.data, t.bytes());
  return t;
}

bool can_be_channels_last(const Tensor &tensor) {
  return tensor.dtype == HT_F32 && tensor.shape.size() >= 3;
}

Tensor in_order(const Pool &pool, const Tensor &tensor, Order order) {
  if (tensor.order == order || tensor.empty() || !can_be_channels_last(tensor)) return tensor;
  const auto rows = static_cast<std::size_t>(tensor.shape[0]), channels = static_cast<std::size_t>(tensor.shape[1]);
  const std::size_t positions = rows * channels == 0 ? 0 : tensor.count() / (rows * channels);
  Tensor out = make_tensor(pool, HT_F32, tensor.shape, order);
  const bool last = order == Order::kChannelsLast;
  swap_axes(tensor.floats(), out.floats(), rows, last ? channels : positions, last ? positions : channels);
  return out;
}

Tensor unpacked(const Pool &pool, const Tensor &tensor) {
  if (tensor.packing == nullptr) return tensor;
  Tensor plain = make_tensor(pool, HT_F32, tensor.shape);
  tensor.packing->unpack(pool, tensor.floats(), plain.floats());
  return plain;
}

}  // namespace halftone::trainer
