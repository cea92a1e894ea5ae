/* Service "ht.artefact/1": files that a pass leaves for people and programs to read, such as what it tried and why it
 * chose. Needs HT_CAP_FILE_WRITE. All functions are [run].
 *
 * The host decides where they go: the folder that the run names (`artefacts:`, --artefacts), under the number and the
 * id of the pass: "07-my-pass.choices.json". They appear with the other outputs, when the whole run has succeeded. */
#ifndef HALFTONE_ARTEFACT_H
#define HALFTONE_ARTEFACT_H

#include "halftone/base.h"

HT_EXTERN_C_BEGIN
#define HT_ARTEFACT_1 "ht.artefact/1"

typedef struct ht_artefact {
  uint32_t struct_size;
  uint32_t reserved;
  /* A whole file; name and bytes are copied. `name` is of letters, digits and "._-" and does not begin with a dot. A
   * run that names no folder drops the file. HT_INVALID_ARGUMENT for another name, HT_ALREADY_EXISTS when this pass
   * wrote one of the name. */
  ht_status(HT_CALL *write)(ht_ctx *ctx, const ht_str *name, const void *data, uint64_t size);
} ht_artefact;
HT_EXTERN_C_END
#endif
