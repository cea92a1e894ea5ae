// A model as bytes, with every handle as it is, so that what goes on with the copy is what would have gone on with the
// model. The original file's own structure (the sidecar), which only an export needs, is not part of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/byte_archive.h"
#include "core/model/model.h"

namespace halftone::model {

// Tensors beside the bytes of an image, each storage once.
class TensorTable {
 public:
  // By content: tensors of the same bytes in different memory are one.
  explicit TensorTable(bool by_content = false) : by_content_(by_content) {}
  std::uint64_t add(const Tensor &tensor);
  const std::vector<Tensor> &all() const noexcept { return tensors_; }

 private:
  bool by_content_;
  std::vector<Tensor> tensors_;
  std::map<std::string, std::uint64_t> known_;
};

class ImageWriter : public ByteWriter {
 public:
  explicit ImageWriter(TensorTable &tensors) : tensors_(tensors) {}
  void tensor(Tensor &tensor) { count(tensors_.add(tensor)); }

 private:
  TensorTable &tensors_;
};

class ImageReader : public ByteReader {
 public:
  ImageReader(std::string_view bytes, std::string what, const std::vector<Tensor> &tensors)
      : ByteReader(bytes, std::move(what)), tensors_(tensors) {}
  void tensor(Tensor &tensor) {
    std::uint64_t index = 0;
    raw(&index, sizeof index);
    if (index >= tensors_.size()) broken();
    tensor = tensors_[static_cast<std::size_t>(index)];
  }

 private:
  const std::vector<Tensor> &tensors_;
};

class ModelImage {
 public:
  static void write(ImageWriter &writer, const Model &model);
  static Model read(ImageReader &reader);
  // Where two models that came from one differ first: "node 'conv1' (Conv)"; empty when they are the same, bit by bit.
  static std::string difference(const Model &a, const Model &b);
  // Exchanges stored tensors for others of the same shape, type and bytes: to the model nothing has changed. `exchange`
  // gives an empty tensor for one that stays.
  static void exchange_tensors(Model &model, const std::function<Tensor(const Tensor &)> &exchange);

 private:
  template <typename A>
  static void walk_model(A &archive, Model &model);
  template <typename A, typename T>
  static void walk_pool(A &archive, Pool<T> &pool);
  static void index_names(Model &model);
  template <typename T, typename Name>
  static std::string different_object(const Pool<T> &a, const Pool<T> &b, TensorTable &tensors, Name name);
};

}  // namespace halftone::model
