// A plug-in in memory whose parts a test can spoil one by one.
#pragma once

#include <string>

#include "core/base/error.h"
#include "halftone/halftone.h"

namespace halftone::host {

struct SamplePlugin {
  explicit SamplePlugin(const char *pass_id = "sample") {
    component.id = pass_id;
    param.struct_size = sizeof param;
    param.kind = HT_VALUE_F64;
    param.name = "percentile";
    param.doc = "Share of values to cover.";
    param.deflt = {HT_VALUE_F64, 1, &middle, {0, 0}};
    param.low = {HT_VALUE_F64, 1, &low, {0, 0}};
    param.high = {HT_VALUE_F64, 1, &high, {0, 0}};
  }
  SamplePlugin(const SamplePlugin &) = delete;
  SamplePlugin &operator=(const SamplePlugin &) = delete;

  // What `body` throws, "" when nothing.
  template <typename Body>
  static std::string error_of(Body &&body) {
    try {
      body();
      return {};
    } catch (const Error &error) {
      return error.what();
    }
  }

  double low = 0.5, middle = 0.9, high = 1;
  ht_pass pass = {sizeof(ht_pass), 0, [](void *, ht_ctx *) -> ht_status { return HT_OK; }};
  ht_role role = {sizeof(ht_role), 0, HT_PASS_1, &pass};
  const ht_role *roles[1] = {&role};
  ht_param param{};
  ht_component component = {
      sizeof(ht_component),
      HT_KIND_PASS,
      HT_DETERMINISM_EXACT,
      HT_THREADING_INSTANCE,
      0,
      "sample",
      "1.0",
      "A sample",
      "",
      &param,
      1,
      nullptr,
      0,
      nullptr,
      0,
      nullptr,
      0,
      nullptr,
      0,
      roles,
      1,
      [](const ht_host *, ht_ctx *, const ht_value *, std::uint64_t, void **instance) -> ht_status {
        *instance = nullptr;
        return HT_OK;
      },
      [](void *) {}};
  const ht_component *components[1] = {&component};
  ht_plugin plugin = {sizeof(ht_plugin),
                      HT_ABI_MAJOR,
                      HT_ABI_MINOR,
                      HT_ABI_MINOR,
                      "com.example.sample",
                      "1.0",
                      "Apache-2.0",
                      "",
                      components,
                      1,
                      nullptr,
                      nullptr};
};

}  // namespace halftone::host
