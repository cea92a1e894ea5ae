// Which functions of which services travel between a worker process and the host, and what their numbers are.
//
// What is not listed has a form of its own in worker_tables.cpp: functions that hand over memory, take a callback, or
// need nothing from the host.
#pragma once

#include <cstdint>
#include <type_traits>

#include "halftone/fusion.h"
#include "halftone/halftone.h"

namespace halftone::host {

template <auto... Members>
struct Slots {};

// Of each table: its number, its service, and the functions.
template <typename Table>
struct Remote;

template <>
struct Remote<ht_graph> {
  static constexpr std::uint32_t kNumber = 1;
  static constexpr const char *kService = HT_GRAPH_1;
  using Functions = Slots<&ht_graph::main_graph, &ht_graph::graphs, &ht_graph::nodes, &ht_graph::values,
                          &ht_graph::inputs, &ht_graph::outputs, &ht_graph::node_infos, &ht_graph::value_infos,
                          &ht_graph::consumers, &ht_graph::attribute, &ht_graph::find_value, &ht_graph::find_node,
                          &ht_graph::opset, &ht_graph::revision, &ht_graph::metadata>;
};

template <>
struct Remote<ht_graph_edit> {
  static constexpr std::uint32_t kNumber = 2;
  static constexpr const char *kService = HT_GRAPH_EDIT_1;
  using Functions = Slots<&ht_graph_edit::unique_name, &ht_graph_edit::add_value, &ht_graph_edit::add_initializer,
                          &ht_graph_edit::add_node, &ht_graph_edit::remove_node, &ht_graph_edit::remove_value,
                          &ht_graph_edit::set_input, &ht_graph_edit::set_output, &ht_graph_edit::resize_inputs,
                          &ht_graph_edit::replace_uses, &ht_graph_edit::set_op_type, &ht_graph_edit::set_attribute,
                          &ht_graph_edit::remove_attribute, &ht_graph_edit::set_initializer,
                          &ht_graph_edit::rename_value, &ht_graph_edit::rename_node, &ht_graph_edit::set_opset,
                          &ht_graph_edit::set_metadata, &ht_graph_edit::unlist_initializer>;
};

template <>
struct Remote<ht_config_read> {
  static constexpr std::uint32_t kNumber = 3;
  static constexpr const char *kService = HT_CONFIG_1;
  using Functions = Slots<&ht_config_read::all, &ht_config_read::find, &ht_config_read::of_node, &ht_config_read::infos,
                          &ht_config_read::quantizer>;
};

template <>
struct Remote<ht_config_edit> {
  static constexpr std::uint32_t kNumber = 4;
  static constexpr const char *kService = HT_CONFIG_EDIT_1;
  using Functions = Slots<&ht_config_edit::create, &ht_config_edit::remove, &ht_config_edit::set_spec,
                          &ht_config_edit::set_state, &ht_config_edit::set_scales, &ht_config_edit::dominate,
                          &ht_config_edit::set_master, &ht_config_edit::release, &ht_config_edit::set_observer,
                          &ht_config_edit::bake, &ht_config_edit::set_dispatch>;
};

template <>
struct Remote<ht_calibration> {
  static constexpr std::uint32_t kNumber = 5;
  static constexpr const char *kService = HT_CALIBRATION_1;
  using Functions =
      Slots<&ht_calibration::wants, &ht_calibration::collect, &ht_calibration::statistics, &ht_calibration::measure,
            &ht_calibration::render, &ht_calibration::render_all, &ht_calibration::observe_all>;
};

template <>
struct Remote<ht_execution> {
  static constexpr std::uint32_t kNumber = 6;
  static constexpr const char *kService = HT_EXECUTION_1;
  using Functions = Slots<&ht_execution::samples>;
};

template <>
struct Remote<ht_parallel> {
  static constexpr std::uint32_t kNumber = 7;
  static constexpr const char *kService = HT_PARALLEL_1;
  using Functions = Slots<&ht_parallel::workers>;
};

template <>
struct Remote<ht_pattern> {
  static constexpr std::uint32_t kNumber = 8;
  static constexpr const char *kService = HT_PATTERN_1;
  using Functions = Slots<&ht_pattern::check, &ht_pattern::find, &ht_pattern::one_line, &ht_pattern::missing>;
};

template <>
struct Remote<ht_progress> {
  static constexpr std::uint32_t kNumber = 9;
  static constexpr const char *kService = HT_PROGRESS_1;
  using Functions = Slots<&ht_progress::poll>;
};

template <>
struct Remote<ht_report> {
  static constexpr std::uint32_t kNumber = 10;
  static constexpr const char *kService = HT_REPORT_1;
  using Functions = Slots<&ht_report::float_reason>;
};

template <>
struct Remote<ht_target> {
  static constexpr std::uint32_t kNumber = 11;
  static constexpr const char *kService = HT_TARGET_1;
  using Functions = Slots<&ht_target::platform, &ht_target::node_rule, &ht_target::option, &ht_target::slot_role,
                          &ht_target::dispatch>;
};

template <>
struct Remote<ht_value_type> {
  static constexpr std::uint32_t kNumber = 12;
  static constexpr const char *kService = HT_VALUE_TYPE_1;
  using Functions = Slots<&ht_value_type::set_element_type, &ht_value_type::set_extent, &ht_value_type::symbol>;
};

template <>
struct Remote<ht_model_io> {
  static constexpr std::uint32_t kNumber = 13;
  static constexpr const char *kService = HT_MODEL_IO_1;
  using Functions = Slots<&ht_model_io::write_onnx, &ht_model_io::write_file, &ht_model_io::parse_tensor>;
};

template <>
struct Remote<ht_artefact> {
  static constexpr std::uint32_t kNumber = 14;
  static constexpr const char *kService = HT_ARTEFACT_1;
  using Functions = Slots<&ht_artefact::write>;
};

template <>
struct Remote<ht_cost> {
  static constexpr std::uint32_t kNumber = 15;
  static constexpr const char *kService = HT_COST_1;
  using Functions = Slots<&ht_cost::unit, &ht_cost::node>;
};

template <>
struct Remote<ht_trial_runs> {
  static constexpr std::uint32_t kNumber = 16;
  static constexpr const char *kService = HT_TRIAL_1;
  using Functions = Slots<&ht_trial_runs::labels>;
};

template <>
struct Remote<ht_fusion> {
  static constexpr std::uint32_t kNumber = 17;
  static constexpr const char *kService = HT_FUSION_1;
  using Functions = Slots<&ht_fusion::names, &ht_fusion::find, &ht_fusion::places, &ht_fusion::nodes, &ht_fusion::value,
                          &ht_fusion::pinned, &ht_fusion::shares, &ht_fusion::replace>;
};

template <typename... Tables>
struct TableList {};
using RemoteTables = TableList<ht_graph, ht_graph_edit, ht_config_read, ht_config_edit, ht_calibration, ht_execution,
                               ht_parallel, ht_pattern, ht_progress, ht_report, ht_target, ht_value_type, ht_model_io,
                               ht_artefact, ht_cost, ht_trial_runs, ht_fusion>;

// Functions with numbers of their own. What a worker asks of the host:
enum class Ask : std::uint32_t { kLog = 1, kFail, kRow, kInitializer, kRun, kRunTrials };
// What the host has a worker do; see worker.h.
enum class Order : std::uint32_t {
  kLoad = 1,
  kCreate,
  kDestroy,
  kRunPass,
  kWriteExport,
  kOpen,
  kCount,
  kRead,
  kName,
  kClose,
  kPrepare,
  kSee,
  kSeeReference,
  kReduce,
  kSeeTrial
};

template <typename T>
struct MemberOf;
template <typename Table, typename... Arguments>
struct MemberOf<ht_status (HT_CALL *Table::*)(ht_ctx *, Arguments...)> {
  using TableType = Table;
};

template <auto Member, auto... Members>
constexpr std::uint32_t index_in(Slots<Members...>) {
  std::uint32_t index = 0, found = 0;
  const auto look = [&]<auto Other>() {
    if constexpr (std::is_same_v<decltype(Other), decltype(Member)>) {
      if (Other == Member) found = index;
    }
    ++index;
  };
  (look.template operator()<Members>(), ...);
  return found;
}

template <auto Member>
constexpr std::uint32_t number_of() {
  using Table = typename MemberOf<decltype(Member)>::TableType;
  return Remote<Table>::kNumber << 8 | index_in<Member>(typename Remote<Table>::Functions{});
}

}  // namespace halftone::host
