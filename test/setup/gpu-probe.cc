// An addon for preload.test.ts: asks TensorFlow whether it finds CUDA's libraries, by its own function.
#include <dlfcn.h>
#include <node_api.h>
#include <stdint.h>

#include <string>

// tsl::internal::DsoLoader::MaybeTryDlopenGPULibraries(), which returns an absl::Status by value: the caller passes a place
// for it, and a status of success is the word 1.
static napi_value Probe(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result;
  char file[4096];
  size_t length;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_string_utf8(env, argument, file, sizeof file, &length);
  void* library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
  void* function =
      library ? dlsym(library, "_ZN3tsl8internal9DsoLoader26MaybeTryDlopenGPULibrariesEv") : nullptr;
  if (function == nullptr) {
    napi_throw_error(env, nullptr, dlerror());
    return nullptr;
  }
  uintptr_t status = 0;
  reinterpret_cast<void (*)(uintptr_t*)>(function)(&status);
  napi_get_boolean(env, status == 1, &result);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "probe", NAPI_AUTO_LENGTH, Probe, nullptr, &function);
  napi_set_named_property(env, exports, "probe", function);
  return exports;
}
