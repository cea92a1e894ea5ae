#include <filesystem>

#include "core/base/file.h"
#include "core/host/service/table.h"
#include "core/host/service/tables.h"
#include "core/model/onnx_io.h"

namespace halftone::host {

namespace {

ht_status HT_CALL write_onnx(ht_ctx *ctx, const ht_str *path, std::uint64_t external_threshold) {
  return serve(ctx, [&] {
    model::ExportOptions options;
    if (external_threshold != 0) options.external_threshold = static_cast<std::int64_t>(external_threshold);
    model::export_onnx(working(ctx).model, std::filesystem::path(text(path)), options);
  });
}

ht_status HT_CALL write_file(ht_ctx *ctx, const ht_str *path, const void *data, std::uint64_t size) {
  return serve(ctx, [&] {
    write_file_atomically(std::filesystem::path(text(path)),
                          {static_cast<const char *>(data), static_cast<std::size_t>(size)});
  });
}

ht_status HT_CALL parse_tensor(ht_ctx *ctx, const void *data, std::uint64_t size, ht_tensor_view *tensor) {
  return serve(ctx, [&] {
    const model::Tensor parsed =
        model::parse_tensor_proto({static_cast<const char *>(data), static_cast<std::size_t>(size)});
    ht_tensor_view view = view_of(parsed);
    view.shape = keep(ctx, std::span<const std::int64_t>(parsed.shape()));
    view.data = keep(ctx, parsed.bytes());
    put(tensor, view);
  });
}

ht_status denied(ht_ctx *ctx) {
  return serve(ctx, [&] {
    fail(Status::kPermissionDenied, "component '{}' writes a file without having declared HT_CAP_FILE_WRITE",
         ctx->component);
  });
}

ht_status HT_CALL no_write_onnx(ht_ctx *ctx, const ht_str *, std::uint64_t) {
  return denied(ctx);
}
ht_status HT_CALL no_write_file(ht_ctx *ctx, const ht_str *, const void *, std::uint64_t) {
  return denied(ctx);
}

}  // namespace

const ht_model_io *model_io_reading_table() {
  static constexpr ht_model_io kTable = {sizeof(ht_model_io), 0, &no_write_onnx, &no_write_file, &parse_tensor};
  return &kTable;
}

const ht_model_io *model_io_table() {
  static constexpr ht_model_io kTable = {sizeof(ht_model_io), 0, &write_onnx, &write_file, &parse_tensor};
  return &kTable;
}

}  // namespace halftone::host
