// What steps over oneDNN share: its engine, calls of primitives, changes of layout. Threads that make primitives
// have OpenMP set to one thread, which a primitive captures.
#pragma once

#include <initializer_list>
#include <memory>
#include <mutex>
#include <vector>

#include "dnnl_api.h"
#include "tensor.h"

namespace halftone::trainer {

// oneDNN captures the number of threads of the thread that makes a primitive.
class SingleThread {
 public:
  SingleThread();
  ~SingleThread();
  SingleThread(const SingleThread &) = delete;
  SingleThread &operator=(const SingleThread &) = delete;

 private:
  int before_;
};

const dnnl::engine &cpu();
dnnl::primitive_attr own_scratchpad();

api::Desc desc_of(const Shape &shape, Order order);  // float32
api::Desc any_desc(const api::Dims &dims);
api::Desc strided_desc(const api::Dims &dims, const api::Dims &strides);

// A primitive and the layouts of what it is called with. oneDNN's objects for memory take as long to make as a
// small primitive takes to run: they are made once for each thread that calls at the same time, and used again.
class Call {
 public:
  struct Argument {
    int name;  // DNNL_ARG_*
    api::Desc desc;
  };
  Call() = default;  // of nothing
  Call(dnnl::primitive primitive, const api::Desc &scratchpad, std::vector<Argument> arguments);

  explicit operator bool() const { return shared_ != nullptr; }
  // [any thread] Data in the order of the arguments.
  void run(const Pool &pool, std::initializer_list<const void *> data) const;

 private:
  struct Frame;
  struct Shared;
  std::unique_ptr<Frame> take() const;
  std::shared_ptr<Shared> shared_;
};

// A change of layout. Gives the data itself where both layouts are one.
class Conversion {
 public:
  Conversion() = default;
  Conversion(const api::Desc &from, const api::Desc &to);
  bool changes() const { return static_cast<bool>(reorder_); }
  std::size_t source_bytes() const { return source_bytes_; }
  std::shared_ptr<std::byte> run(const Pool &pool, const std::shared_ptr<std::byte> &from) const;
  void run(const Pool &pool, const void *from, void *to) const;  // where it changes something

 private:
  Call reorder_;
  std::size_t source_bytes_ = 0, bytes_ = 0;
};

// A weight in the layout of a primitive, made again when the weight has changed.
class KeptLayout {
 public:
  // Before the first get(); from the layout that the weight is stored in.
  void set(const api::Desc &from, const api::Desc &to) { conversion_ = Conversion(from, to); }
  std::shared_ptr<std::byte> get(const Pool &pool, const Tensor &weight, std::uint64_t version);

 private:
  std::mutex mutex_;
  std::uint64_t version_ = 0;
  std::shared_ptr<std::byte> kept_;
  Conversion conversion_;
};

}  // namespace halftone::trainer
