// The host as a C++ component sees it: services looked up once per instance, and the context of the running call.
#pragma once

#include <string>
#include <string_view>

#include "halftone/halftone.h"
#include "halftone/status.hpp"

namespace halftone::sdk {

// Service tables of one component instance. A table is null when the capability was not declared.
class Host {
 public:
  explicit Host(const ht_host *host)
      : raw(host),
        memory(find<ht_memory>(HT_MEMORY_1)),
        progress(find<ht_progress>(HT_PROGRESS_1)),
        report(find<ht_report>(HT_REPORT_1)),
        arithmetic(find<ht_arithmetic>(HT_ARITHMETIC_1)),
        graph(find<ht_graph>(HT_GRAPH_1)),
        graph_edit(find<ht_graph_edit>(HT_GRAPH_EDIT_1)),
        config(find<ht_config_read>(HT_CONFIG_1)),
        config_edit(find<ht_config_edit>(HT_CONFIG_EDIT_1)),
        target(find<ht_target>(HT_TARGET_1)),
        pattern(find<ht_pattern>(HT_PATTERN_1)),
        calibration(find<ht_calibration>(HT_CALIBRATION_1)),
        execution(find<ht_execution>(HT_EXECUTION_1)),
        parallel(find<ht_parallel>(HT_PARALLEL_1)),
        op_kernel(find<ht_op_kernel_lookup>(HT_OP_KERNEL_1)),
        model_io(find<ht_model_io>(HT_MODEL_IO_1)) {}

  template <typename Table>
  const Table *find(const char *id) const {
    return static_cast<const Table *>(raw->service(raw, id));
  }

  const ht_host *raw;
  const ht_memory *memory;
  const ht_progress *progress;
  const ht_report *report;
  const ht_arithmetic *arithmetic;
  const ht_graph *graph;
  const ht_graph_edit *graph_edit;
  const ht_config_read *config;
  const ht_config_edit *config_edit;
  const ht_target *target;
  const ht_pattern *pattern;
  const ht_calibration *calibration;
  const ht_execution *execution;
  const ht_parallel *parallel;
  const ht_op_kernel_lookup *op_kernel;
  const ht_model_io *model_io;
};

// One call: the host's services with the call's ctx.
class Context {
 public:
  Context(const Host &services, ht_ctx *ctx) : host(services), raw(ctx) {}

  void log(std::string_view text, std::uint32_t level = HT_LOG_INFO) const {
    const ht_str s = view(text);
    host.raw->log(raw, level, &s);
  }
  void warn(std::string_view text) const { log(text, HT_LOG_WARNING); }
  // Tells progress; throws when the run was cancelled.
  void poll(std::uint64_t done, std::uint64_t total) const { check(host.progress->poll(raw, done, total)); }
  void report(std::string_view key, std::string_view text) const {
    const ht_str k = view(key), t = view(text);
    host.report->row(raw, &k, &t);
  }
  void float_reason(ht_handle node, std::string_view text) const {
    const ht_str t = view(text);
    check(host.report->float_reason(raw, node, &t));
  }
  // Memory that lives until the call returns.
  template <typename T>
  T *allocate(std::uint64_t count) const {
    void *memory = host.memory->allocate(raw, count * sizeof(T), 64);
    if (memory == nullptr) throw Failure::recorded(HT_RESOURCE_EXHAUSTED);
    return static_cast<T *>(memory);
  }
  // Text that lives until the call returns.
  ht_str keep(std::string_view text) const {
    char *copy = allocate<char>(text.size() + 1);
    text.copy(copy, text.size());
    return {copy, text.size()};
  }

  const Host &host;
  ht_ctx *raw;
};

}  // namespace halftone::sdk
