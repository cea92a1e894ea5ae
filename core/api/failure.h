// What the last call of the embedding API on this thread failed with; and the frame that every such call runs in.
#pragma once

#include <exception>
#include <new>
#include <string>

#include "core/base/error.h"

namespace halftone::api {

// Kept for ht_error_text(). Per thread, so that threads do not mix up their failures.
void forget_failure() noexcept;
ht_status keep_failure(const Error &error) noexcept;

// Throws InvalidArgument naming the argument that must not be null.
void require_given(const void *pointer, const char *name);

// A text that may be null.
inline std::string text_or_empty(const char *text) {
  return text == nullptr ? std::string() : std::string(text);
}

// Runs the body of a function of the API: nothing is thrown out of it.
template <typename Body>
ht_status guarded(Body &&body) noexcept {
  forget_failure();
  try {
    body();
    return HT_OK;
  } catch (const Error &error) {
    return keep_failure(error);
  } catch (const std::bad_alloc &) {
    return keep_failure(Error(Status::kResourceExhausted, "out of memory"));
  } catch (const std::exception &error) {
    return keep_failure(Error(Status::kInternal, error.what()));
  }
}

}  // namespace halftone::api
