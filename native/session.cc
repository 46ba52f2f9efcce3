// TensorFlow sessions for Node: graphs from memory, a configuration, calls that leave the event loop free, and
// TensorFlow's devices, their memory, kernels and arithmetic. It is linked against libtensorflow and uses its C++ interface.
#include <dlfcn.h>
#include <node_api.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/core/common_runtime/device_mgr.h"
#include "tensorflow/core/framework/device.h"
#include "tensorflow/core/framework/step_stats.pb.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/protobuf/config.pb.h"
#include "tensorflow/core/public/session.h"

// Exported by the library; their headers need more of the source tree than the wheel has.
namespace tsl {
void enable_tensor_float_32_execution(bool enabled);
bool tensor_float_32_execution_enabled();
void EnableCPUAllocatorStats();
}  // namespace tsl

namespace {

using tensorflow::DataType;
using tensorflow::Tensor;

/** Throws a JavaScript error, unless one is pending. */
void Throw(napi_env env, const char* code, const std::string& message) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_error(env, code, message.c_str());
}

std::string CodeOf(const absl::Status& status) { return absl::StatusCodeToString(status.code()); }

void Throw(napi_env env, const absl::Status& status) {
  Throw(env, CodeOf(status).c_str(), std::string(status.message()));
}

// --- Values from and to JavaScript. ---

napi_value Property(napi_env env, napi_value object, const char* name) {
  napi_value value = nullptr;
  napi_get_named_property(env, object, name, &value);
  return value;
}

std::string Text(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return {};
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
  return text;
}

uint32_t Length(napi_env env, napi_value array) {
  uint32_t length = 0;
  napi_get_array_length(env, array, &length);
  return length;
}

napi_value Element(napi_env env, napi_value array, uint32_t index) {
  napi_value value = nullptr;
  napi_get_element(env, array, index, &value);
  return value;
}

std::vector<std::string> Texts(napi_env env, napi_value array) {
  std::vector<std::string> texts(Length(env, array));
  for (uint32_t i = 0; i < texts.size(); i++) texts[i] = Text(env, Element(env, array, i));
  return texts;
}

struct Bytes {
  const void* data = nullptr;
  size_t length = 0;
  napi_typedarray_type type = napi_uint8_array;
};

/** The bytes of a typed array; none for anything else. */
std::optional<Bytes> BytesOf(napi_env env, napi_value value) {
  bool is_typed = false;
  if (napi_is_typedarray(env, value, &is_typed) != napi_ok || !is_typed) return std::nullopt;
  Bytes bytes;
  size_t elements = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &bytes.type, &elements, &data, nullptr, nullptr) != napi_ok)
    return std::nullopt;
  const bool wide = bytes.type == napi_float32_array || bytes.type == napi_int32_array;
  bytes.data = data;
  bytes.length = elements * (wide ? 4 : 1);
  return bytes;
}

napi_value NewBytes(napi_env env, const void* data, size_t length) {
  void* target = nullptr;
  napi_value buffer = nullptr;
  if (napi_create_arraybuffer(env, length, &target, &buffer) != napi_ok) return nullptr;
  if (length > 0) std::memcpy(target, data, length);
  return buffer;
}

