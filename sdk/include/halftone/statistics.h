/* Statistics of a tensor as observers see them: plain data, gathered by the host in one pass. */
#ifndef HALFTONE_STATISTICS_H
#define HALFTONE_STATISTICS_H

#include "halftone/base.h"

HT_EXTERN_C_BEGIN

/* What can be asked for beside minimum, maximum and counts. */
#define HT_WANT_HISTOGRAM 1u
#define HT_WANT_CHANNEL_RANGE 2u
#define HT_WANT_CHANNEL_MOMENTS 4u
#define HT_WANT_GROUPS 8u /* the same again for each group of consecutive samples */

typedef struct ht_statistics {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t sample_count;
  uint64_t count; /* elements, zeros included */
  uint64_t zero_count;
  float minimum; /* 0 when count is 0 */
  float maximum;
  /* Ascending bins over the signed axis, of power-of-two widths, exact zeros left out: bin i holds counts[i] values in
   * [edges[i], edges[i + 1]). Empty unless wanted. */
  uint64_t bin_count;
  const double *edges; /* bin_count + 1 */
  const uint64_t *counts;
  /* Per channel; empty unless wanted. */
  uint64_t channel_count;
  const float *channel_minimum;
  const float *channel_maximum;
  const double *channel_sum;
  const double *channel_square_sum;
  uint64_t channel_elements; /* elements in each channel */
  /* One entry for each group of samples, in order; groups have no groups of their own. */
  uint64_t group_count;
  const struct ht_statistics *groups; /* walked by the first element's struct_size */
} ht_statistics;

HT_EXTERN_C_END
#endif
