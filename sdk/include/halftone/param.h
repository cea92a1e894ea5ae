/* Typed parameters. A component declares a schema; the host parses YAML and the command line, checks and defaults the
 * values, and hands over typed arrays. A plug-in never sees text to parse. */
#ifndef HALFTONE_PARAM_H
#define HALFTONE_PARAM_H

#include "halftone/base.h"

HT_EXTERN_C_BEGIN

/* What a value is. `data` points at `count` elements of the type named. */
#define HT_VALUE_NONE 0u   /* absent: count 0, data null */
#define HT_VALUE_I64 1u    /* int64_t */
#define HT_VALUE_F64 2u    /* double */
#define HT_VALUE_STR 3u    /* ht_str */
#define HT_VALUE_FLAG 4u   /* int64_t, 0 or 1 */
#define HT_VALUE_CHOICE 5u /* ht_str, one of ht_param.choices */
#define HT_VALUE_SIZE 6u   /* int64_t bytes; YAML takes "512MiB" */
#define HT_VALUE_MAP 7u    /* ht_field: names to values, for nested options */

typedef struct ht_value {
  uint32_t kind;
  uint32_t count; /* 1 for a scalar; any for a list */
  const void *data;
  uint64_t reserved[2];
} ht_value;

typedef struct ht_field {
  ht_str name;
  ht_value value;
} ht_field;

/* ht_param.flags */
#define HT_PARAM_REQUIRED 1u
#define HT_PARAM_LIST 2u        /* takes any number of values */
#define HT_PARAM_NULLABLE 4u    /* `null` is a value of its own: HT_VALUE_NONE */
#define HT_PARAM_ADVANCED 8u    /* hidden from the short help */
#define HT_PARAM_DEPRECATED 16u /* still read, with a warning that names replaced_by */
#define HT_PARAM_NEUTRAL 32u    /* does not affect results: left out of digests */
#define HT_PARAM_PATTERN 64u    /* texts that are patterns (pattern.h); the host refuses others before the run */
#define HT_PARAM_FUSION 128u    /* with HT_PARAM_PATTERN: of two operators or more, which become one */

/* One parameter of a component: static data of the plug-in. */
typedef struct ht_param {
  uint32_t struct_size;
  uint32_t kind; /* HT_VALUE_* */
  uint32_t flags;
  uint32_t reserved;
  const char *name; /* lower_snake_case */
  const char *doc;
  const char *unit; /* or null */
  ht_value deflt;   /* HT_VALUE_NONE: no default */
  ht_value low;     /* inclusive bounds of numbers, or HT_VALUE_NONE */
  ht_value high;
  ht_value choices; /* HT_VALUE_STR list for HT_VALUE_CHOICE */
  const char *since;
  const char *replaced_by;
} ht_param;

HT_EXTERN_C_END
#endif
