// An executor in C++: a factory of sessions, and a session that runs samples.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "halftone/component.hpp"
#include "halftone/config.hpp"
#include "halftone/graph.hpp"

namespace halftone::sdk {

// Hands a value to the host; throws when the host wants to end the run.
class Emit {
 public:
  Emit(ht_emit function, void *user) : function_(function), user_(user) {}
  void operator()(ht_handle value, const ht_tensor_view &tensor) const { check(send(value, tensor)); }
  // The same, for an emit function of one's own that hands on.
  ht_status send(ht_handle value, const ht_tensor_view &tensor) const noexcept {
    return function_(user_, value, &tensor);
  }

 private:
  ht_emit function_;
  void *user_;
};

// Hands a step of a timed session to the host.
class EachStep {
 public:
  EachStep(ht_each_step function, void *user) : function_(function), user_(user) {}
  void operator()(const ht_step &step) const { check(function_(user_, &step)); }

 private:
  ht_each_step function_;
  void *user_;
};

// Whether the host wants the time of every step.
inline bool is_timed(const ht_session_options &options) {
  return options.timed != 0;
}

class Session {
 public:
  virtual ~Session() = default;
  // [worker] Concurrently for different workers.
  virtual void run(const Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
                   const Emit &emit) = 0;
  // [run] The steps of a session that was opened with `timed`.
  virtual void profile(const Context &, const EachStep &) {
    throw Failure(HT_UNIMPLEMENTED, "this executor takes no time of its steps");
  }
  // [run] What inputs of these shapes take; `inputs` have no data.
  virtual ht_session_memory memory(const Context &, std::span<const ht_tensor_view>) {
    throw Failure(HT_UNIMPLEMENTED, "this executor cannot say what memory it needs");
  }
};

// Derive and define `static constexpr std::uint32_t kModes` (bit n: mode n).
class Executor {
 public:
  static constexpr std::uint32_t kKind = HT_KIND_EXECUTOR;
  static constexpr const char *kRole = HT_EXECUTOR_1;
  virtual ~Executor() = default;
  // Throws Failure(HT_UNIMPLEMENTED) for a node that it cannot run.
  virtual void supports(const Context &ctx, ht_handle node, std::uint32_t mode) = 0;
  virtual std::unique_ptr<Session> open(const Context &ctx, const ht_session_options &options) = 0;

  template <typename T>
  static const ht_executor *role_table() {
    static const ht_executor table = {sizeof(ht_executor), T::kModes,        &Slots<T>::supports, &Slots<T>::open,
                                      &Slots<T>::run,      &Slots<T>::close, &Slots<T>::profile,  &Slots<T>::memory};
    return &table;
  }

 private:
  struct Opened {
    const Host *host;
    std::unique_ptr<Session> session;
  };
  template <typename T>
  struct Slots {
    static ht_status HT_CALL supports(void *instance, ht_ctx *raw, ht_handle node, std::uint32_t mode) noexcept {
      auto *self = static_cast<Instance<T> *>(instance);
      return guarded(self->host.raw, raw, [&] { self->object.supports(Context(self->host, raw), node, mode); });
    }
    static ht_status HT_CALL open(void *instance, ht_ctx *raw, const ht_session_options *options,
                                  void **session) noexcept {
      auto *self = static_cast<Instance<T> *>(instance);
      return guarded(self->host.raw, raw, [&] {
        auto opened = std::make_unique<Opened>();
        opened->host = &self->host;
        opened->session = self->object.open(Context(self->host, raw), *options);
        *session = opened.release();
      });
    }
    static ht_status HT_CALL run(void *session, ht_ctx *raw, std::uint32_t worker, const ht_tensor_view *inputs,
                                 std::uint64_t count, ht_emit emit, void *user) noexcept {
      auto *opened = static_cast<Opened *>(session);
      return guarded(opened->host->raw, raw, [&] {
        opened->session->run(Context(*opened->host, raw), worker, {inputs, static_cast<std::size_t>(count)},
                             Emit(emit, user));
      });
    }
    static ht_status HT_CALL profile(void *session, ht_ctx *raw, ht_each_step each, void *user) noexcept {
      auto *opened = static_cast<Opened *>(session);
      return guarded(opened->host->raw, raw,
                     [&] { opened->session->profile(Context(*opened->host, raw), EachStep(each, user)); });
    }
    static ht_status HT_CALL memory(void *session, ht_ctx *raw, const ht_tensor_view *inputs, std::uint64_t count,
                                    ht_session_memory *memory) noexcept {
      auto *opened = static_cast<Opened *>(session);
      return guarded(opened->host->raw, raw, [&] {
        *memory = opened->session->memory(Context(*opened->host, raw), {inputs, static_cast<std::size_t>(count)});
      });
    }
    static void HT_CALL close(void *session) noexcept { delete static_cast<Opened *>(session); }
  };
};

}  // namespace halftone::sdk

#define HALFTONE_EXECUTOR(Class) HALFTONE_COMPONENT(Class)
