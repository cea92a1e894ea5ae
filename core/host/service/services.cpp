#include "core/host/service/services.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "core/host/service/artefact_table.h"
#include "core/host/service/cost_table.h"
#include "core/host/service/fusion_table.h"
#include "core/host/service/tables.h"
#include "core/host/service/training_table.h"
#include "core/host/service/trial_table.h"
#include "core/host/service/value_type_table.h"
#include "halftone/halftone.h"

namespace halftone::host {

namespace {
struct Entry {
  std::string_view id;
  std::uint64_t needs;  // every bit of it must have been declared
  const void *(*table)();
};

template <const auto *(*Table)()>
const void *untyped() {
  return Table();
}

constexpr std::array kServices = {
    Entry{HT_ARITHMETIC_1, 0, &untyped<&arithmetic_table>},
    Entry{HT_ARTEFACT_1, HT_CAP_FILE_WRITE, &untyped<&artefact_table>},
    Entry{HT_CALIBRATION_1, HT_CAP_CALIBRATE, &untyped<&calibration_table>},
    Entry{HT_CONFIG_EDIT_1, HT_CAP_CONFIG_EDIT, &untyped<&config_edit_table>},
    Entry{HT_CONFIG_1, HT_CAP_CONFIG_READ, &untyped<&config_table>},
    Entry{HT_COST_1, HT_CAP_GRAPH_READ, &untyped<&cost_table>},
    Entry{HT_EXECUTION_1, HT_CAP_EXECUTE, &untyped<&execution_table>},
    Entry{HT_FUSION_1, HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT, &untyped<&fusion_table>},
    Entry{HT_FUSION_1, HT_CAP_GRAPH_READ, &untyped<&fusion_reading_table>},
    Entry{HT_GRAPH_EDIT_1, HT_CAP_GRAPH_EDIT, &untyped<&graph_edit_table>},
    Entry{HT_GRAPH_1, HT_CAP_GRAPH_READ, &untyped<&graph_table>},
    Entry{HT_MEMORY_1, 0, &untyped<&memory_table>},
    Entry{HT_MODEL_IO_1, HT_CAP_FILE_WRITE, &untyped<&model_io_table>},
    Entry{HT_MODEL_IO_1, 0, &untyped<&model_io_reading_table>},
    Entry{HT_OP_GRADIENT_1, HT_CAP_EXECUTE, &untyped<&op_gradient_table>},
    Entry{HT_OP_KERNEL_1, HT_CAP_EXECUTE, &untyped<&op_kernel_table>},
    Entry{HT_PARALLEL_1, HT_CAP_THREADS, &untyped<&parallel_table>},
    Entry{HT_PATTERN_1, HT_CAP_GRAPH_READ, &untyped<&pattern_table>},
    Entry{HT_PROGRESS_1, 0, &untyped<&progress_table>},
    Entry{HT_REPORT_1, 0, &untyped<&report_table>},
    Entry{HT_TARGET_1, HT_CAP_GRAPH_READ, &untyped<&target_table>},
    Entry{HT_TRAINING_1, HT_CAP_EXECUTE | HT_CAP_THREADS, &untyped<&training_table>},
    Entry{HT_TRIAL_1, HT_CAP_EXECUTE, &untyped<&trial_table>},
    Entry{HT_VALUE_TYPE_1, HT_CAP_GRAPH_EDIT, &untyped<&value_type_table>},
};

std::atomic<ServiceFinder> finder{&find_host_service};
}  // namespace

const void *find_service(std::string_view id, std::uint64_t capabilities) {
  return finder.load(std::memory_order_relaxed)(id, capabilities);
}

void use_services_of(ServiceFinder other) {
  finder = other;
}

const void *find_host_service(std::string_view id, std::uint64_t capabilities) {
  // A service may have a smaller table for those with fewer capabilities: the first that is allowed serves.
  const auto found = std::ranges::find_if(
      kServices, [&](const Entry &entry) { return entry.id == id && (entry.needs & capabilities) == entry.needs; });
  return found == kServices.end() ? nullptr : found->table();
}

std::vector<std::string_view> service_ids() {
  std::vector<std::string_view> ids;
  for (const Entry &entry : kServices) ids.push_back(entry.id);
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace halftone::host
