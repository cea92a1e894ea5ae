// The services as a component in a worker process finds them: most functions ask the host; what needs nothing from it
// is done here.
#include <tuple>

#include "core/host/isolation/host_link.h"
#include "core/host/isolation/remote_slots.h"
#include "core/host/isolation/wire_arguments.h"
#include "core/host/service/services.h"
#include "core/host/service/tables.h"
#include "core/host/service/trial_table.h"
#include "core/host/service/value_type_table.h"

namespace halftone::host {
namespace {

// The host's own table: for contexts that no host knows, such as those of parallel bodies.
template <typename Table>
const Table *local_table() {
  return static_cast<const Table *>(find_host_service(Remote<Table>::kService, ~std::uint64_t{0}));
}

// Functions that [run] code alone may call; see serve_run().
template <typename Table>
inline constexpr bool kOwnThreadOnly = std::is_same_v<Table, ht_graph_edit> || std::is_same_v<Table, ht_config_edit> ||
                                       std::is_same_v<Table, ht_calibration> || std::is_same_v<Table, ht_execution> ||
                                       std::is_same_v<Table, ht_parallel> || std::is_same_v<Table, ht_trial_runs>;

bool is_stranger(ht_ctx *ctx) {
  if (!ctx->owner || ctx->called_by_owner()) return false;
  ctx->called_by_stranger = true;
  return true;
}

template <auto Member>
struct Stub;

template <typename Table, typename... Arguments, ht_status (HT_CALL *Table::*Member)(ht_ctx *, Arguments...)>
struct Stub<Member> {
  static constexpr bool kEachNumber = std::is_same_v<Table, ht_calibration> &&
                                      index_in<Member>(typename Remote<Table>::Functions{}) ==
                                          index_in<&ht_calibration::render_all>(Remote<ht_calibration>::Functions{});