void Set(napi_env env, napi_value object, const char* name, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

void Set(napi_env env, napi_value object, const char* name, const std::string& text) {
  napi_value value;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  napi_set_named_property(env, object, name, value);
}

// --- Sessions. ---

/** Type and shape of one input of a callable. */
struct Feed {
  DataType type;
  tensorflow::TensorShape shape;
};

struct Callable {
  tensorflow::Session::CallableHandle handle;
  std::vector<Feed> feeds;
  bool is_timed = false;
};

/** Whether callables that are made from now on keep the times of their kernels, and those of the last such call. */
std::atomic<bool> keeps_kernel_times{false};
std::mutex kernel_times_mutex;
tensorflow::StepStats kernel_times;

/** Shared with running calls, which keep it alive after closeSession. */
struct Session {
  std::unique_ptr<tensorflow::Session> session;
  std::vector<std::optional<Callable>> callables;
  /** Allocates host memory that a GPU copies from directly; nullptr without a GPU. */
  tensorflow::Allocator* staging = nullptr;

  ~Session() {
    if (session) (void)session->Close();
  }
};

using SessionRef = std::shared_ptr<Session>;

std::vector<tensorflow::Device*> DevicesOf(const Session& session) {
  const tensorflow::DeviceMgr* devices = nullptr;
  if (!session.session->LocalDeviceManager(&devices).ok()) return {};
  return devices->ListDevices();
}

void FindStaging(Session& session) {
  for (tensorflow::Device* device : DevicesOf(session)) {
    if (device->device_type() != "GPU") continue;
    tensorflow::AllocatorAttributes attributes;
    attributes.set_on_host(true);
    attributes.set_gpu_compatible(true);
    session.staging = device->GetAllocator(attributes);
    return;
  }
}

/** The session of an external value; nullptr with an exception for anything else, or after closeSession. */
SessionRef* SessionOf(napi_env env, napi_value value) {
  void* data = nullptr;
  if (napi_get_value_external(env, value, &data) != napi_ok || data == nullptr) {
    Throw(env, "INVALID_ARGUMENT", "expected a session");
    return nullptr;
  }
  auto* session = static_cast<SessionRef*>(data);
  if (*session) return session;
  Throw(env, "FAILED_PRECONDITION", "the session was closed");
  return nullptr;
}

/** Reads a call's arguments; false, with an exception, if there are fewer than N. */
template <size_t N>
bool Arguments(napi_env env, napi_callback_info info, napi_value (&values)[N]) {
  size_t count = N;
  if (napi_get_cb_info(env, info, &count, values, nullptr, nullptr) == napi_ok && count >= N) return true;
  Throw(env, "INVALID_ARGUMENT", "expected " + std::to_string(N) + " arguments");
  return false;
}

/** Reads the arguments of a call whose first one is a session, and returns it; nullptr with an exception. */
template <size_t N>
SessionRef* SessionArguments(napi_env env, napi_callback_info info, napi_value (&values)[N]) {
  return Arguments(env, info, values) ? SessionOf(env, values[0]) : nullptr;
}

/** createSession(graph: Uint8Array, config: Uint8Array): a session that runs a GraphDef with a ConfigProto. */
napi_value CreateSession(napi_env env, napi_callback_info info) {
  napi_value values[2];
  if (!Arguments(env, info, values)) return nullptr;
  const auto graph_bytes = BytesOf(env, values[0]);
  const auto config_bytes = BytesOf(env, values[1]);
  tensorflow::SessionOptions options;
  tensorflow::GraphDef graph;
  if (!graph_bytes || !graph.ParseFromArray(graph_bytes->data, graph_bytes->length) || !config_bytes ||
      !options.config.ParseFromArray(config_bytes->data, config_bytes->length)) {
    Throw(env, "INVALID_ARGUMENT", "expected a GraphDef and a ConfigProto");
    return nullptr;
  }
  auto session = std::make_shared<Session>();
  tensorflow::Session* made = nullptr;
  absl::Status status = tensorflow::NewSession(options, &made);
  session->session.reset(made);
  if (status.ok()) status = made->Create(std::move(graph));
  if (!status.ok()) {
    Throw(env, status);
    return nullptr;
  }
  FindStaging(*session);
  auto* held = new SessionRef(std::move(session));
  napi_value external = nullptr;
  const auto release = [](napi_env, void* data, void*) { delete static_cast<SessionRef*>(data); };
  if (napi_create_external(env, held, release, nullptr, &external) != napi_ok) delete held;
  return external;
}

/** closeSession(session): frees it once its running calls have ended. */
napi_value CloseSession(napi_env env, napi_callback_info info) {
  napi_value values[1];
  if (SessionRef* session = SessionArguments(env, info, values)) session->reset();
  return nullptr;
}

/** makeCallable(session, feeds: {node, dtype, shape}[], fetches: string[], targets: string[]): number. */
napi_value MakeCallable(napi_env env, napi_callback_info info) {
  napi_value values[4];
  SessionRef* session = SessionArguments(env, info, values);
  if (session == nullptr) return nullptr;
  tensorflow::CallableOptions options;
  Callable callable;
  for (uint32_t i = 0; i < Length(env, values[1]); i++) {
    const napi_value feed = Element(env, values[1], i);
    options.add_feed(Text(env, Property(env, feed, "node")));
    int32_t dtype = 0;
    napi_get_value_int32(env, Property(env, feed, "dtype"), &dtype);
    tensorflow::TensorShape shape;
    const napi_value sizes = Property(env, feed, "shape");
    for (uint32_t axis = 0; axis < Length(env, sizes); axis++) {
      int64_t size = 0;
      napi_get_value_int64(env, Element(env, sizes, axis), &size);
      shape.AddDim(size);
    }
    callable.feeds.push_back({static_cast<DataType>(dtype), shape});
  }
  for (const auto& name : Texts(env, values[2])) options.add_fetch(name);
  for (const auto& name : Texts(env, values[3])) options.add_target(name);
  callable.is_timed = keeps_kernel_times;
  if (callable.is_timed) options.mutable_run_options()->set_trace_level(tensorflow::RunOptions::SOFTWARE_TRACE);
  const absl::Status status = (*session)->session->MakeCallable(options, &callable.handle);
  if (!status.ok()) {
    Throw(env, status);
    return nullptr;
  }
  (*session)->callables.emplace_back(std::move(callable));
  napi_value index;
  napi_create_uint32(env, (*session)->callables.size() - 1, &index);
  return index;
}

Callable* CallableOf(napi_env env, Session& session, napi_value value) {
  uint32_t index = 0;
  napi_get_value_uint32(env, value, &index);
  if (index < session.callables.size() && session.callables[index]) return &*session.callables[index];
  Throw(env, "INVALID_ARGUMENT", "there is no such callable");
  return nullptr;
}

/** releaseCallable(session, callable). */
napi_value ReleaseCallable(napi_env env, napi_callback_info info) {
  napi_value values[2];
  SessionRef* session = SessionArguments(env, info, values);
  if (session == nullptr) return nullptr;
  if (Callable* callable = CallableOf(env, **session, values[1])) {
    (void)(*session)->session->ReleaseCallable(callable->handle);
    uint32_t index = 0;
    napi_get_value_uint32(env, values[1], &index);
    (*session)->callables[index].reset();
  }
  return nullptr;
}

/** One call: its inputs, its outputs and its status. */
struct Run {
  SessionRef session;
  tensorflow::Session::CallableHandle handle;
  bool is_timed = false;
  std::vector<Tensor> feeds;
  std::vector<Tensor> fetched;
  absl::Status status;
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;

  void Execute() {
    tensorflow::RunMetadata metadata;
    status = session->session->RunCallable(handle, feeds, &fetched, is_timed ? &metadata : nullptr);
    feeds.clear();
    if (!is_timed) return;
    std::lock_guard<std::mutex> lock(kernel_times_mutex);
    kernel_times.Swap(metadata.mutable_step_stats());
  }
};

napi_typedarray_type ArrayType(DataType type) {
  if (type == tensorflow::DT_INT32) return napi_int32_array;
  return type == tensorflow::DT_FLOAT ? napi_float32_array : napi_uint8_array;
}

/** Copies the arrays into tensors: JavaScript may change them while the call runs, and variables keep their tensor. */
bool TakeFeeds(napi_env env, const Callable& callable, napi_value arrays, Run& run) {
  for (size_t i = 0; i < callable.feeds.size(); i++) {
    const Feed& feed = callable.feeds[i];
    const auto bytes = BytesOf(env, Element(env, arrays, i));
    tensorflow::Allocator* staging = run.session->staging;
    Tensor tensor = staging ? Tensor(staging, feed.type, feed.shape) : Tensor(feed.type, feed.shape);
    if (!tensor.IsInitialized()) {
      Throw(env, "RESOURCE_EXHAUSTED", "OOM when allocating a tensor to feed");
      return false;
    }
    if (!bytes || bytes->type != ArrayType(feed.type) || bytes->length != tensor.TotalBytes()) {
      Throw(env, "INVALID_ARGUMENT", "feed " + std::to_string(i) + " has another type or size than announced");
      return false;
    }
    std::memcpy(tensor.data(), bytes->data, bytes->length);
    run.feeds.push_back(std::move(tensor));
  }
  return true;
}

/** Prepares the call of `run` or `runAsync` from their arguments; nullptr with an exception. */
std::unique_ptr<Run> PrepareRun(napi_env env, napi_callback_info info) {
  napi_value values[3];
  SessionRef* session = SessionArguments(env, info, values);
  if (session == nullptr) return nullptr;
  const Callable* callable = CallableOf(env, **session, values[1]);
  if (callable == nullptr) return nullptr;
  auto run = std::make_unique<Run>();
  run->session = *session;
  run->handle = callable->handle;
  run->is_timed = callable->is_timed;
  if (!TakeFeeds(env, *callable, values[2], *run)) return nullptr;
  return run;
}

/** The fetched tensors as typed arrays. */
napi_value Results(napi_env env, const Run& run) {
  napi_value arrays = nullptr;
  napi_create_array_with_length(env, run.fetched.size(), &arrays);
  for (size_t i = 0; i < run.fetched.size(); i++) {
    const Tensor& tensor = run.fetched[i];
    const napi_value buffer = NewBytes(env, tensor.data(), tensor.TotalBytes());
    const auto type = ArrayType(tensor.dtype());
    const size_t elements = type == napi_uint8_array ? tensor.TotalBytes() : tensor.NumElements();
    napi_value array = nullptr;
    if (buffer == nullptr || napi_create_typedarray(env, type, elements, buffer, 0, &array) != napi_ok) {
      Throw(env, "RESOURCE_EXHAUSTED", "no memory for a fetched tensor");
      return nullptr;
    }
    napi_set_element(env, arrays, i, array);
  }
  return arrays;
}

/** run(session, callable, feeds: typed arrays): typed arrays. */
napi_value RunNow(napi_env env, napi_callback_info info) {
  const auto run = PrepareRun(env, info);
  if (!run) return nullptr;
  run->Execute();
  if (!run->status.ok()) {
    Throw(env, run->status);
    return nullptr;
  }
  return Results(env, *run);
}

napi_value ErrorOf(napi_env env, const absl::Status& status) {
  const std::string code = CodeOf(status);
  napi_value code_value, message, error;
  napi_create_string_utf8(env, code.data(), code.size(), &code_value);
  napi_create_string_utf8(env, status.message().data(), status.message().size(), &message);
  napi_create_error(env, code_value, message, &error);
  return error;
}

void FinishRun(napi_env env, napi_status, void* data) {
  std::unique_ptr<Run> run(static_cast<Run*>(data));
  napi_delete_async_work(env, run->work);
  if (!run->status.ok()) {
    napi_reject_deferred(env, run->deferred, ErrorOf(env, run->status));
    return;
  }
  napi_value results = Results(env, *run);
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) {
    napi_get_and_clear_last_exception(env, &results);
    napi_reject_deferred(env, run->deferred, results);
  } else {
    napi_resolve_deferred(env, run->deferred, results);
  }
}

