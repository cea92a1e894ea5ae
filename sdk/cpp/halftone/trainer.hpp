// A trainer in C++: a factory of sessions, and a session that computes gradients and steps.
//
//   class Mine final : public sdk::Trainer {
//    public:
//     static void describe(sdk::Description &d) { d.id("mine").title("...").capabilities(...); }
//     explicit Mine(const sdk::Args &args);
//     void supports(const sdk::Context &ctx, ht_handle node) override;
//     std::unique_ptr<sdk::TrainSession> open(const sdk::Context &ctx, const ht_train_options &options) override;
//   };
//   HALFTONE_TRAINER(Mine)
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "halftone/component.hpp"
#include "halftone/graph.hpp"

namespace halftone::sdk {

// Hands an output of the whole batch to whoever evaluates; throws when the receiver fails.
using TrainEmit = std::function<void(ht_handle value, const ht_tensor_view &tensor)>;

// One session; see halftone/trainer.h for what each function does. All are [run].
class TrainSession {
 public:
  virtual ~TrainSession() = default;
  // `emit` may be empty.
  virtual ht_train_result evaluate(const Context &ctx, const ht_train_batch &batch, const TrainEmit &emit) = 0;
  virtual ht_train_result accumulate(const Context &ctx, const ht_train_batch &batch) = 0;
  virtual void update(const Context &ctx, const ht_train_update &update) = 0;
  // Views live until the next call of the session.
  virtual ht_tensor_view read(const Context &ctx, const ht_train_subject &subject) = 0;
  virtual ht_tensor_view gradient(const Context &ctx, const ht_train_subject &subject) = 0;
  virtual void write(const Context &ctx, const ht_train_subject &subject, const ht_tensor_view &view) = 0;
  virtual std::span<const std::byte> save(const Context &ctx) = 0;
  virtual void restore(const Context &ctx, std::span<const std::byte> bytes) = 0;
};

class Trainer {
 public:
  static constexpr std::uint32_t kKind = HT_KIND_TRAINER;
  static constexpr const char *kRole = HT_TRAINER_1;
  virtual ~Trainer() = default;
  // Throws Failure(HT_UNIMPLEMENTED) for a node that it cannot train.
  virtual void supports(const Context &ctx, ht_handle node) = 0;
  virtual std::unique_ptr<TrainSession> open(const Context &ctx, const ht_train_options &options) = 0;

  template <typename T>
  static const ht_trainer *role_table() {
    using S = Slots<T>;
    static const ht_trainer table = {sizeof(ht_trainer), 0,           &S::supports, &S::open,     &S::evaluate,
                                     &S::accumulate,     &S::update,  &S::read,     &S::gradient, &S::write,
                                     &S::save,           &S::restore, &S::close};
    return &table;
  }

 private:
  struct Opened {
    const Host *host;
    std::unique_ptr<TrainSession> session;
  };
  template <typename Body>
  static ht_status in_session(void *session, ht_ctx *raw, Body &&body) noexcept {
    auto *opened = static_cast<Opened *>(session);
    return guarded(opened->host->raw, raw, [&] { body(*opened->session, Context(*opened->host, raw)); });
  }
  template <typename T>
  struct Slots {
    static ht_status HT_CALL supports(void *instance, ht_ctx *raw, ht_handle node) noexcept {
      auto *self = static_cast<Instance<T> *>(instance);
      return guarded(self->host.raw, raw, [&] { self->object.supports(Context(self->host, raw), node); });
    }
    static ht_status HT_CALL open(void *instance, ht_ctx *raw, const ht_train_options *options,
                                  void **session) noexcept {
      auto *self = static_cast<Instance<T> *>(instance);
      return guarded(self->host.raw, raw, [&] {
        auto opened = std::make_unique<Opened>();
        opened->host = &self->host;
        opened->session = self->object.open(Context(self->host, raw), *options);
        *session = opened.release();
      });
    }
    static ht_status HT_CALL evaluate(void *session, ht_ctx *raw, const ht_train_batch *batch, ht_train_emit emit,
                                      void *user, ht_train_result *result) noexcept {
      return in_session(session, raw, [&](TrainSession &own, const Context &ctx) {
        TrainEmit hand_over;
        if (emit != nullptr) {
          hand_over = [emit, user](ht_handle value, const ht_tensor_view &tensor) {
            check(emit(user, value, &tensor));
          };
        }
        const ht_train_result found = own.evaluate(ctx, *batch, hand_over);
        if (result != nullptr) *result = found;
      });
    }
    static ht_status HT_CALL accumulate(void *session, ht_ctx *raw, const ht_train_batch *batch,
                                        ht_train_result *result) noexcept {
      return in_session(session, raw, [&](TrainSession &own, const Context &ctx) {
        const ht_train_result found = own.accumulate(ctx, *batch);
        if (result != nullptr) *result = found;
      });
    }
    static ht_status HT_CALL update(void *session, ht_ctx *raw, const ht_train_update *update) noexcept {
      return in_session(session, raw, [&](TrainSession &own, const Context &ctx) { own.update(ctx, *update); });
    }
    static ht_status HT_CALL read(void *session, ht_ctx *raw, const ht_train_subject *subject,
                                  ht_tensor_view *view) noexcept {
      return in_session(session, raw, [&](TrainSession &own, const Context &ctx) { *view = own.read(ctx, *subject); });
    }
    static ht_status HT_CALL gradient(void *session, ht_ctx *raw, const ht_train_subject *subject,
                                      ht_tensor_view *view) noexcept {
      return in_session(session, raw,
                        [&](TrainSession &own, const Context &ctx) { *view = own.gradient(ctx, *subject); });
    }
    static ht_status HT_CALL write(void *session, ht_ctx *raw, const ht_train_subject *subject,
                                   const ht_tensor_view *view) noexcept {
      return in_session(session, raw, [&](TrainSession &own, const Context &ctx) { own.write(ctx, *subject, *view); });
    }
    static ht_status HT_CALL save(void *session, ht_ctx *raw, const void **bytes, std::uint64_t *size) noexcept {
      return in_session(session, raw, [&](TrainSession &own, const Context &ctx) {
        const std::span<const std::byte> saved = own.save(ctx);
        *bytes = saved.data();
        *size = saved.size();
      });
    }
    static ht_status HT_CALL restore(void *session, ht_ctx *raw, const void *bytes, std::uint64_t size) noexcept {
      return in_session(session, raw, [&](TrainSession &own, const Context &ctx) {
        own.restore(ctx, {static_cast<const std::byte *>(bytes), static_cast<std::size_t>(size)});
      });
    }
    static void HT_CALL close(void *session) noexcept { delete static_cast<Opened *>(session); }
  };
};

}  // namespace halftone::sdk

#define HALFTONE_TRAINER(Class) HALFTONE_COMPONENT(Class)
