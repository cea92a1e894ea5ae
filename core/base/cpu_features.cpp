#include "core/base/cpu_features.h"

#include "core/base/error.h"

namespace halftone {

std::vector<std::string> known_cpu_features() {
  return {"vnni"};
}

bool has_cpu_feature(std::string_view name) {
  if (name != "vnni") fail(Status::kInvalidArgument, "'{}' is no feature of a processor known here; known: vnni", name);
#if defined(__x86_64__) || defined(__i386__)
  return __builtin_cpu_supports("avx512vnni") != 0 || __builtin_cpu_supports("avxvnni") != 0;
#else
  return true;
#endif
}

std::string_view instruction_set() {
#if defined(__x86_64__) || defined(__i386__)
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0) return "avx512";
  if (__builtin_cpu_supports("avx2") != 0) return "avx2";
  if (__builtin_cpu_supports("sse4.1") != 0) return "sse4";
  return "baseline";
#elif defined(__aarch64__)
  return "neon";
#else
  return "baseline";
#endif
}

}  // namespace halftone