  static ht_status HT_CALL call(ht_ctx *ctx, Arguments... arguments) noexcept {
    if (ctx->link == nullptr) return (local_table<Table>()->*Member)(ctx, arguments...);
    if (kOwnThreadOnly<Table> && is_stranger(ctx)) return HT_FAILED_PRECONDITION;
    ht_status status = HT_OK;
    const ht_status failed = serve(ctx, [&] {
      WireWriter writer;
      send_ins(writer, arguments...);
      const Message answer = ctx->link->ask(*ctx, number_of<Member>(), writer);
      status = answer.status;
      if (status != HT_OK) return;
      WireReader reader(answer, ctx->arena, ctx->link->kept(*ctx));
      read_outs<kEachNumber>(reader, arguments...);
    });
    return failed != HT_OK ? failed : status;
  }
};

template <typename Table, auto... Members>
void ask_host(Table &table, Slots<Members...>) {
  ((table.*Members = &Stub<Members>::call), ...);
}

template <typename Table>
Table asking_table(const Table *local) {
  Table table = *local;
  ask_host(table, typename Remote<Table>::Functions{});
  return table;
}

// ---- functions with a form of their own

ht_status HT_CALL initializer(ht_ctx *ctx, ht_handle value, ht_tensor_view *tensor) {
  if (ctx->link == nullptr) return graph_table()->initializer(ctx, value, tensor);
  ht_status status = HT_OK;
  const ht_status failed = serve(ctx, [&] {
    if (const auto known = ctx->link->initializer(*ctx, value, status)) put(tensor, known->view);
  });
  return failed != HT_OK ? failed : status;
}

using Hold = std::shared_ptr<const KnownInitializer>;

ht_status HT_CALL hold_initializer(ht_ctx *ctx, ht_handle value, ht_tensor_view *tensor, void **hold) {
  ht_status status = HT_OK;
  const ht_status failed = serve(ctx, [&] {
    if (ctx->link == nullptr) fail(Status::kFailedPrecondition, "this call has no model");
    if (auto known = ctx->link->initializer(*ctx, value, status)) {
      put(tensor, known->view);
      *hold = new Hold(std::move(known));
    }
  });
  return failed != HT_OK ? failed : status;
}

void HT_CALL release(void *hold) {
  delete static_cast<Hold *>(hold);
}

void HT_CALL set_aside(void *) {}  // the pages are the host's too

void HT_CALL row(ht_ctx *ctx, const ht_str *key, const ht_str *value) {
  if (ctx->link == nullptr) return report_table()->row(ctx, key, value);
  serve(ctx, [&] {
    WireWriter arguments;
    std::pair<std::string, std::string> entry{text(key), text(value)};
    walk(arguments, entry);
    (void)ctx->link->ask(*ctx, static_cast<std::uint32_t>(Ask::kRow), arguments);
  });
}

ht_status HT_CALL run(ht_ctx *ctx, const ht_execution_options *options, const ht_execution_sink *given,
                      ht_execution_result *result) {
  if (ctx->link == nullptr) return execution_table()->run(ctx, options, given, result);
  if (is_stranger(ctx)) return HT_FAILED_PRECONDITION;
  ht_status status = HT_OK;
  const ht_status failed = serve(ctx, [&] {
    const ht_execution_sink sink = normal(*given);
    ht_execution_options wanted = normal(*options);
    if (wanted.feeds.size != 0) {
      fail(Status::kUnimplemented,
           "values of a pass's own can only be fed in the host's process; run the pass with trust level trusted or "
           "checked");
    }
    WireWriter arguments;
    std::uint32_t number = ctx->link->enter_sink(sink);
    bool prepares = sink.prepare != nullptr, sees = sink.see != nullptr, reduces = sink.reduce != nullptr,
         sees_reference = sink.see_reference != nullptr;
    walk(arguments, number);
    walk(arguments, prepares);
    walk(arguments, sees);
    walk(arguments, reduces);
    walk(arguments, sees_reference);
    walk(arguments, wanted);
    const Message answer = ctx->link->ask(*ctx, static_cast<std::uint32_t>(Ask::kRun), arguments);
    ctx->link->leave_sink();
    status = answer.status;
    if (status != HT_OK || result == nullptr) return;
    WireReader reader(answer, ctx->arena);
    ht_execution_result found{};
    walk(reader, found);
    put(result, found);
  });
  return failed != HT_OK ? failed : status;
}

ht_status HT_CALL run_trials(ht_ctx *ctx, const ht_trial_options *options, const ht_trial_sink *given,
                             ht_execution_result *result) {
  if (ctx->link == nullptr) return trial_table()->run(ctx, options, given, result);
  if (is_stranger(ctx)) return HT_FAILED_PRECONDITION;
  ht_status status = HT_OK;
  const ht_status failed = serve(ctx, [&] {
    const ht_trial_sink sink = normal(*given);
    ht_trial_options wanted = normal(*options);
    WireWriter arguments;
    std::uint32_t number = ctx->link->enter_sink(sink);
    bool prepares = sink.prepare != nullptr, sees = sink.see != nullptr, reduces = sink.reduce != nullptr;
    walk(arguments, number);
    walk(arguments, prepares);
    walk(arguments, sees);
    walk(arguments, reduces);
    walk(arguments, wanted);
    const Message answer = ctx->link->ask(*ctx, static_cast<std::uint32_t>(Ask::kRunTrials), arguments);
    ctx->link->leave_sink();
    status = answer.status;
    if (status != HT_OK || result == nullptr) return;
    WireReader reader(answer, ctx->arena);
    ht_execution_result found{};
    walk(reader, found);
    put(result, found);
  });
  return failed != HT_OK ? failed : status;
}

ht_status HT_CALL for_each(ht_ctx *ctx, std::uint64_t count, const ht_parallel_options *options, ht_parallel_body body,
                           void *user) {
  if (ctx->link == nullptr) return parallel_table()->for_each(ctx, count, options, body, user);
  if (count == 0) return HT_OK;
  std::uint32_t workers = 1;
  const ht_status status = Stub<&ht_parallel::workers>::call(ctx, count, options, &workers);
  return status != HT_OK ? status : work_in_threads(ctx, count, workers, body, user);
}

ht_status HT_CALL find_kernel(ht_ctx *ctx, ht_handle node, const ht_op_kernel **kernel) {
  if (ctx->link == nullptr) return op_kernel_table()->find(ctx, node, kernel);
  ht_node_info info{};
  info.struct_size = sizeof info;
  const ht_status status = Stub<&ht_graph::node_infos>::call(ctx, &node, 1, &info);
  if (status != HT_OK) return status;
  return serve(ctx, [&] {
    try {
      *kernel = &ctx->link->kernels().get(text(&info.domain), text(&info.op_type), info.opset);
    } catch (Error &error) {
      error.note(fmt::format("in node '{}' ({})", text(&info.name), text(&info.op_type)));
      throw;
    }
  });
}

// How many functions of a table have a form of their own. One that is in no list would find no model in a worker.
template <typename Table>
inline constexpr std::size_t kOwnForms = 0;
template <>
inline constexpr std::size_t kOwnForms<ht_graph> = 4;
template <>
inline constexpr std::size_t kOwnForms<ht_execution> = 1;
template <>
inline constexpr std::size_t kOwnForms<ht_parallel> = 1;
template <>
inline constexpr std::size_t kOwnForms<ht_trial_runs> = 1;
template <>
inline constexpr std::size_t kOwnForms<ht_report> = 1;

template <auto... Members>
constexpr std::size_t size_of(Slots<Members...>) {
  return sizeof...(Members);
}

template <typename Table>
const void *table_of(std::string_view id, const void *local) {
  constexpr std::size_t kFunctions = size_of(typename Remote<Table>::Functions{}) + kOwnForms<Table>;
  static_assert(sizeof(Table) == 2 * sizeof(std::uint32_t) + kFunctions * sizeof(void *),
                "every function of the service is in remote_slots.h, or has a form of its own here");
  if (id != Remote<Table>::kService) return nullptr;
  static const Table table = [&] {
    Table made = asking_table(static_cast<const Table *>(local));
    if constexpr (std::is_same_v<Table, ht_graph>) {
      made.initializer = &initializer;
      made.hold_initializer = &hold_initializer;
      made.release = &release;
      made.set_aside = &set_aside;
    } else if constexpr (std::is_same_v<Table, ht_execution>) {
      made.run = &run;
    } else if constexpr (std::is_same_v<Table, ht_parallel>) {
      made.for_each = &for_each;
    } else if constexpr (std::is_same_v<Table, ht_trial_runs>) {
      made.run = &run_trials;
    } else if constexpr (std::is_same_v<Table, ht_report>) {
      made.row = &row;
    }
    return made;
  }();
  return &table;
}

template <typename... Tables>
const void *find_table(TableList<Tables...>, std::string_view id, const void *local) {
  const void *found = nullptr;
  (void)((found = table_of<Tables>(id, local)) || ...);
  return found;
}

// Services that need nothing from the host, or not more than others give.
constexpr std::string_view kLocal[] = {HT_ARITHMETIC_1, HT_MEMORY_1};

}  // namespace

void log_to_host(ht_ctx &ctx, std::uint32_t level, std::string text) {
  WireWriter arguments;
  walk(arguments, level);
  walk(arguments, text);
  (void)ctx.link->ask(ctx, static_cast<std::uint32_t>(Ask::kLog), arguments);
}

ht_status fail_at_host(ht_ctx &ctx, ht_status status, std::string text, ht_handle subject) {
  WireWriter arguments;
  std::vector<std::string> notes;
  walk(arguments, status);
  walk(arguments, text);
  walk(arguments, notes);
  walk(arguments, subject);
  const ht_status told = ctx.link->ask(ctx, static_cast<std::uint32_t>(Ask::kFail), arguments).status;
  return told == HT_OK ? HT_INTERNAL : told;
}

const void *worker_service(std::string_view id, std::uint64_t capabilities) {
  const void *local = find_host_service(id, capabilities);
  if (local == nullptr) return nullptr;
  if (id == HT_OP_KERNEL_1) {
    static constexpr ht_op_kernel_lookup kTable = {sizeof(ht_op_kernel_lookup), 0, &find_kernel};
    return &kTable;
  }
  if (std::ranges::find(kLocal, id) != std::end(kLocal)) return local;
  return find_table(RemoteTables{}, id, local);
}

std::string_view not_in_worker(std::string_view service) {
  if (find_host_service(service, ~std::uint64_t{0}) == nullptr) return {};  // refused at loading
  return worker_service(service, ~std::uint64_t{0}) == nullptr ? "it needs memory of the host's own process" : "";
}

}  // namespace halftone::host
