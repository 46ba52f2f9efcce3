// Loads libraries by their full path before TensorFlow looks for them by name, and gives freed memory back to the system.
// This addon is linked to none of them, because it has to run first.
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

std::string TextOf(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return "";
  std::string text(length + 1, '\0');
  napi_get_value_string_utf8(env, value, &text[0], text.size(), &length);
  text.resize(length);
  return text;
}

// Loads a library for good. Returns null, or the loader's message if that fails. A later dlopen of the library's soname
// finds it, so its symbols can stay local.
napi_value Load(napi_env env, const std::string& file) {
  napi_value result;
  if (dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL) != nullptr) {
    napi_get_null(env, &result);
    return result;
  }
  const char* why = dlerror();
  napi_create_string_utf8(env, why != nullptr ? why : "unknown error", NAPI_AUTO_LENGTH, &result);
  return result;
}

// preload(files: string[]): (string | null)[]
napi_value Preload(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value files;
  napi_value results;
  uint32_t length = 0;
  napi_get_cb_info(env, info, &count, &files, nullptr, nullptr);
  napi_create_array(env, &results);
  if (count < 1 || napi_get_array_length(env, files, &length) != napi_ok) {
    napi_throw_type_error(env, nullptr, "preload takes an array of files");
    return nullptr;
  }
  for (uint32_t i = 0; i < length; i++) {
    napi_value file;
    napi_get_element(env, files, i, &file);
    napi_set_element(env, results, i, Load(env, TextOf(env, file)));
  }
  return results;
}

// loadQuietly(file: string): string | null. Standard error goes to /dev/null meanwhile, because TensorFlow's static
// initializers log to it before they read TF_CPP_MIN_LOG_LEVEL.
napi_value LoadQuietly(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value file;
  napi_get_cb_info(env, info, &count, &file, nullptr, nullptr);
  const std::string name = count < 1 ? "" : TextOf(env, file);
  int saved = fcntl(2, F_DUPFD_CLOEXEC, 3);
  int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (saved >= 0 && sink >= 0) dup2(sink, 2);
  napi_value result = Load(env, name);
  if (saved >= 0) {
    dup2(saved, 2);
    close(saved);
  }
  if (sink >= 0) close(sink);
  return result;
}

// trim(): undefined. Returns freed memory to the system. The C library keeps it between used blocks, in one arena per
// thread, so a run that writes images and checkpoints would grow.
napi_value Trim(napi_env, napi_callback_info) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  return nullptr;
}

void Export(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok)
    napi_set_named_property(env, exports, name, function);
}

}  // namespace

NAPI_MODULE_INIT() {
  Export(env, exports, "preload", Preload);
  Export(env, exports, "loadQuietly", LoadQuietly);
  Export(env, exports, "trim", Trim);
  return exports;
}
