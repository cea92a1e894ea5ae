// Errors of the kernel: one exception type that carries a status code and a chain of notes.
//
// Inside the kernel a failure is thrown; at the C boundary it becomes a status and an entry of the context's error
// chain. The message says what is wrong and what to do about it; notes added on the way up say where.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "halftone/base.h"

namespace halftone {

enum class Status : ht_status {
  kOk = HT_OK,
  kCancelled = HT_CANCELLED,
  kInvalidArgument = HT_INVALID_ARGUMENT,
  kNotFound = HT_NOT_FOUND,
  kAlreadyExists = HT_ALREADY_EXISTS,
  kPermissionDenied = HT_PERMISSION_DENIED,
  kResourceExhausted = HT_RESOURCE_EXHAUSTED,
  kFailedPrecondition = HT_FAILED_PRECONDITION,
  kUnimplemented = HT_UNIMPLEMENTED,
  kDataLoss = HT_DATA_LOSS,
  kInternal = HT_INTERNAL,
  kTimeout = HT_TIMEOUT,
  kStale = HT_STALE,
};

class Error : public std::exception {
 public:
  Error(Status status, std::string message) : status_(status), message_(std::move(message)) { compose(); }

  Status status() const noexcept { return status_; }
  const std::string &message() const noexcept { return message_; }
  const std::vector<std::string> &notes() const noexcept { return notes_; }
  // "message\n  note\n  note", the innermost note first.
  const char *what() const noexcept override { return text_.c_str(); }

  // Says where the failure happened, from the inside out: "in node 'conv1' (Conv)", "in pass 'fold-batch-norm'".
  Error &note(std::string where) {
    notes_.push_back(std::move(where));
    compose();
    return *this;
  }

 private:
  void compose() {
    text_ = message_;
    for (const std::string &n : notes_) text_ += "\n  " + n;
  }
  Status status_;
  std::string message_;
  std::vector<std::string> notes_;
  std::string text_;
};

template <typename... Args>
[[noreturn]] void fail(Status status, fmt::format_string<Args...> format, Args &&...args) {
  throw Error(status, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace halftone
