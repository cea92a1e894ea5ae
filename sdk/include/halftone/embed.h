/* Halftone inside a program: what libhalftone exports, and nothing else. docs/embedding.md is the guide.
 *
 * An engine holds plug-ins. A model is loaded into an engine; a pipeline makes a quantized model of it, which is run,
 * evaluated, looked into, edited and exported. Engines know nothing of each other, nothing is printed, and no call ends
 * the program.
 *
 * - A function gives HT_OK or a status of halftone/base.h, and leaves its out-parameters alone when it fails. What went
 *   wrong is told by ht_error_text(), in the words of the command line.
 * - Texts that go in are UTF-8 and end with a zero byte; null is allowed where that is said. They are [call].
 * - What a function makes is given back to the function that is named for it; null is allowed there. A model, access or
 *   inference keeps what it needs of its engine and model, so that these may be given back in any order.
 * - [any] functions may be called from several threads at once, with the same objects too, unless they say otherwise.
 *   All functions are [any].
 */
#ifndef HALFTONE_EMBED_H
#define HALFTONE_EMBED_H

#include "halftone/plugin.h"
#include "halftone/tensor.h"

HT_EXTERN_C_BEGIN

/* "0.1.0". [host] */
HT_EXPORT const char *HT_CALL ht_version(void);

/* Why the last function of this header failed on the calling thread: `index` 0 is what is wrong and what to do about
 * it, the following ones say where, from the inside out. Null behind the last. [host] until the thread calls another
 * function of this header. */
HT_EXPORT const char *HT_CALL ht_error_text(uint64_t index);

/* A text that a function made. */
typedef struct ht_text ht_text;
/* Ends with a zero byte; lives as long as the object. */
HT_EXPORT const char *HT_CALL ht_text_data(const ht_text *text);
HT_EXPORT uint64_t HT_CALL ht_text_size(const ht_text *text);
HT_EXPORT void HT_CALL ht_text_destroy(ht_text *text);

/* Ends what it was given to, from another thread or a signal handler: the call returns HT_CANCELLED soon, and nothing
 * is written. A request stays. */
typedef struct ht_stop ht_stop;
HT_EXPORT ht_status HT_CALL ht_stop_create(ht_stop **stop);
HT_EXPORT void HT_CALL ht_stop_request(ht_stop *stop);
/* Not before the calls that it was given to have returned. */
HT_EXPORT void HT_CALL ht_stop_destroy(ht_stop *stop);

/* ---- engines ---- */

typedef struct ht_engine ht_engine;

typedef struct ht_engine_options {
  uint32_t struct_size;
  uint32_t no_environment; /* 1: neither HALFTONE_PLUGIN_PATH nor the user's folder is looked into */
  /* Folders of plug-ins or single files, as --plugin-path: what is wrong with one of them is an error. [call] */
  const char *const *plugin_paths;
  uint64_t plugin_path_count;
  void *user; /* of the two functions below */
  /* Optional. Called from any thread, also from several at once, while functions of this engine run; texts are [call].
   * Must not call back into the engine. `level` is HT_LOG_*. */
  void(HT_CALL *log)(void *user, uint32_t level, const char *text);
  /* Optional, as log(). `step` is the pass, or "evaluate"; `total` is 0 while it is not known. */
  void(HT_CALL *progress)(void *user, const char *step, uint64_t done, uint64_t total);
} ht_engine_options;

/* Loads the plug-ins. Files that were found and are no good are told to log(). `options` may be null. */
HT_EXPORT ht_status HT_CALL ht_engine_create(const ht_engine_options *options, ht_engine **engine);
HT_EXPORT void HT_CALL ht_engine_destroy(ht_engine *engine);
/* Offers a plug-in to this engine alone; ht_register() offers one to all engines made later. The plug-in lives as long
 * as the engine and all that was made from it. HT_FAILED_PRECONDITION while another function of the engine runs. */
HT_EXPORT ht_status HT_CALL ht_engine_register(ht_engine *engine, const ht_plugin *plugin);
/* JSON: a list of the components of a kind (HT_KIND_*) with id, version, title and parameters. */
HT_EXPORT ht_status HT_CALL ht_engine_components(ht_engine *engine, uint32_t kind, ht_text **list);

/* ---- models ---- */

typedef struct ht_model ht_model;

/* A model from a file, or from the bytes of one; `folder` is where files with its weights lie, null for none. Both
 * become what the commands of the program run: functions expanded, operators of old opsets lifted. The bytes are
 * [call].
 */