/** runAsync(session, callable, feeds): a promise of typed arrays; the call runs on another thread. */
napi_value RunAsync(napi_env env, napi_callback_info info) {
  auto run = PrepareRun(env, info);
  if (!run) return nullptr;
  napi_value promise, name;
  napi_create_promise(env, &run->deferred, &promise);
  napi_create_string_utf8(env, "gnr session", NAPI_AUTO_LENGTH, &name);
  const auto execute = [](napi_env, void* data) { static_cast<Run*>(data)->Execute(); };
  napi_create_async_work(env, nullptr, name, execute, FinishRun, run.get(), &run->work);
  napi_queue_async_work(env, run->work);
  run.release();
  return promise;
}

/**
 * kernelTimes(): {label, scheduled, started, ended}[] of the last call of a callable that was made after the first call of this
 * function. Times are seconds since 1970; a label is `name = operation(inputs)`.
 */
napi_value KernelTimes(napi_env env, napi_callback_info) {
  tensorflow::StepStats stats;
  {
    std::lock_guard<std::mutex> lock(kernel_times_mutex);
    keeps_kernel_times = true;
    stats.Swap(&kernel_times);
  }
  napi_value list = nullptr;
  napi_create_array(env, &list);
  uint32_t index = 0;
  for (const auto& device : stats.dev_stats()) {
    for (const auto& node : device.node_stats()) {
      napi_value entry = nullptr;
      napi_create_object(env, &entry);
      Set(env, entry, "label", node.timeline_label());
      Set(env, entry, "scheduled", node.scheduled_nanos() / 1e9);
      Set(env, entry, "started", (node.all_start_nanos() + node.op_start_rel_nanos()) / 1e9);
      Set(env, entry, "ended", (node.all_start_nanos() + node.op_end_rel_nanos()) / 1e9);
      napi_set_element(env, list, index++, entry);
    }
  }
  return list;
}

