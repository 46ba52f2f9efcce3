// The TensorFlow operation GnrAllReduce: averages tensors over all ranks while other operations go on. It is linked against
// libtensorflow and knows no MPI: `useCollectives` gives it the functions that carry the data.
#include <node_api.h>

#include <memory>
#include <vector>

#include "collectives.h"
#include "tensorflow/core/framework/cancellation.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace {

using tensorflow::AsyncOpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

const GnrCollectives* collectives = nullptr;

/** One call: what its completion needs. */
struct Call {
  OpKernelContext* context;
  AsyncOpKernel::DoneCallback done;
  tensorflow::CancellationToken token = tensorflow::CancellationManager::kInvalidToken;
};

/** Ends a call. Its successors run in TensorFlow's threads: the thread that carries the data has the next bucket to carry. */
void Finish(void* data, const char* failure) {
  std::unique_ptr<Call> call(static_cast<Call*>(data));
  // Does not wait for a cancellation, which may be what ends this call.
  if (auto* cancellation = call->context->cancellation_manager()) (void)cancellation->TryDeregisterCallback(call->token);
  if (failure != nullptr) call->context->SetStatus(absl::AbortedError(failure));
  if (const auto* runner = call->context->runner()) {
    (*runner)(std::move(call->done));
  } else {
    call->done();
  }
}

class AllReduceOp : public AsyncOpKernel {
 public:
  explicit AllReduceOp(OpKernelConstruction* construction) : AsyncOpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("place", &place_));
  }

  // The executor calls it as soon as its inputs are there. An expensive operation, and one that a control edge holds back until
  // the bucket before has arrived, would queue behind the rest of the backward pass.
  bool IsExpensive() override { return false; }

  void ComputeAsync(OpKernelContext* context, DoneCallback done) override {
    OP_REQUIRES_ASYNC(context, collectives != nullptr, absl::FailedPreconditionError("there are no other ranks"), done);
    std::vector<float*> parts;
    std::vector<size_t> sizes;
    for (int i = 0; i < context->num_inputs(); i++) {
      const Tensor& input = context->input(i);
      Tensor* output = nullptr;
      // In place, unless something else reads the input too.
      OP_REQUIRES_OK_ASYNC(context, context->forward_input_or_allocate_output({i}, i, input.shape(), &output), done);
      if (output->data() != input.data()) std::copy_n(input.flat<float>().data(), input.NumElements(), output->flat<float>().data());
      parts.push_back(output->flat<float>().data());
      sizes.push_back(output->NumElements());
    }
    auto* call = new Call{context, std::move(done)};
    const int64_t step = context->step_id();
    if (auto* cancellation = context->cancellation_manager()) {
      call->token = cancellation->get_cancellation_token();
      if (!cancellation->RegisterCallback(call->token, [step] { collectives->cancel(step); })) {
        Finish(call, "the step was cancelled");
        return;
      }
    }
    collectives->average(parts.data(), sizes.data(), parts.size(), {step, place_}, Finish, call);
  }

 private:
  int64_t place_ = -1;
};

// Stateful: two calls are never one, and none is left out, because the other ranks wait for each of them.
REGISTER_OP("GnrAllReduce")
    .Input("inputs: N * float")
    .Output("outputs: N * float")
    .Attr("N: int >= 1")
    .Attr("place: int = -1")
    .SetIsStateful()
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* context) {
      for (int i = 0; i < context->num_inputs(); i++) context->set_output(i, context->input(i));
      return absl::OkStatus();
    });

REGISTER_KERNEL_BUILDER(Name("GnrAllReduce").Device(tensorflow::DEVICE_CPU), AllReduceOp);
// On a GPU, TensorFlow copies the tensors through pinned host memory.
REGISTER_KERNEL_BUILDER(Name("GnrAllReduce").Device(tensorflow::DEVICE_GPU).HostMemory("inputs").HostMemory("outputs"),
                        AllReduceOp);

/** useCollectives(external): the functions that carry the data of all calls from now on. */
napi_value UseCollectives(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value value;
  void* data = nullptr;
  if (napi_get_cb_info(env, info, &count, &value, nullptr, nullptr) != napi_ok || count < 1 ||
      napi_get_value_external(env, value, &data) != napi_ok) {
    napi_throw_type_error(env, nullptr, "expected the collectives of an MPI addon");
    return nullptr;
  }
  collectives = static_cast<const GnrCollectives*>(data);
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "useCollectives", NAPI_AUTO_LENGTH, UseCollectives, nullptr, &function) == napi_ok)
    napi_set_named_property(env, exports, "useCollectives", function);
  return exports;
}
