#include "core/host/isolation/serve_function.h"

#include "core/host/isolation/remote_slots.h"
#include "core/host/isolation/wire_arguments.h"
#include "core/host/service/services.h"

namespace halftone::host {
namespace {

struct Question {
  std::uint64_t capabilities;
  ht_ctx &ctx;
  WireReader &reader;
  WireWriter &answer;
};

template <auto Member, typename Table, typename... Arguments>
ht_status serve_member(const Question &question, ht_status (HT_CALL *Table::*)(ht_ctx *, Arguments...)) {
  const auto *table = static_cast<const Table *>(find_service(Remote<Table>::kService, question.capabilities));
  if (table == nullptr) {
    fail(Status::kPermissionDenied, "component '{}' uses service '{}' without the capability for it",
         question.ctx.component, Remote<Table>::kService);
  }
  constexpr bool kEachNumber = index_in<Member>(typename Remote<Table>::Functions{}) ==
                                   index_in<&ht_calibration::render_all>(Remote<ht_calibration>::Functions{}) &&
                               std::is_same_v<Table, ht_calibration>;
  return ReadIns<Arguments...>::template then<kEachNumber>(question.reader, 1, [&](auto... arguments) {
    const ht_status status = (table->*Member)(&question.ctx, arguments...);
    if (status == HT_OK) send_outs<kEachNumber>(question.answer, arguments...);
    return status;
  });
}

template <auto... Members>
bool serve_in(Slots<Members...>, std::uint32_t index, const Question &question, ht_status &status) {
  std::uint32_t at = 0;
  return ((at++ == index && (status = serve_member<Members>(question, Members), true)) || ...);
}

template <typename... Tables>
bool serve_table(TableList<Tables...>, std::uint32_t number, const Question &question, ht_status &status) {
  return ((Remote<Tables>::kNumber == number >> 8 &&
           serve_in(typename Remote<Tables>::Functions{}, number & 0xFF, question, status)) ||
          ...);
}

}  // namespace

ht_status serve_function(std::uint32_t number, std::uint64_t capabilities, ht_ctx &ctx, WireReader &reader,
                         WireWriter &answer) {
  ht_status status = HT_OK;
  if (serve_table(RemoteTables{}, number, {capabilities, ctx, reader, answer}, status)) return status;
  fail(Status::kDataLoss, "a worker process asked for function {}, which there is not", number);
}

}  // namespace halftone::host