// --- Devices, kernels and arithmetic. ---

/** devices(session): {name, type, description, limitBytes, bytesInUse?, peakBytesInUse?}[]. */
napi_value Devices(napi_env env, napi_callback_info info) {
  napi_value values[1];
  SessionRef* session = SessionArguments(env, info, values);
  if (session == nullptr) return nullptr;
  napi_value list = nullptr;
  napi_create_array(env, &list);
  uint32_t index = 0;
  for (tensorflow::Device* device : DevicesOf(**session)) {
    napi_value entry = nullptr;
    napi_create_object(env, &entry);
    Set(env, entry, "name", device->name());
    Set(env, entry, "type", device->device_type());
    Set(env, entry, "description", device->attributes().physical_device_desc());
    Set(env, entry, "limitBytes", static_cast<double>(device->attributes().memory_limit()));
    const auto stats = device->GetAllocator(tensorflow::AllocatorAttributes())->GetStats();
    if (stats) {
      Set(env, entry, "bytesInUse", static_cast<double>(stats->bytes_in_use));
      Set(env, entry, "peakBytesInUse", static_cast<double>(stats->peak_bytes_in_use));
    }
    napi_set_element(env, list, index++, entry);
  }
  return list;
}

/** registeredKernels(): a serialized KernelList of all kernels in the library. */
napi_value RegisteredKernels(napi_env env, napi_callback_info) {
  TF_Status* status = TF_NewStatus();
  TF_Buffer* list = TF_GetAllRegisteredKernels(status);
  napi_value bytes = nullptr;
  if (TF_GetCode(status) == TF_OK) {
    const napi_value buffer = NewBytes(env, list->data, list->length);
    napi_create_typedarray(env, napi_uint8_array, list->length, buffer, 0, &bytes);
  } else {
    Throw(env, "INTERNAL", TF_Message(status));
  }
  if (list != nullptr) TF_DeleteBuffer(list);
  TF_DeleteStatus(status);
  return bytes;
}

