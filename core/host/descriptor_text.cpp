#include "core/host/descriptor_text.h"

#include <cstring>

#include "core/base/error.h"

namespace halftone::host {
namespace {

// Bytes that a UTF-8 sequence starting with `lead` has, 0 when it cannot start one.
std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

bool is_printable_utf8(std::string_view text, bool lines) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = sequence_length(lead);
    if (length == 0 || i + length > text.size()) return false;
    const bool is_break = lead == '\n' || lead == '\t' || lead == '\r';
    if (lead == 0x7F || (lead < 0x20 && !(lines && is_break))) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    if (length == 3) {  // overlong forms and surrogates
      const auto second = static_cast<unsigned char>(text[i + 1]);
      if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return false;
    }
    if (length == 4) {
      const auto second = static_cast<unsigned char>(text[i + 1]);
      if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return false;
    }
    i += length;
  }
  return true;
}

}  // namespace

void check_text(const std::string &where, std::string_view field, const char *text, std::size_t limit, bool lines) {
  if (text == nullptr) {
    fail(Status::kInvalidArgument, "{}: {} is null; the plug-in's author must set every text of the descriptor", where,
         field);
  }
  const std::size_t length = ::strnlen(text, limit + 1);
  if (length > limit) {
    fail(Status::kInvalidArgument, "{}: {} has no end within {} bytes; the plug-in's author must shorten it", where,
         field, limit);
  }
  if (!is_printable_utf8({text, length}, lines)) {
    fail(Status::kInvalidArgument, "{}: {} is not printable UTF-8 text; the plug-in's author must correct it", where,
         field);
  }
}

bool is_name(std::string_view text, std::string_view joints) {
  bool after_joint = true;
  for (const char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      after_joint = false;
    } else if (joints.find(c) != std::string_view::npos && !after_joint) {
      after_joint = true;
    } else {
      return false;
    }
  }
  return !text.empty() && !after_joint;
}

void check_name(const std::string &where, std::string_view field, const char *text, std::string_view joints) {
  constexpr std::size_t kLimit = 128;
  check_text(where, field, text, kLimit);
  if (is_name(text, joints)) return;
  fail(Status::kInvalidArgument,
       "{}: {} '{}' is not a name of lower-case letters and digits in groups joined by one of \"{}\"; the plug-in's "
       "author must rename it",
       where, field, text, joints);
}

void check_array(const std::string &where, std::string_view field, const void *data, std::uint64_t count,
                 std::uint64_t limit) {
  if (count > limit) {
    fail(Status::kInvalidArgument, "{}: {} has {} elements and may have {}; the descriptor is damaged", where, field,
         count, limit);
  }
  if (count > 0 && data == nullptr) {
    fail(Status::kInvalidArgument, "{}: {} is null and has {} elements; the descriptor is damaged", where, field,
         count);
  }
}

void check_view(const std::string &where, std::string_view field, ht_str text, std::size_t limit) {
  if (text.size > limit || (text.data == nullptr && text.size > 0) ||
      !is_printable_utf8({text.data, static_cast<std::size_t>(text.size)}, true)) {
    fail(Status::kInvalidArgument, "{}: {} is no UTF-8 text of at most {} bytes; the plug-in's author must correct it",
         where, field, limit);
  }
}

}  // namespace halftone::host