HT_EXPORT ht_status HT_CALL ht_model_load(ht_engine *engine, const char *path, ht_model **model);
HT_EXPORT ht_status HT_CALL ht_model_load_bytes(ht_engine *engine, const void *bytes, uint64_t size, const char *folder,
                                                ht_model **model);
HT_EXPORT void HT_CALL ht_model_destroy(ht_model *model);
/* JSON: every tensor quantization config, as `configs_out:` of a pipeline writes them. */
HT_EXPORT ht_status HT_CALL ht_model_configs(ht_model *model, ht_text **configs);
/* Writes the model as it is now. `format` is an exporter, null for onnx-qdq; `settings` are its parameters as YAML, or
 * null. The file appears complete or not at all. */
HT_EXPORT ht_status HT_CALL ht_model_export(ht_model *model, const char *format, const char *path,
                                            const char *settings);

/* ---- samples in memory ---- */

/* Samples one after the other, each an array for every input: as files of samples hold them, without a batch axis, or
 * in the shape of the input itself. They are gone through as often as the work asks for, once for most pipelines. Only
 * the first 16 and a few for each worker are held at a time. */
typedef struct ht_samples {
  uint32_t struct_size;
  uint32_t once; /* 1: rewind() cannot begin anew; work that has to go through them again fails */
  void *user;    /* of the functions below */
  /* The inputs in the order of the arrays; null, with input_count 1, for the only one. */
  const char *const *inputs;
  uint64_t input_count;
  uint64_t count; /* 0: only the end tells; a memory budget asks for the number */
  /* Optional with `once`. Begins anew. One call of this and of next() at a time, on any thread. */
  ht_status(HT_CALL *rewind)(void *user, const ht_host *host, ht_ctx *ctx);
  /* Fills the views, one for each input, and sets *got to 1; leaves *got 0 behind the last. Strides are allowed. What a
   * failure is about goes to host->fail. */
  ht_status(HT_CALL *next)(void *user, const ht_host *host, ht_ctx *ctx, ht_tensor_view *const *arrays, void **hold,
                           uint32_t *got);
  /* Optional. Null: arrays are copied before the next call of next(). Otherwise they stay as they are until they are
   * given back here, with what next() put into *hold; on any thread, also from several at once. */
  void(HT_CALL *release)(void *user, void *hold);
} ht_samples;

/* ---- pipelines ---- */

typedef struct ht_run_options {
  uint32_t struct_size;
  uint32_t reserved;
  /* A pipeline file, or the text of one (docs/pipelines.md); one of the two, or neither, where `model`, `settings` and
   * `samples` say everything. `folder`, null for the working folder, is where relative paths of a text start. */
  const char *file;
  const char *text;
  const char *folder;
  /* "key=value" as --set: "calibration.limit=64". */
  const char *const *settings;
  uint64_t setting_count;
  const char *preset;            /* passes from a preset, as --preset; or null */
  ht_model *model;               /* a float model, instead of `model:`; or null */
  const ht_samples *calibration; /* instead of `path:` of `calibration:`; or null */
  const ht_samples *evaluation;  /* instead of `path:` of `evaluate:`; or null */
  const int64_t *labels;         /* class numbers of the evaluation's samples, or of the calibration's; or null */
  uint64_t label_count;
  ht_stop *stop; /* or null */
} ht_run_options;

/* Runs a pipeline: its passes, its evaluation, its outputs. `quantized` gets the model that they made, `figures` the
 * JSON that `halftone run --json` writes, with what each pass reported and the warnings; both may be null. */
HT_EXPORT ht_status HT_CALL ht_run(ht_engine *engine, const ht_run_options *options, ht_model **quantized,
                                   ht_text **figures);
/* Checks everything and runs nothing. `plan` gets JSON: the platform and the steps with their parameters. */
HT_EXPORT ht_status HT_CALL ht_plan(ht_engine *engine, const ht_run_options *options, ht_text **plan);

/* Takes statistics of the samples alone, as `halftone calibrate`: for each of the platforms, or for all where there are
 * none and the options name neither platform nor passes. Writes NAME.htstats, which `statistics:` of a pipeline takes
 * instead of samples; `figures` gets JSON and may be null. */
HT_EXPORT ht_status HT_CALL ht_calibrate(ht_engine *engine, const ht_run_options *options, const char *const *platforms,
                                         uint64_t platform_count, const char *path, ht_text **figures);

