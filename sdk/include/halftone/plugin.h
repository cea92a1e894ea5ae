/* What a plug-in is: one exported constant, ht_plugin_entry, that describes its components; and what it gets: ht_host.
 */
#ifndef HALFTONE_PLUGIN_H
#define HALFTONE_PLUGIN_H

#include "halftone/param.h"

HT_EXTERN_C_BEGIN

/* Log levels. */
#define HT_LOG_DEBUG 1u
#define HT_LOG_INFO 2u
#define HT_LOG_WARNING 3u

/* The host as one component sees it. [inst] */
typedef struct ht_host {
  uint32_t struct_size;
  uint32_t abi_major;
  uint32_t abi_minor;
  uint32_t flags;
  const char *name;
  const char *version;
  /* [any] The table of a service, by id such as "ht.graph/1"; null when it is unknown or when the component did not
   * declare the capability that the service needs. The table lives as long as the process. */
  const void *(HT_CALL *service)(const struct ht_host *host, const char *id);
  /* [any] Text for the run's log; copied. */
  void(HT_CALL *log)(ht_ctx *ctx, uint32_t level, const ht_str *text);
  /* [any] Records why the running call fails and returns `status`, so that a component writes `return host->fail(...)`.
   * `subject` is a node, value or config, or HT_NONE. The text is copied. Service functions that fail have recorded
   * their own text already. */
  ht_status(HT_CALL *fail)(ht_ctx *ctx, ht_status status, const ht_str *text, ht_handle subject);
} ht_host;

/* Kinds of components; each has its role header. */
#define HT_KIND_PASS 1u
#define HT_KIND_EXECUTOR 2u
#define HT_KIND_PLATFORM 3u
#define HT_KIND_OBSERVER 4u
#define HT_KIND_EXPORTER 5u
#define HT_KIND_IMPORTER 6u
#define HT_KIND_READER 7u
#define HT_KIND_OP_KERNELS 8u
#define HT_KIND_EVALUATOR 9u
#define HT_KIND_TRAINER 10u
#define HT_KIND_OP_GRADIENTS 11u

/* Determinism that a component promises. */
#define HT_DETERMINISM_NONE 0u
#define HT_DETERMINISM_TOLERANCE 1u
#define HT_DETERMINISM_FIXED_THREADS 2u /* the same bits for the same number of threads */
#define HT_DETERMINISM_EXACT 3u         /* the same bits always */

/* Threading that a component allows. */
#define HT_THREADING_PROCESS 0u  /* one instance per process */
#define HT_THREADING_INSTANCE 1u /* instances are independent; one call at a time each */
#define HT_THREADING_FREE 2u     /* [worker] functions of one instance may run concurrently */

/* Capabilities: what a component may do. A service that needs one is null without it. */
#define HT_CAP_GRAPH_READ (1ull << 0)
#define HT_CAP_GRAPH_EDIT (1ull << 1)
#define HT_CAP_CONFIG_READ (1ull << 2)
#define HT_CAP_CONFIG_EDIT (1ull << 3)
#define HT_CAP_CALIBRATE (1ull << 4)
#define HT_CAP_EXECUTE (1ull << 5)
#define HT_CAP_FILE_WRITE (1ull << 6)
#define HT_CAP_FILE_READ (1ull << 7)
#define HT_CAP_THREADS (1ull << 8)

/* A role: the typed table that a component offers under an id such as "ht.pass/1". */
typedef struct ht_role {
  uint32_t struct_size;
  uint32_t reserved;
  const char *id;
  const void *table; /* begins with uint32_t struct_size */
} ht_role;

/* One thing that a plug-in offers. Static data: listing, help and validation call nothing. */
typedef struct ht_component {
  uint32_t struct_size;
  uint32_t kind;
  uint32_t determinism;
  uint32_t threading;
  uint64_t capabilities;
  const char *id; /* lower-case-with-hyphens; unique among loaded components of its kind */
  const char *version;
  const char *title;      /* one line */
  const char *doc;        /* paragraphs; names the source of the method */
  const ht_param *params; /* walked by the first element's struct_size */
  uint64_t param_count;
  const char *const *needs; /* service ids without which it cannot work */
  uint64_t need_count;
  const char *const *after; /* facts that must hold before it runs, such as "configs" */
  uint64_t after_count;
  const char *const *provides; /* facts that it establishes */
  uint64_t provide_count;
  const char *const *invalidates; /* facts that it destroys */
  uint64_t invalidate_count;
  const ht_role *const *roles;
  uint64_t role_count;
  /* [run] `args` has one value per element of `params`, in that order, checked and defaulted; [call]. `host` is [inst].
   */
  ht_status(HT_CALL *create)(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t arg_count,
                             void **instance);
  void(HT_CALL *destroy)(void *instance); /* [run] */
} ht_component;

typedef struct ht_plugin {
  uint32_t struct_size;
  uint32_t abi_major;
  uint32_t abi_minor;
  uint32_t needs_host_minor; /* lowest host minor that it can work with */
  const char *id;            /* reverse-DNS or a short name of the vendor's own */
  const char *version;
  const char *license;
  const char *build; /* compiler and flags, free text */
  const ht_component *const *components;
  uint64_t component_count;
  ht_status(HT_CALL *init)(const ht_host *host); /* [load] optional; may be called more than once */
  void(HT_CALL *deinit)(void);                   /* [load] optional; as often as init */
} ht_plugin;

/* The one symbol that a plug-in exports. */
HT_EXPORT extern const ht_plugin ht_plugin_entry;

/* [load] For tests, static builds and hosts that embed Halftone: offers a plug-in without a file. Exported by
 * libhalftone. */
HT_EXPORT ht_status HT_CALL ht_register(const ht_plugin *plugin);

HT_EXTERN_C_END
#endif
