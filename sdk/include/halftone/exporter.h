/* Role "ht.exporter/1" and service "ht.model_io/1": how a quantized model becomes a file. */
#ifndef HALFTONE_EXPORTER_H
#define HALFTONE_EXPORTER_H

#include "halftone/plugin.h"
#include "halftone/tensor.h"

HT_EXTERN_C_BEGIN
#define HT_EXPORTER_1 "ht.exporter/1"
#define HT_MODEL_IO_1 "ht.model_io/1"

typedef struct ht_exporter {
  uint32_t struct_size;
  uint32_t reserved;
  const char *extension; /* ".onnx": what a path must end with; null for any */
  /* [run] Writes the model to `path`. The exporter works on a private copy of the model, which it may edit freely.
   * `path` has the name that the user wants, in a folder made for this export. What is written there, also beside
   * `path`, appears where the user wants it when the whole run has succeeded. */
  ht_status(HT_CALL *write)(void *instance, ht_ctx *ctx, const ht_str *path);
} ht_exporter;

/* All [run]. */
typedef struct ht_model_io {
  uint32_t struct_size;
  uint32_t reserved;
  /* Writes the context's model as ONNX; external data beside it when weights exceed `external_threshold` bytes (0: the
   * default of 2000 MiB). Needs HT_CAP_FILE_WRITE. */
  ht_status(HT_CALL *write_onnx)(ht_ctx *ctx, const ht_str *path, uint64_t external_threshold);
  /* Writes a text or binary file atomically. Needs HT_CAP_FILE_WRITE. */
  ht_status(HT_CALL *write_file)(ht_ctx *ctx, const ht_str *path, const void *data, uint64_t size);
  /* Parses a serialized TensorProto; the tensor lives in the context's arena. */
  ht_status(HT_CALL *parse_tensor)(ht_ctx *ctx, const void *data, uint64_t size, ht_tensor_view *tensor);
} ht_model_io;
HT_EXTERN_C_END
#endif
