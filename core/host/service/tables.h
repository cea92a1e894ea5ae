// The table of each service; every function lives in the file named after it.
#pragma once

#include "halftone/halftone.h"

namespace halftone::host {

const ht_arithmetic *arithmetic_table();
const ht_calibration *calibration_table();
const ht_config_edit *config_edit_table();
const ht_config_read *config_table();
const ht_execution *execution_table();
const ht_graph_edit *graph_edit_table();
const ht_graph *graph_table();
const ht_memory *memory_table();
const ht_model_io *model_io_table();
const ht_model_io *model_io_reading_table();  // for a component that may not write files
const ht_op_kernel_lookup *op_kernel_table();
const ht_parallel *parallel_table();
const ht_pattern *pattern_table();
const ht_progress *progress_table();
const ht_report *report_table();
const ht_target *target_table();

}  // namespace halftone::host