/* ---- running and comparing ---- */

/* Modes are HT_MODE_FLOAT (also 0), HT_MODE_SIMULATED and HT_MODE_INTEGER of halftone/executor.h. A model with Q/DQ
 * nodes that comes from a file takes all of them; a float model float alone. */
typedef struct ht_inference_options {
  uint32_t struct_size;
  uint32_t mode;
  uint32_t threads;           /* that may run at once; 0: as many as there are cores */
  uint32_t reserved;          /* 0 */
  const char *executor;       /* null: the model's, or onednn */
  const char *platform;       /* whose arithmetic integer mode has; null: the model's */
  const char *const *outputs; /* values to hand over, inner ones too; null: the model's outputs */
  uint64_t output_count;
} ht_inference_options;

typedef struct ht_inference ht_inference;

/* Of the model as it is now: later edits change nothing here. `options` may be null. */
HT_EXPORT ht_status HT_CALL ht_inference_open(ht_model *model, const ht_inference_options *options,
                                              ht_inference **inference);
HT_EXPORT void HT_CALL ht_inference_close(ht_inference *inference);
/* One array for each input of the model, with the batch axis, in the order of ht_inference_names(); strides are
 * allowed. `take` gets each output, named by its number, on the calling thread; tensors are [call]. Its status other
 * than HT_OK ends the call with it. At most `threads` calls run at once, further ones wait. */
typedef ht_status(HT_CALL *ht_take_output)(void *user, uint64_t output, const ht_tensor_view *tensor);
HT_EXPORT ht_status HT_CALL ht_inference_run(ht_inference *inference, const ht_tensor_view *inputs, uint64_t count,
                                             ht_take_output take, void *user);
/* JSON: {"inputs": [...], "outputs": [...]}, each with name, dtype (HT_F32 ...) and shape (-1: any). */
HT_EXPORT ht_status HT_CALL ht_inference_names(ht_inference *inference, ht_text **names);

typedef struct ht_evaluate_options {
  uint32_t struct_size;
  uint32_t mode;
  const ht_samples *samples;
  const int64_t *labels; /* one for each sample, or null */
  uint64_t label_count;
  ht_model *against;      /* whose outputs are the reference, in float; or null */
  uint64_t limit;         /* 0: all samples */
  uint32_t threads;       /* 0: all cores; never changes a result */
  uint32_t skip_bad;      /* 1: samples that cannot be used are left out */
  const char *preprocess; /* YAML with the keys of `preprocess:`, or null */
  const char *executor;   /* as in ht_inference_options */
  const char *platform;
  ht_stop *stop; /* or null */
} ht_evaluate_options;

/* `figures` gets the JSON that `halftone evaluate --json` writes. */
HT_EXPORT ht_status HT_CALL ht_evaluate(ht_model *model, const ht_evaluate_options *options, ht_text **figures);

/* ---- looking into a model, and editing it ---- */

/* The model as a pass sees it: through services (halftone/graph.h, config.h, graph_edit.h ...), with a context to call
 * them with. An access is of the model as it was when it began; one thread at a time uses it. */
typedef struct ht_access ht_access;

/* `edit` 1: with the services that change the model and its configs. */
HT_EXPORT ht_status HT_CALL ht_access_begin(ht_model *model, uint32_t edit, ht_access **access);
/* As ht_host.service; null for a service that is not known, and for those that edit in an access that does not. */
HT_EXPORT const void *HT_CALL ht_access_service(ht_access *access, const char *id);
/* What the services take. [host], until the access ends */
HT_EXPORT ht_ctx *HT_CALL ht_access_context(ht_access *access);
/* Gives back the memory of what services handed out as [call]; the access goes on. */
HT_EXPORT void HT_CALL ht_access_forget(ht_access *access);
/* The verifier looks at the edits, as after a pass; then they are the model's. HT_STALE when another access was
 * committed since this one began. The access goes on either way. */
HT_EXPORT ht_status HT_CALL ht_access_commit(ht_access *access);
/* Copies what the last failed service recorded in a context, of an access or of a pass that runs, to ht_error_text()
 * and returns `status`. */
HT_EXPORT ht_status HT_CALL ht_context_error(ht_ctx *ctx, ht_status status);
/* Drops what was not committed. */
HT_EXPORT void HT_CALL ht_access_end(ht_access *access);

HT_EXTERN_C_END
#endif
