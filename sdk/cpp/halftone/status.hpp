// Failures inside a C++ plug-in are exceptions of this type; the trampolines turn them into status codes at the
// boundary.
#pragma once

#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "halftone/plugin.h"

namespace halftone::sdk {

class Failure : public std::exception {
 public:
  Failure(ht_status status, std::string text, ht_handle subject = HT_NONE)
      : status_(status), text_(std::move(text)), subject_(subject) {}
  ht_status status() const noexcept { return status_; }
  ht_handle subject() const noexcept { return subject_; }
  const char *what() const noexcept override { return text_.c_str(); }
  // The host has recorded the text already: a service call failed.
  static Failure recorded(ht_status status) { return Failure(status, {}); }

 private:
  ht_status status_;
  std::string text_;
  ht_handle subject_;
};

inline ht_str view(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::string_view view(ht_str text) {
  return {text.data, static_cast<std::size_t>(text.size)};
}

// Runs `body` and translates what it throws. Nothing passes it.
template <typename Body>
ht_status guarded(const ht_host *host, ht_ctx *ctx, Body &&body) noexcept {
  try {
    body();
    return HT_OK;
  } catch (const Failure &failure) {
    const ht_str text = view(std::string_view(failure.what()));
    return text.size == 0 ? failure.status() : host->fail(ctx, failure.status(), &text, failure.subject());
  } catch (const std::bad_alloc &) {
    const ht_str text = view(std::string_view("out of memory"));
    return host->fail(ctx, HT_RESOURCE_EXHAUSTED, &text, HT_NONE);
  } catch (const std::exception &error) {
    const ht_str text = view(std::string_view(error.what()));
    return host->fail(ctx, HT_INTERNAL, &text, HT_NONE);
  } catch (...) {
    const ht_str text = view(std::string_view("an exception of unknown type"));
    return host->fail(ctx, HT_INTERNAL, &text, HT_NONE);
  }
}

inline void check(ht_status status) {
  if (status != HT_OK) throw Failure::recorded(status);
}

}  // namespace halftone::sdk