/** setTensorFloat32(enabled): whether float32 products on a GPU may be rounded to TensorFloat-32. */
napi_value SetTensorFloat32(napi_env env, napi_callback_info info) {
  napi_value values[1];
  bool enabled = false;
  if (Arguments(env, info, values) && napi_get_value_bool(env, values[0], &enabled) == napi_ok)
    tsl::enable_tensor_float_32_execution(enabled);
  return nullptr;
}

/** tensorFloat32(): the value that setTensorFloat32 set last; true at the start. */
napi_value GetTensorFloat32(napi_env env, napi_callback_info) {
  napi_value enabled;
  napi_get_boolean(env, tsl::tensor_float_32_execution_enabled(), &enabled);
  return enabled;
}

/** countHostMemory(): from now on `devices` reports the processor's memory too. */
napi_value CountHostMemory(napi_env, napi_callback_info) {
  tsl::EnableCPUAllocatorStats();
  return nullptr;
}

/** cudnnVersion(): such as 91002; 0 if cuDNN is not loaded. */
napi_value CudnnVersion(napi_env env, napi_callback_info) {
  size_t version = 0;
  if (void* library = dlopen("libcudnn.so.9", RTLD_LAZY | RTLD_NOLOAD)) {
    if (auto get = reinterpret_cast<size_t (*)()>(dlsym(library, "cudnnGetVersion"))) version = get();
    dlclose(library);
  }
  napi_value value;
  napi_create_double(env, static_cast<double>(version), &value);
  return value;
}

}  // namespace

NAPI_MODULE_INIT() {
  const std::pair<const char*, napi_callback> functions[] = {
      {"createSession", CreateSession},
      {"closeSession", CloseSession},
      {"makeCallable", MakeCallable},
      {"releaseCallable", ReleaseCallable},
      {"run", RunNow},
      {"runAsync", RunAsync},
      {"kernelTimes", KernelTimes},
      {"devices", Devices},
      {"registeredKernels", RegisteredKernels},
      {"setTensorFloat32", SetTensorFloat32},
      {"tensorFloat32", GetTensorFloat32},
      {"countHostMemory", CountHostMemory},
      {"cudnnVersion", CudnnVersion},
  };
  for (const auto& [name, callback] : functions) {
    napi_value function;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok)
      napi_set_named_property(env, exports, name, function);
  }
  return exports;
}
