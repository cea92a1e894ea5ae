// A reader in C++: a factory of sources, and a source of samples.
#pragma once

#include <memory>
#include <string>

#include "halftone/component.hpp"

namespace halftone::sdk {

class Source {
 public:
  virtual ~Source() = default;
  virtual std::uint64_t count() const = 0;
  // [worker] The sample's data lives in the context's arena or in the source.
  virtual ht_tensor_view read(const Context &ctx, std::uint64_t index) const = 0;
  virtual std::string name(std::uint64_t index) const = 0;
};

// Derive and define `static constexpr const char *kExtensions`.
class Reader {
 public:
  static constexpr std::uint32_t kKind = HT_KIND_READER;
  static constexpr const char *kRole = HT_READER_1;
  virtual ~Reader() = default;
  virtual std::unique_ptr<Source> open(const Context &ctx, const std::string &path) = 0;

  template <typename T>
  static const ht_reader *role_table() {
    static const ht_reader table = {
        sizeof(ht_reader), 0, T::kExtensions, &Slots<T>::open, &Slots<T>::close, &Slots<T>::count, &Slots<T>::read,
        &Slots<T>::name};
    return &table;
  }

 private:
  struct Opened {
    const Host *host;
    std::unique_ptr<Source> source;
  };
  template <typename T>
  struct Slots {
    static ht_status HT_CALL open(void *instance, ht_ctx *raw, const ht_str *path, void **source) noexcept {
      auto *self = static_cast<Instance<T> *>(instance);
      return guarded(self->host.raw, raw, [&] {
        auto opened = std::make_unique<Opened>();
        opened->host = &self->host;
        opened->source = self->object.open(Context(self->host, raw), std::string(view(*path)));
        *source = opened.release();
      });
    }
    static void HT_CALL close(void *source) noexcept { delete static_cast<Opened *>(source); }
    static ht_status HT_CALL count(void *source, ht_ctx *raw, std::uint64_t *samples) noexcept {
      auto *opened = static_cast<Opened *>(source);
      return guarded(opened->host->raw, raw, [&] { *samples = opened->source->count(); });
    }
    static ht_status HT_CALL read(void *source, ht_ctx *raw, std::uint64_t index, ht_tensor_view *sample) noexcept {
      auto *opened = static_cast<Opened *>(source);
      return guarded(opened->host->raw, raw,
                     [&] { *sample = opened->source->read(Context(*opened->host, raw), index); });
    }
    static ht_status HT_CALL name(void *source, ht_ctx *raw, std::uint64_t index, ht_str *name) noexcept {
      auto *opened = static_cast<Opened *>(source);
      return guarded(opened->host->raw, raw,
                     [&] { *name = Context(*opened->host, raw).keep(opened->source->name(index)); });
    }
  };
};

}  // namespace halftone::sdk

#define HALFTONE_READER(Class) HALFTONE_COMPONENT(Class)
