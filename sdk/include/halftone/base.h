/* Base types of the Halftone plug-in ABI: integers, strings, handles, status codes, versions.
 *
 * Conventions of every header here (RULES.md gives the reasons):
 * - C11 and C++20 clean; only fixed-width integers, float, double, pointers and flat structs cross the boundary.
 * - Every struct that can grow begins with `uint32_t struct_size` (plain sizeof, filled by whoever writes the struct)
 *   and has no tail padding. A reader touches only min(struct_size, its own sizeof) bytes; HT_HAS tests a field.
 * - Ownership tags: [call] borrowed until the called function returns; [inst] until the instance is destroyed;
 *   [host], [plug] owned by that side for the life of the process.
 * - Thread tags: [load] serial, while plug-ins are loaded; [run] the host calls one at a time per instance;
 *   [worker] from any worker thread, concurrently for different worker numbers; [any] from any thread.
 * - A function that fails leaves its out-parameters untouched.
 */
#ifndef HALFTONE_BASE_H
#define HALFTONE_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#define HT_CALL __cdecl
#define HT_EXPORT __declspec(dllexport)
#else
#define HT_CALL
#define HT_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
#define HT_EXTERN_C_BEGIN extern "C" {
#define HT_EXTERN_C_END }
#else
#define HT_EXTERN_C_BEGIN
#define HT_EXTERN_C_END
#endif

/* Version of the ABI. The major must match; the minor informs: within a major every minor only adds to the one before.
 */
#define HT_ABI_MAJOR 1u
#define HT_ABI_MINOR 1u

/* True when the writer of *p knew field f of struct T. */
#define HT_HAS(p, T, f) ((p)->struct_size >= offsetof(T, f) + sizeof(((T *)0)->f))

HT_EXTERN_C_BEGIN

/* Status of a call. 0 is success; the set is closed. Text goes through ht_host.fail. */
typedef int32_t ht_status;
#define HT_OK 0
#define HT_CANCELLED 1           /* the user or a limit ended the run; nothing is wrong with the input */
#define HT_INVALID_ARGUMENT 2    /* a value the caller gave is wrong whatever the state */
#define HT_NOT_FOUND 3           /* no such handle, name, file or service */
#define HT_ALREADY_EXISTS 4      /* the name or id is taken */
#define HT_PERMISSION_DENIED 5   /* a capability was not declared, or the system refused */
#define HT_RESOURCE_EXHAUSTED 6  /* memory, disk or a budget */
#define HT_FAILED_PRECONDITION 7 /* the state does not allow it: wrong order, stale session */
#define HT_UNIMPLEMENTED 8       /* known and not offered: an operator without kernel, a removed function */
#define HT_DATA_LOSS 9           /* a file or sample is corrupt or truncated */
#define HT_INTERNAL 10           /* a bug on the side that reports it */
#define HT_TIMEOUT 11
#define HT_STALE 12 /* an execution session whose model was edited since it was opened */

/* A graph object: kind, index and generation packed by the host; 0 is "none". A handle that outlived its object yields
 * HT_NOT_FOUND, never a crash. Handles are valid within one run context. */
typedef uint64_t ht_handle;
#define HT_NONE ((ht_handle)0)

/* UTF-8 text, not terminated. */
typedef struct ht_str {
  const char *data;
  uint64_t size;
} ht_str;

/* Read-only arrays. */
typedef struct ht_strs {
  const ht_str *data;
  uint64_t size;
} ht_strs;
typedef struct ht_handles {
  const ht_handle *data;
  uint64_t size;
} ht_handles;
typedef struct ht_i64s {
  const int64_t *data;
  uint64_t size;
} ht_i64s;

/* One call into a component: carries cancellation, the error chain, the arena, the model and the seed. Opaque. [call]
 */
typedef struct ht_ctx ht_ctx;

HT_EXTERN_C_END
#endif
