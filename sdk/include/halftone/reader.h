/* Role "ht.reader/1": samples of one model input from files. Preprocessing is the host's. */
#ifndef HALFTONE_READER_H
#define HALFTONE_READER_H

#include "halftone/plugin.h"
#include "halftone/tensor.h"

HT_EXTERN_C_BEGIN
#define HT_READER_1 "ht.reader/1"

/* Text parameters, empty by default, of a reader whose files hold several arrays. The host fills in HT_READER_INPUT
 * with the name of the model input that a source feeds. Where one path feeds several inputs it fills in HT_READER_ARRAY
 * with the same: then no other array will do, and a user's own value is refused; elsewhere it stays. A user cannot give
 * HT_READER_INPUT. HT_READER_SAMPLE_AXIS is of readers of arrays whose axis 0 counts samples; "none": one is one. */
#define HT_READER_INPUT "input"
#define HT_READER_ARRAY "array"
#define HT_READER_SAMPLE_AXIS "sample_axis"
typedef struct ht_reader {
  uint32_t struct_size;
  uint32_t reserved;
  const char *extensions; /* ".npy .npz", space-separated: what `reader:` is guessed from; null for none */
  /* [run] Opens a file or folder and checks what can be checked without reading samples. */
  ht_status(HT_CALL *open)(void *instance, ht_ctx *ctx, const ht_str *path, void **source);
  void(HT_CALL *close)(void *source);                                      /* [run] */
  ht_status(HT_CALL *count)(void *source, ht_ctx *ctx, uint64_t *samples); /* [run] */
  /* [worker] A sample by number, concurrently from several workers: one picture [H,W,C] or tensor without the sample
   * axis. The data lives in the context's arena ("ht.memory/1") or in the source. A corrupt sample is HT_DATA_LOSS with
   * its name in the text. */
  ht_status(HT_CALL *read)(void *source, ht_ctx *ctx, uint64_t index, ht_tensor_view *sample);
  /* [worker] What to call a sample in messages: a file name or "x.npy[17]". */
  ht_status(HT_CALL *name)(void *source, ht_ctx *ctx, uint64_t index, ht_str *name);
} ht_reader;
HT_EXTERN_C_END
#endif
